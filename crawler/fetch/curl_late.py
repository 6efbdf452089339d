"""Who is late: no connection, silence, or no end. libcurl's own limits are of seconds, and do not know all of these."""

from __future__ import annotations

import pycurl

from crawler.fetch.curl_transfer import Transfer
from crawler.fetch.faults import Fault
from crawler.fetch.limits import FetchLimits


def look_after(limits: FetchLimits) -> float:
    """Seconds between two looks at who is late."""
    waits = [seconds for seconds in (limits.timeout, limits.connect_timeout, limits.read_timeout) if seconds]
    return min(max(min(waits, default=10.0) / 10, 0.01), 1.0)


def no_end(transfer: Transfer) -> Fault:
    """That of a transfer whose deadline has passed."""
    return Fault("timeout", f"no end after {transfer.total:g} s")


def late_fault(transfer: Transfer, limits: FetchLimits, now: float) -> Fault | None:
    """What to end a transfer with that waits too long for its host, None if it does not. Notes what has come since."""
    came = transfer.came
    if came != transfer.seen or transfer.is_paused:
        transfer.seen, transfer.idle_since = came, now
        return None
    if not transfer.is_connected:
        ready = transfer.curl.getinfo(pycurl.PRETRANSFER_TIME)
        if not ready:
            seconds = limits.connect_timeout * max(len(transfer.allowed), 1)
            if limits.connect_timeout and now - transfer.attempted >= seconds:
                how = f" through the proxy {transfer.proxy}" if transfer.proxy is not None else ""
                return Fault("timeout", f"no connection{how} within {limits.connect_timeout:g} s")
            return None
        transfer.is_connected = True
        transfer.idle_since = max(transfer.idle_since, min(now, transfer.attempted + ready))
    if limits.read_timeout and now - transfer.idle_since >= limits.read_timeout:
        if transfer.order.body and (sent := transfer.curl.getinfo(pycurl.SIZE_UPLOAD_T)) != transfer.sent:
            transfer.sent, transfer.idle_since = sent, now
            return None
        if transfer.lines:
            return Fault("timeout", "the answer stopped in the middle")
        return Fault("timeout", f"no answer within {limits.read_timeout:g} s")
    return None
