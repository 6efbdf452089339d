"""The control room: what other processes may see and switch while a crawl runs."""
