"""What a setting names by "package.module:Name" or "path/to/file.py:Name"."""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from crawler.errors import SpiderLoadError
from crawler.spider.load import import_file
from crawler.spider.trace import shown, tell


def load_object(target: str) -> Any:
    """The object that `target` names. Raises `SpiderLoadError` if it cannot be found or imported."""
    place, colon, name = target.rpartition(":")
    if not colon or not place or not name.isidentifier():
        raise SpiderLoadError(
            f"{target!r} names no object", hint="write it as package.module:Name or path/to/file.py:Name"
        )
    module = _file(place) if place.endswith(".py") else _module(place)
    if not hasattr(module, name):
        own = [known for known in vars(module) if not known.startswith("_")]
        close = difflib.get_close_matches(name, own, n=1)
        raise SpiderLoadError(f"{shown(place)} has no {name}", hint=f"did you mean {close[0]}?" if close else "")
    return getattr(module, name)


def lasting(target: str) -> str:
    """`target` as it means the same from whatever folder a run is resumed: paths of files are absolute."""
    place, colon, name = target.rpartition(":")
    return f"{os.path.abspath(place)}{colon}{name}" if place.endswith(".py") else target


def _file(place: str) -> ModuleType:
    path = Path(place)
    if not path.is_file():
        raise SpiderLoadError(f"there is no file {shown(place)}", hint="paths are seen from the folder crawl runs in")
    return import_file(path)


def _module(place: str) -> ModuleType:
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # last, so that it hides no library
    try:
        return importlib.import_module(place)
    except (Exception, SystemExit) as error:
        told = tell(error)
        where = f"{told.where}: " if told.where else ""
        hint = ""
        if isinstance(error, ModuleNotFoundError):
            hint = (
                f"is {error.name} installed here, or in the folder crawl runs in? A file is named path/to/file.py:Name"
            )
        raise SpiderLoadError(
            f"{where}cannot import {place}: {type(error).__name__}: {told.message}", hint=hint, trace=told.trace
        ) from None
