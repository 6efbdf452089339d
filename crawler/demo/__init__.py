"""A small site of film boards on 127.0.0.1, to try a spider on and to test with: see `site.serve`."""
