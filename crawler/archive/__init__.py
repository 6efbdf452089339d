"""Archives of what was fetched, in the format of web archives (WARC/1.1, ISO 28500:2017): written and read."""
