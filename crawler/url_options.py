"""What counts as the same URL beyond the standard, if the settings say so: `[url]`.

Only whole parameters and whole path parts are taken out, so what is canonical stays canonical.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import unquote

# As those who set them document them. A name that ends in `*` stands for all that begin so.
TRACKING = (
    "utm_*", "mtm_*", "matomo_*", "pk_*", "piwik_*", "_ga", "_gl", "gclid", "gclsrc", "dclid", "gbraid", "wbraid",
    "srsltid", "fbclid", "fb_action_ids", "fb_action_types", "fb_source", "igshid", "igsh", "msclkid", "twclid",
    "ttclid", "li_fat_id", "epik", "yclid", "ysclid", "_openstat", "mc_cid", "mc_eid", "_hsenc", "_hsmi",
    "hsctatracking", "mkt_tok", "oly_anon_id", "oly_enc_id", "vero_id", "wickedid", "irclickid", "rb_clickid", "spm",
    "ml_subscriber", "ml_subscriber_hash", "_branch_match_id",
)  # fmt: skip
SESSIONS = (
    "phpsessid", "jsessionid", "aspsessionid*", "asp.net_sessionid", "cfid", "cftoken", "sid", "sessid", "session_id",
    "sessionid", "sapsessionid", "bv_sessionid", "bv_engineid", "oscsid", "xtcsid", "modsid", "zenid",
)  # fmt: skip
# Path parameters of servlets. Without its own, "/..;jsessionid=1" would mean another path: that one is kept.
_IN_SEGMENT = re.compile(
    r"(/(?:\.|%2e){1,2})?(?:;(?:jsessionid|phpsessid|session_?id|cfid|cftoken)=[^/?;]*)+", re.IGNORECASE
)
# ASP.NET without cookies: "/(S(4xyz…))/page.aspx", also with A(…) and F(…) for the two other tickets it has.
_SEGMENT = re.compile(r"/\((?:[A-Z]\([^()/?]*\))+\)(?=/|$)")


class UrlOptions:
    """A function from canonical URLs to canonical URLs; doing it twice changes nothing more. False if all is off.

    ```python
    tidy = UrlOptions(drop_tracking=True, drop_parameters=["ref_*"])
    tidy("https://a.example/?utm_source=x&ref_no=3&page=2")  # "https://a.example/?page=2"
    ```

    - `sort_query`: parameters in the order of their names; those of one name keep theirs.
    - `drop_tracking`, `drop_sessions`: leave out `TRACKING`, and `SESSIONS` in query and path.
    - `drop_parameters`: names to leave out as well, in any case.
    """

    def __init__(
        self,
        sort_query: bool = False,
        drop_tracking: bool = False,
        drop_sessions: bool = False,
        drop_parameters: Sequence[str] = (),
    ) -> None:
        names = [*(TRACKING if drop_tracking else ()), *(SESSIONS if drop_sessions else ())]
        names += [name.lower() for name in drop_parameters]
        self._sort = sort_query
        self._sessions = drop_sessions
        self._names = frozenset(name for name in names if not name.endswith("*"))
        self._beginnings = tuple(name[:-1] for name in names if name.endswith("*"))

    def __bool__(self) -> bool:
        return bool(self._sort or self._sessions or self._names or self._beginnings)

    def __call__(self, url: str) -> str:
        """The URL without what is not wanted, the same string if nothing is to do. Only http and https are touched."""
        if url[:4] != "http":
            return url
        path, mark, query = url.partition("?")
        if self._sessions and (";" in path or "(" in path):
            path = _without_sessions(path)
        if mark:
            parts = query.split("&")
            kept = [part for part in parts if not self._is_dropped(part)]
            if self._sort:
                kept = sorted(filter(None, kept), key=_name)
            if kept != parts:
                query = "&".join(kept)
                mark = "?" if query else ""
        return f"{path}{mark}{query}"

    def _is_dropped(self, part: str) -> bool:
        name = _name(part).lower()
        return name in self._names or name.startswith(self._beginnings)


def _name(part: str) -> str:
    name = part.partition("=")[0]
    return unquote(name) if "%" in name else name


def _without_sessions(url: str) -> str:
    start = url.find("/", len("https://"))
    path = _IN_SEGMENT.sub(lambda match: match[0] if match[1] else "", url[start:])
    return url[:start] + (_SEGMENT.sub("", path) or "/")
