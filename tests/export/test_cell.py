from datetime import UTC, datetime

import msgspec
import pytest

from crawler.export.cell import cell
from crawler.item import to_json


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text", "text"),
        ("", ""),
        (None, ""),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (1.5, "1.5"),
        ([1, "二", None], '[1,"二",null]'),
        ({"a": {"b": 1}}, '{"a":{"b":1}}'),
        (datetime(2024, 5, 1, 12, tzinfo=UTC), "2024-05-01T12:00:00Z"),
    ],
)
def test_values_as_text(value, expected):
    decoded = msgspec.json.decode(to_json({"field": value}))["field"]
    assert cell(decoded) == expected
