import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler import clean, default, number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2,012", 2012),
        ("2012", 2012),
        (" 1,234,567.80 ", 1234567.8),
        ("1 234", 1234),
        ("1\u00a0234\u00a0567", 1234567),
        ("1'234.5", 1234.5),
        ("¥ 12.50", 12.5),
        ("12 €", 12),
        ("-3", -3),
        ("\u22123", -3),
        (".5", 0.5),
        ("0.0", 0.0),
        (7, 7),
        (7.5, 7.5),
    ],
)
def test_a_number_as_people_write_it(text, value):
    assert number(text) == value
    assert type(number(text)) is type(value)


@pytest.mark.parametrize(("text", "value"), [("2,012", 2.012), ("1.234,5", 1234.5), ("2.012", 2012), ("9,5", 9.5)])
def test_a_number_with_a_decimal_comma(text, value):
    assert number(decimal=",")(text) == value
    assert number(text, decimal=",") == value


@pytest.mark.parametrize(
    "text",
    ["", "-", "9,5", "2,01", "1,2345", "12,34,567", "1,234 567", "1.234.567", "5.", "12 km", "12.5万", "a", "1e5", "$"],
)
def test_what_is_no_number_for_sure_is_none(text):
    with pytest.raises(ValueError, match="is no number"):
        number(text)


def test_a_number_is_not_read_from_other_things():
    with pytest.raises(TypeError):
        number([1])
    with pytest.raises(TypeError):
        number(True)


def test_clean_text():
    assert clean("  a \n\t b\u3000c ") == "a b c"


def test_a_default_stands_for_none_alone():
    assert default("x")(None) == "x"
    assert default("x")("") == ""
    assert default("x")(0) == 0


@given(st.integers(-(10**15), 10**15), st.sampled_from([",", "\u00a0", "\u202f", "'", " ", ""]))
def test_any_number_that_is_written_in_groups_is_read_back(value, gap):
    assert number(f"{value:,}".replace(",", gap)) == value


@given(st.decimals(-(10**9), 10**9, places=3))
def test_any_number_with_decimals_is_read_back_in_both_ways_to_write_it(value):
    written = f"{value:,}"
    assert number(written) == float(value)
    turned = written.translate(str.maketrans(",.", ".,"))
    assert number(turned, decimal=",") == float(value)
