"""Selection criteria on system fields."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochwatch.model.field_selection import InvalidCriteria, parse_criteria

HERE = {"@aws.account": "111122223333", "@aws.region": "eu-west-1"}


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("", True),
        ("  ", True),
        ('@aws.region = "eu-west-1"', True),
        ("@aws.region='eu-west-1'", True),
        ('@aws.region = "eu-west-2"', False),
        ('@aws.region != "eu-west-2"', True),
        ('@aws.account IN ["1", "111122223333"]', True),
        ('@aws.account IN ["1"]', False),
        ('@aws.account NOT IN ["1"]', True),
        ('@aws.account NOT IN ["111122223333"]', False),
        ('@aws.account = "1" OR @aws.region = "eu-west-1"', True),
        ('@aws.account = "1" AND @aws.region = "eu-west-1"', False),
        ('@aws.region = "eu-west-1" OR @aws.account = "1" AND @aws.account = "2"', True),
        ('(@aws.region = "eu-west-1" OR @aws.account = "1") AND @aws.account = "2"', False),
    ],
)
def test_criteria_select(source: str, wanted: bool) -> None:
    assert parse_criteria(source)(HERE) is wanted


@pytest.mark.parametrize(
    "source",
    [
        "@aws.region",
        "@aws.region =",
        "@aws.region = eu-west-1",
        '@aws.region NOT = "a"',
        '@aws.region IN "a"',
        "@aws.region IN []",
        '@aws.region IN ["a",]',
        '@aws.user = "a"',
        '@aws.region = "a" AND',
        '@aws.region = "a" @aws.region = "b"',
        '(@aws.region = "a"',
        '"a" = @aws.region',
        '@aws.region = "a',
        "(" * 200,
    ],
)
def test_what_is_no_criteria_is_refused(source: str) -> None:
    with pytest.raises(InvalidCriteria):
        parse_criteria(source)


@given(st.text("@aws.region= ()[]!\"',INOTADRx", max_size=60))
def test_any_text_is_criteria_or_refused(source: str) -> None:
    with contextlib.suppress(InvalidCriteria):
        assert parse_criteria(source)(HERE) in (True, False)
