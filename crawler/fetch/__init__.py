"""Clients that fetch. The only room that knows `requests`, `urllib3` and `pycurl`."""
