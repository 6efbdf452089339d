"""Forms of a page, filled in and sent as browsers do (HTML standard, 4.10.22): from elements to what a request needs.

Nothing here runs scripts: fields that a script adds or fills are not known.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from lxml import etree

from crawler.spider.encoding import codec_of
from crawler.spider.form_body import Entry, File, encode, urlencoded

Element = etree._Element
_CONTROLS = ("button", "input", "select", "textarea")
_MOST_PIECES = 1_000  # of the text of an option,
_LONGEST = 10_000  # and characters of it
_SHOWN = 10  # forms, and names, that an error lists


class Submission(NamedTuple):
    """What is sent. `action` as the page has it, "" = the page itself. With a `query` it is a GET, else a POST."""

    action: str
    query: str | None
    body: bytes = b""
    content_type: str = ""


def choose(forms: Sequence[Element], every: Sequence[Element], number: int, asked: str) -> Element:
    """Form `number` of those that fit. Raises `ValueError` that lists `every` form if there is none."""
    if 0 <= number < len(forms):
        return forms[number]
    told = "; ".join(_described(form) for form in every[:_SHOWN]) or "none"
    more = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
    raise ValueError(f"there is no form {asked}. The forms there are: {told}{more}")


def form_of(element: Any) -> Element | None:
    """The form that a selected element is, is in, or has in itself."""
    if not isinstance(element, Element):
        return None
    if element.tag == "form":
        return element
    around = next(element.iterancestors("form"), None)
    return around if around is not None else next(element.iter("form"), None)


def submit(
    root: Element,
    form: Element,
    fields: Mapping[str, Any],
    click: str | bool | None,
    codec: str,
    extra: Mapping[str, Any],
) -> Submission:
    """Press a button of a form that was filled in with `fields` and given `extra` ones; see `Page.form`.

    Raises `ValueError` for fields and buttons that are not there, `TypeError` for values that cannot be sent.
    """
    controls = _controls_of(root, form)
    disabled = _disabled(root)
    button = _button(controls, disabled, click)
    _check_names(fields, controls)
    codec = _codec(form, codec)
    entries = list(_entries(controls, disabled, button, fields))
    entries = [_with_charset(entry, codec) for entry in entries]
    entries += [(name, one) for name, value in extra.items() for one in _given(name, value)]
    action, method, enctype = (
        _attribute(form, button, name, own)
        for name, own in (("action", "formaction"), ("method", "formmethod"), ("enctype", "formenctype"))
    )
    if method.lower() == "dialog":
        raise ValueError("the form is sent nowhere: its method is dialog")
    if method.lower() != "post":
        return Submission(action, urlencoded(entries, codec))
    body, content_type = encode(entries, enctype.lower(), codec)
    return Submission(action, None, body, content_type)


def _attribute(form: Element, button: Element | None, name: str, own: str) -> str:
    value = button.get(own) if button is not None else None
    return (value if value is not None else form.get(name, "")).strip()


def _codec(form: Element, page_codec: str) -> str:
    labels = form.get("accept-charset", "").lower().replace(",", " ").split()
    codec = next((codec for label in labels if (codec := codec_of(label))), page_codec)
    return "utf-8" if codec.startswith("utf-16") else codec


def _controls_of(root: Element, form: Element) -> list[Element]:
    """The controls that belong to a form, in document order, wherever they stand (`form=`)."""
    inside = set(form.iter(*_CONTROLS))
    own = form.get("id")
    return [
        control
        for control in root.iter(*_CONTROLS)
        if (control in inside if (named := control.get("form")) is None else named == own)
    ]


def _disabled(root: Element) -> set[Element]:
    """Controls that are not sent: disabled themselves or by a fieldset (but for its legend), or part of a datalist."""
    found = {control for control in root.iter(*_CONTROLS) if control.get("disabled") is not None}
    inside: set[Element] = set()  # of a fieldset or a datalist that disables what it has; parents come before children
    for around in root.iter("fieldset", "datalist"):
        if around in inside or (around.tag == "fieldset" and around.get("disabled") is None):
            continue
        legend = around.find("legend") if around.tag == "fieldset" else None
        for child in around:
            if child is not legend:
                inside.update(child.iter())
    return found | {control for control in root.iter(*_CONTROLS) if control in inside}


def _type(control: Element) -> str:
    if control.tag == "input":
        return control.get("type", "text").strip().lower()
    if control.tag == "button":
        kind = control.get("type", "").strip().lower()
        return kind if kind in ("reset", "button") else "submit"
    return str(control.tag)


def _button(controls: Sequence[Element], disabled: set[Element], click: str | bool | None) -> Element | None:
    """The button that is pressed: the first one, as the return key does; none for False; or the one that is named."""
    buttons = [one for one in controls if one not in disabled and _type(one) in ("submit", "image")]
    if click is False:
        return None
    if click is None or click is True:
        return buttons[0] if buttons else None
    for looks_like in (
        lambda one: one.get("name"),
        lambda one: one.get("id"),
        lambda one: one.get("value"),
        _words,
    ):
        for button in buttons:
            if looks_like(button) == click:
                return button
    names = [one.get("name") or one.get("id") or one.get("value") or _words(one) for one in buttons[:_SHOWN]]
    told = _list(names, len(buttons)) if names else "none"
    raise ValueError(f"the form has no button {click!r}; its buttons are: {told}")


def _check_names(fields: Mapping[str, Any], controls: Sequence[Element]) -> None:
    kinds: dict[str, set[str]] = {}
    for control in controls:
        if name := control.get("name"):
            kinds.setdefault(name, set()).add(_type(control))
    for name, value in fields.items():
        if name not in kinds:
            near = difflib.get_close_matches(name, kinds, n=3)
            hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"it has {_list(list(kinds))}"
            raise ValueError(f"the form has no field {name!r}: {hint}")
        if isinstance(value, bool) and "checkbox" not in kinds[name]:
            raise ValueError(f"the field {name!r} is no checkbox: {value} cannot be put into it, a text can")


def _entries(
    controls: Sequence[Element], disabled: set[Element], button: Element | None, fields: Mapping[str, Any]
) -> Iterator[Entry]:
    """The entry list (4.10.22.4). A field that is filled in stands where the first control of its name does."""
    filled = set()
    # Of several radio buttons of one name that say they are checked, the last one is.
    checked = {one.get("name"): one for one in controls if _type(one) == "radio" and one.get("checked") is not None}
    for control in controls:
        name = control.get("name", "")
        value = fields.get(name)
        is_ticked = value if isinstance(value, bool) else None
        if name in fields and is_ticked is None:
            if name not in filled:
                filled.add(name)
                yield from ((name, one) for one in _given(name, value))
        elif control not in disabled and (_type(control) != "radio" or checked.get(name) is control):
            yield from _own(control, name, control is button, is_ticked)


def _with_charset(entry: Entry, codec: str) -> Entry:
    """A field of this name tells the host which encoding the others have (HTML standard, 4.10.22.4)."""
    return (entry[0], codec) if entry == ("_charset_", "") else entry


def _given(name: str, value: Any) -> Iterator[str | File]:
    """The values that somebody gave for a field."""
    match value:
        case None:
            return
        case str():
            yield value
        case bool():
            raise TypeError(f"the field {name!r} cannot hold {value!r} among others")
        case int() | float():
            yield str(value)
        case (str() as file_name, bytes() as content):
            yield File(file_name, content)
        case list():
            for one in value:
                yield from _given(name, one)
        case _:
            raise TypeError(
                f"the field {name!r} cannot hold {value!r}: give a text, a number, a list of them, True or False for a "
                "checkbox, None to leave it out, or (file name, bytes)"
            )


def _own(control: Element, name: str, is_pressed: bool, is_ticked: bool | None) -> Iterator[Entry]:
    """What a control sends as the page has it. `is_ticked` says what becomes of a checkbox, None = as it is."""
    kind = _type(control)
    if kind == "image":
        if is_pressed:
            yield from ((f"{name}.{axis}" if name else axis, "0") for axis in ("x", "y"))
        return
    if not name or kind in ("reset", "button") or (kind == "submit" and not is_pressed):
        return
    if kind == "select":
        yield from ((name, value) for value in _chosen(control))
    elif kind == "textarea":
        text = "".join(str(part) for part in control.itertext())
        yield name, text.removeprefix("\r").removeprefix("\n")  # the first line end belongs to the markup
    elif kind in ("checkbox", "radio"):
        is_on = control.get("checked") is not None
        if is_ticked if is_ticked is not None and kind == "checkbox" else is_on:
            yield name, control.get("value", "on")
    elif kind == "file":
        yield name, File()
    else:
        value = control.get("value", "")
        yield name, value if kind in ("hidden", "submit") else value.replace("\r", "").replace("\n", "")


def _chosen(select: Element) -> list[str]:
    """The values of the selected options. Of a drop-down the last one counts, or the first if none is selected."""
    options = list(select.iter("option"))
    chosen = [option for option in options if option.get("selected") is not None]
    if select.get("multiple") is None:
        if not chosen and select.get("size", "1").strip() in ("", "0", "1"):
            chosen = [option for option in options if not _is_disabled(option)][:1]
        chosen = chosen[-1:]
    return [option.get("value", _words(option)) for option in chosen if not _is_disabled(option)]


def _is_disabled(option: Element) -> bool:
    group = option.getparent()
    of_group = group is not None and group.tag == "optgroup" and group.get("disabled") is not None
    return option.get("disabled") is not None or of_group


def _words(element: Element) -> str:
    """The text of a button or an option, as far as anybody would read it: they may stand in each other."""
    return " ".join("".join(map(str, islice(element.itertext(), _MOST_PIECES)))[:_LONGEST].split())


def _described(form: Element) -> str:
    attributes = "".join(f" {name}={form.get(name)!r}" for name in ("id", "name", "action") if form.get(name))
    names = dict.fromkeys(name for control in form.iter(*_CONTROLS) if (name := control.get("name")))
    return f"<form{attributes}> with {_list(list(names))}"


def _list(names: list[str], count: int = 0) -> str:
    """The first names, of `count` in all; without it these are all."""
    count = count or len(names)
    more = f" and {count - _SHOWN} more" if count > _SHOWN else ""
    return ", ".join(repr(name[:100]) for name in names[:_SHOWN]) + more if names else "no fields"
