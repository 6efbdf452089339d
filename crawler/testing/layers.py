"""The settings of what needs no network: they win over those of the spider, the project and the environment."""

from __future__ import annotations

from typing import Any

from crawler.settings import Fetch, Layer

# How a site is reached is of no interest, nor are the secrets that open one, which may be missing here.
_CLIENT: dict[str, Any] = {"fetch.client": "requests"} if "client" in Fetch.__struct_fields__ else {}
_NO_WAY: dict[str, Any] = {"fetch.proxy": "", "host": [], "cache.mode": "off", **_CLIENT}

# A saved page is there already.
AS_SAVED = Layer("saved pages", {**_NO_WAY, "fetch.headers": {}})

# A crawl asks for one page after the other, at once, so that two runs of a test are the same.
OFFLINE: dict[str, Any] = {
    **_NO_WAY,
    "crawl.pool": "inline",
    "politeness.delay": 0.0,
    "politeness.jitter": 0.0,
    "politeness.adaptive": False,
    "politeness.host_key": "name",
    "politeness.max_retry_after": 0.001,
    "breaker.failures": 0,
    "retry.pause": 0.0,
    "retry.jitter": 0.0,
    "robots.obey": False,
    "robots.pause": 0.0,
}
