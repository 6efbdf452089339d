"""The clients that may be chosen with `fetch.client`, and whether they are there."""

from __future__ import annotations

from crawler.errors import UsageError

_INSTALL = "pip install 'crawler[curl]', or -s fetch.client=requests"


def check_client(name: str) -> None:
    """Raises `UsageError` for a client whose library is missing, or is there and cannot be loaded."""
    if name != "curl":
        return
    try:
        import pycurl
    except ModuleNotFoundError:
        raise UsageError("fetch.client = curl needs pycurl, which is not installed", hint=_INSTALL) from None
    except ImportError as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"fetch.client = curl needs pycurl, which cannot be loaded: {reason}", hint=_INSTALL) from None
    if not hasattr(pycurl, "PROXY_ERROR"):  # what came last of all that is used
        version = pycurl.version.split()[0].removeprefix("PycURL/")
        raise UsageError(f"fetch.client = curl needs pycurl 7.48 or later, and this is {version}", hint=_INSTALL)
