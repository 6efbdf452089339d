"""Clients that fetch. The only room that knows `requests` and `urllib3`."""
