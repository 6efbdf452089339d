"""Spiders tested without a network: whole crawls on pages that stand in the test, and saved pages with what they give.

`plugin.py` is what pytest loads, `offline.py` the crawl, `cases.py` the saved pages. Nothing is imported before it is
used: pytest loads this package for every test-suite of an environment in which the crawler is installed.
"""
