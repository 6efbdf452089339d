"""What is said about drift, in people's words."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from crawler.observe.check import Check
from crawler.observe.checks import Checks
from crawler.observe.events import PageYielded
from crawler.observe.profile import LANGUAGE, Kind, described, form_of

_HEAD = 4096  # bytes in which a title is looked for
_SHOWN = 60  # characters of a value or a title
_TITLE = re.compile(rb"<title[^>]*>([^<]{1,300})</title", re.IGNORECASE)


def message_of(kind: Checks, check: Check) -> str:
    """What is wrong with the pages of a kind, and how they were before; the name of the callback stands before it."""
    bad, pages = check.usual
    runs = kind.base.runs if kind.base is not None else 0
    before = f"on {pages - bad:,} of {pages:,} pages of {_runs(runs)}"
    match check.what:
        case "no links" if check.name == "cut" and check.trail is not None:
            own, fewest, of = check.trail
            so_far = "1 page" if own == 1 else f"{own:,} pages"
            return (
                f"ends with a page that gives neither items nor links, after {so_far}; "
                f"{_runs(of)} had {fewest:,}{' or more' * (of > 1)}"
            )
        case "no links" if check.trail is not None:
            own, fewest, of = check.trail
            all_there_is = "1 page is all there is" if own == 1 else f"{own:,} pages are all there are"
            return f"leads nowhere any more, and {all_there_is}; {_runs(of)} had {fewest:,}{' or more' * (of > 1)}"
        case "no items" if check is kind.odd:
            return f"gives no items any more, from pages unlike those without items of {_runs(runs)}"
        case "same page":
            return "gets the very same page for different URLs"
        case "no items":
            return f"gives no items any more; it did {before}"
        case "few items":
            return f"gives {_at_most(check.limit)} a page; it gave more {before}"
        case "no links":
            return f"leads nowhere any more; it did {before}"
        case "empty field":
            return f"{check.field} is empty; it was filled {before}"
        case "other language":
            known = ", ".join(sorted(kind.base.forms[LANGUAGE])) if kind.base is not None else ""
            return f"the pages say that their language is {check.value}; it was {known}"
        case "other form":
            known = _usual_form(kind.base, check.field)
            return f"{check.field} is {_shown(check.value)}, {described(form_of(check.value))}; it was {known}"
        case "expected":
            return _declared(kind, check)
        case _:
            return check.what


def _declared(kind: Checks, check: Check) -> str:
    expect = kind.expect
    assert expect is not None, "only what was declared is expected"
    if check.name == "items_per_page":
        least, most = expect.bounds
        told = f"{least:,} or more" if most is None else f"{least:,}" if least == most else f"{least:,} to {most:,}"
        return f"gives {check.value:,} items; items_per_page expects {told}"
    if check.name == "required":
        return f"{check.field} is required, and an item has none"
    if check.name == "matches":
        return f"{check.field} is {_shown(check.value)}; matches expects {expect.matches[check.field]}"
    share = check.value
    filled = share.items - share.empty
    return f"{check.field} is filled in {filled:,} of {share.items:,} items; expected are {share.share:.0%}"


def _usual_form(base: Kind | None, field: str) -> str:
    forms = base.forms.get(field, {}) if base is not None else {}
    return described(max(forms, key=lambda form: forms[form])) if forms else "otherwise"


def _runs(number: int) -> str:
    return "the last good run" if number == 1 else f"the last {number} good runs"


def _at_most(limit: int) -> str:
    return "1 item" if limit == 1 else f"at most {limit:,} items"


def hint_of(page: PageYielded) -> str:
    """What is odd about a bad page itself: where it was led to, its title. "" = nothing."""
    hints = []
    asked = page.request.hops[0] if page.request.hops else page.request.url
    if page.response.url != asked:
        hints.append(f"{asked} led to {page.response.url}")
    if found := _TITLE.search(page.response.body, 0, _HEAD):
        hints.append(f"the page is titled {_shown(unescape(found[1].decode(errors='replace')).strip())}")
    return "; ".join(hints)


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return f"'{text[:_SHOWN]}{'…' if len(text) > _SHOWN else ''}'" if isinstance(value, str) else text[:_SHOWN]
