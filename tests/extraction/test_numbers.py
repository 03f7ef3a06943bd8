"""Numbers from captured texts."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochwatch.extraction.numbers import parse_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (b"0.5", 0.5),
        (b"1e-5", 1e-5),
        (b"7E-5", 7e-5),
        (b".5", 0.5),
        (b"5.", 5.0),
        (b"-3", -3.0),
        (b"+1.5e+3", 1500.0),
        (b" 0.25 ", 0.25),
        (b"'0.25'", 0.25),
        (b"[0.25]", 0.25),
        (b"(0.25,", 0.25),
        (b"1,234.5", 1234.5),
        (b"12,345,678", 12345678.0),
        (b"0.75#011validation-rmse:0.6", 0.75),
        (b"1_234_567", 1234567.0),
        (b"2.22008D+03", 2220.08),
        (b"-1.5d-02", -0.015),
        ("\u22122.5".encode(), -2.5),
        (b"2,2201", 2.2201),
        (b"-0,5", -0.5),
        (b"0,25,", 0.0),  # a list, for all one knows
        (b"0.5.", 0.5),
        (b"12. And", 12.0),
        (b"95.3%", 95.3),
        (b"0.5, acc=0.9", 0.5),
        (b"inf", math.inf),
        (b"-Infinity", -math.inf),
        (b"1e999", math.inf),
    ],
)
def test_numbers_are_read_from_their_prefix(text: bytes, number: float) -> None:
    assert parse_number(text) == number


@pytest.mark.parametrize("text", [b"nan", b"NaN", b"-nan", b"nan,"])
def test_nan_is_a_number_here(text: bytes) -> None:
    value = parse_number(text)
    assert value is not None
    assert math.isnan(value)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"abc",
        b"1.2.3",
        b"5x",
        b"0x10",
        b"1_00",
        b"5D3",
        b"1_0000",
        b"0.5.x",
        b"1e",
        b"12s",
        b"nano",
        b"infinite",
        b"-",
        b".",
        b"\xff1",
    ],
)
def test_words_and_versions_are_no_numbers(text: bytes) -> None:
    assert parse_number(text) is None


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_that_python_prints_is_read_back_exactly(number: float) -> None:
    assert parse_number(repr(number).encode()) == number
    assert parse_number(f"{number!r}, and more".encode()) == number
