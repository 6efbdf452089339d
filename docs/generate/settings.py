"""The reference of settings, from `config/default.toml`: its comments are the text, its values the defaults."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "config" / "default.toml"
_KEY = re.compile(r"(?P<key>\w+) = (?P<value>.*)")
_SECTION = re.compile(r"\[(?P<name>\w+)\]")
_CLOSED = {"[": "]", "{": "}"}


@dataclass
class Entry:
    """Keys that share a comment: `keys` are pairs of a key and its default, as written; `text` is the comment."""

    keys: list[tuple[str, str]] = field(default_factory=list)
    text: list[str] = field(default_factory=list)


@dataclass
class Section:
    name: str
    entries: list[Entry] = field(default_factory=list)


def read(text: str) -> tuple[list[str], list[Section]]:
    """The comment at the head of the file, and its sections. Raises `ValueError` for a line it does not understand."""
    head, _, rest = text.partition("\n\n")
    sections = [Section("")]
    entry = Entry()
    lines = iter(rest.splitlines())
    for line in lines:
        if line.startswith("#"):
            if entry.keys or not entry.text:
                entry = Entry()
                sections[-1].entries.append(entry)
            entry.text.append(line.removeprefix("#").removeprefix(" "))
        elif section := _SECTION.fullmatch(line):
            sections.append(Section(section["name"]))
            entry = Entry()
        elif key := _KEY.fullmatch(line):
            value = key["value"]
            if value in _CLOSED:
                value += "".join(f" {more.strip()}" for more in iter(lines.__next__, _CLOSED[value]))
                value = f"{value.rstrip(',')} {_CLOSED[value[0]]}"
            if not sections[-1].entries:  # no comment of its own
                sections[-1].entries.append(entry)
            entry.keys.append((key["key"], value))
        elif line:
            raise ValueError(f"{SOURCE}: what is this line? {line}")
    return [line.removeprefix("#").removeprefix(" ") for line in head.splitlines()], sections


def page() -> str:
    """The reference as Markdown. Raises `ValueError` for a key that no comment explains."""
    head, sections = read(SOURCE.read_text(encoding="utf-8"))
    parts = ["# Settings", "This page is made of `config/default.toml`, which begins so:", _markdown(head, "text")]
    for section in sections:
        parts.append(f"## {f'[{section.name}]' if section.name else 'Single hosts'}")
        for entry in section.entries:
            if not entry.keys:
                parts.append(_markdown(entry.text))
                continue
            if not entry.text:
                raise ValueError(f"{SOURCE}: no comment explains {section.name}.{entry.keys[0][0]}")
            names = [f"{section.name}.{key}".removeprefix(".") for key, _ in entry.keys]
            parts.append("### " + ", ".join(f"`{name}`" for name in names))
            parts.append(_markdown(entry.text))
            values = [value for _, value in entry.keys]
            parts.append("\n".join(f"- `{name} = {value}`" for name, value in zip(names, values, strict=True)))
    return "\n\n".join(parts) + "\n"


def _markdown(lines: list[str], language: str = "toml") -> str:
    """Comment lines as Markdown; what is indented is a block."""
    parts: list[str] = []
    for line in lines:
        is_code = line.startswith("  ")
        if is_code and not (parts and parts[-1].startswith("```")):
            parts.append(f"```{language}\n{line[2:]}")
        elif parts and is_code == parts[-1].startswith("```"):
            parts[-1] += "\n" + (line[2:] if is_code else line)
        else:
            parts.append(line)
    return "\n\n".join(f"{part}\n```" if part.startswith("```") else part for part in parts)
