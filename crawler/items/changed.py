"""An item with some of its fields changed."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import msgspec


def changed(item: Any, values: Mapping[str, Any]) -> Any:
    """The item itself if there is nothing to change, else a copy: whoever yielded it may go on with their own.

    It is no new one, as constructors may do more than once is good.
    """
    if not values:
        return item
    item = copy.copy(item)
    for name, value in values.items():
        if isinstance(item, msgspec.Struct):
            msgspec.structs.force_setattr(item, name, value)
        else:
            object.__setattr__(item, name, value)  # frozen ones too
    return item
