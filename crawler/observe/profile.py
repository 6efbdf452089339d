"""What the pages of a spider give, counted: of a run as it goes on, and of runs that went well, to compare with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

LANGUAGE = "<html lang>"  # stands among the fields
_MOST_FORMS = 12
_MORE = "*"  # further forms, together
_LONGEST_NUMBER = 24  # characters
_LONGEST_FORM = 6
_MOST_LETTERS = 3  # in it: a currency or a unit has no more, a title with a number in it mostly has
_TEXT_READ = 200  # characters
_NO_DIGITS = str.maketrans("", "", "0123456789")
_FIRST_CJK = "\u2e80"


class Tally(msgspec.Struct):
    """Of one thing that may be wrong: bad pages, and how the counters of `odds` stand.

    `worst`: the highest walk; `longest`: the longest streak.
    """

    bad: int = 0
    worst: float = 0.0
    longest: int = 0
    streak: int = 0
    walk: float = 0.0


class Kind(msgspec.Struct):
    """Pages of one kind. `items`: by number of items, how many pages; `forms`: by field and form, likewise.

    `empty_sizes`: of pages without items, by the bytes of their bodies.
    `filled`: by field, how many items of the first pages had something in it; "" is the number of those items.
    `inside`: by place where dicts stand in the items ("film", "offers[]"), pages that had some there.
    `nothing`: pages that gave neither items nor requests. `shallowest`, `deepest`: links from a start URL.
    `runs`: of how many runs it is the sum.
    """

    runs: int = 1
    pages: int = 0
    with_items: int = 0
    nothing: int = 0
    shallowest: int = 0
    deepest: int = 0
    items: dict[int, int] = {}
    empty_sizes: dict[int, int] = {}
    filled: dict[str, int] = {}
    inside: dict[str, int] = {}
    tallies: dict[str, Tally] = {}
    forms: dict[str, dict[str, int]] = {}

    def tally(self, name: str) -> Tally:
        return self.tallies.setdefault(name, Tally())


class Trail(msgspec.Struct):
    """All pages of one callback in a run, or of one kind: how many levels of links there were, how many pages led
    nowhere (`ends`), and how many of them gave no item either (`nothing`).

    `is_limited`: the run has reached a limit, so there may be more.
    """

    is_limited: bool = False
    levels: int = 0
    pages: int = 0
    ends: int = 0
    nothing: int = 0


class Sample(msgspec.Struct, frozen=True):
    """A good page that was kept in `file`, and what makes a request of it again."""

    url: str
    file: str
    status: int
    content_type: str
    data: Any = None


class Profile(msgspec.Struct):
    """One spider in one run: `kinds` by callback and form of the URL ("parse /board/"), `samples` by callback.

    `is_first`: what was before it does not count any more. `arguments`: a digest of those of the spider. `led_on`: by
    callback, the URL of its first page, if that led to others. `trails`: by callback, and by kind; none of a
    run that read a part.
    """

    spider: str
    is_first: bool = False
    arguments: str = ""
    led_on: dict[str, str] = {}
    trails: dict[str, Trail] = {}
    kinds: dict[str, Kind] = {}
    samples: dict[str, Sample] = {}


def together(kinds: Iterable[Kind]) -> Kind:
    """All of them as one."""
    whole = Kind(runs=0)
    for kind in kinds:
        whole.runs += kind.runs
        whole.pages += kind.pages
        whole.with_items += kind.with_items
        for into, of in (
            (whole.items, kind.items),
            (whole.empty_sizes, kind.empty_sizes),
        ):
            for number, pages in of.items():
                into[number] = into.get(number, 0) + pages
        for field, items in kind.filled.items():
            whole.filled[field] = whole.filled.get(field, 0) + items
        for place, pages in kind.inside.items():
            whole.inside[place] = whole.inside.get(place, 0) + pages
        for name, tally in kind.tallies.items():
            known = whole.tally(name)
            known.bad += tally.bad
            known.worst = max(known.worst, tally.worst)
            known.longest = max(known.longest, tally.longest)
        for field, forms in kind.forms.items():
            for form, pages in forms.items():
                count(whole.forms.setdefault(field, {}), form, pages)
    return whole


def count(forms: dict[str, int], form: str, pages: int = 1) -> None:
    """Add to one of the forms, of which only so many are told apart."""
    if form not in forms and len(forms) >= _MOST_FORMS:
        form = _MORE
    forms[form] = forms.get(form, 0) + pages


def is_free(forms: dict[str, int]) -> bool:
    """Whether numbers in this field come in more forms than can be told apart."""
    return forms.get(_MORE, 0) > 0


def rare(forms: Mapping[Any, int]) -> int:
    """How many pages had a form that was there only once: so likely is one that was never there (Good and Turing)."""
    return sum(pages == 1 for pages in forms.values()) + forms.get(_MORE, 0)


def form_of(value: Any) -> str:
    """How a value looks, whatever it says.

    A short text with digits is what stands around them ("0." for 9.5 and 10.25, "0--" for a date); other text its
    script: "abc", "é", "字", or "broken" where it was decoded wrongly. Anything else is its type.
    """
    kind = type(value)
    if kind is str:
        if len(value) <= _LONGEST_NUMBER:
            rest = value.translate(_NO_DIGITS)
            if len(rest) < len(value) and len(rest) <= _LONGEST_FORM and _letters(rest) <= _MOST_LETTERS:
                return f"0{rest}"
        return _script(value)
    if kind is int or kind is float:
        return "number"
    return _script(str(value)) if isinstance(value, str) else kind.__name__


def _letters(text: str) -> int:
    return sum(map(str.isalpha, text))


def _script(text: str) -> str:
    text = text[:_TEXT_READ]
    if text.isascii():
        return "abc"
    if "\ufffd" in text:
        return "broken"
    if max(text) >= _FIRST_CJK:
        return "字"
    for codec in ("latin-1", "cp1252"):  # UTF-8 that was read as one of these is UTF-8 again when it is written so
        try:
            text.encode(codec).decode("utf-8")
        except UnicodeError:
            continue
        return "broken"
    return "é"


def described(form: str) -> str:
    """A form in people's words."""
    words = {
        "abc": "plain ASCII text",
        "é": "text beyond ASCII",
        "字": "Chinese, Japanese or Korean text",
        "broken": "text in a wrong encoding",
        "number": "a number",
    }
    return words.get(form, f"like {form!r} (0 for digits)" if form.startswith("0") else form)


def bucket(number: int) -> int:
    """A number of items as it is counted: exactly up to 32, then with its first four binary digits."""
    if number <= 32:
        return number
    shift = number.bit_length() - 4
    return number >> shift << shift


def url_form(url: str) -> str:
    """Which kind of address a page has: the first part of its path, if that is a word, and whether there are others.

    "/board/" for https://a.example/board/4?offset=10, "/*/" for /2024/05/a-story, "/" for a home page. A query does not
    count: the first page of a list often has none.
    """
    parts = url.split("/", 4)
    if len(parts) < 4:
        return "/"
    first = parts[3].partition("?")[0]
    if not (first.isalpha() and len(first) < 20):
        first = "*" if first else ""
    return f"/{first}/" if len(parts) == 5 else f"/{first}"
