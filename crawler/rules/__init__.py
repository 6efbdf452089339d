"""Reasons to fetch, change or give up a request. A rule is one small file and one name in `ORDER`.

A rule defines only the moments it cares about (`found`, `before`, `after`); in each moment the rules
are asked in this order, and the first that says more than "go on" decides.
"""

ORDER = (
    "scope",  # may this URL be visited at all
    "depth",  # not too far from the start
    "traps",  # sites without end
    "route",  # how to get there: private addresses, proxies, certificates
    "robots",  # what the host allows
    "headers",  # who we are and what we accept
    "auth",  # and for hosts that want to know, who
    "cookies",  # sent before, kept after
    "record",  # what came, before anybody judges it
    "blocked",  # a verification page is nothing to retry or to follow
    "downloads",  # files that are there already, and where others go
    "cache",  # what is on disk needs no fetch; no verification page gets there
    "since",  # what has not changed since another run is not read
    "replay",  # what an archive has needs no fetch, and what it has not is an error
    "redirect",  # a hop is a new URL for all of the above
    "content",  # files that call themselves pages
    "retry",  # failures that may pass
    "status",  # what is left and not for the spider
)
