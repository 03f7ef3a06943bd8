"""The fields of events that are JSON objects."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochwatch.model.logs_insights.discovered import MOST_FIELDS, discovered_fields


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("", {}),
        ("plain text", {}),
        ("[1, 2]", {}),
        ('{"a": 1', {}),
        ('{"a": NaN}', {}),
        ("{" * 100_000, {}),
        (' {"a": 1} ', {"a": "1"}),
        ('{"a": 1.50, "b": 1e3, "c": -0}', {"a": "1.50", "b": "1e3", "c": "-0"}),
        ('{"t": true, "f": false, "n": null, "e": ""}', {"t": "1", "f": "0"}),
        (
            '{"a": {"b": {"c": "d"}}, "l": [1, [2, {"x": 3}]]}',
            {"a.b.c": "d", "l.0": "1", "l.1.0": "2", "l.1.1.x": "3"},
        ),
        ('{"a": {}, "b": []}', {}),
        ('{"@x": 1, "y": {"@z": 2}}', {"@@x": "1", "y.@z": "2"}),
        ('{"a.b": 1, "a": {"b": 2}}', {"a.b": "1"}),
    ],
)
def test_fields_are_the_leaves(message: str, expected: dict[str, str]):
    assert discovered_fields(message) == expected


def test_some_fields_are_enough():
    assert (
        len(discovered_fields(json.dumps({f"f{number}": number for number in range(MOST_FIELDS + 50)})))
        == MOST_FIELDS
    )


def test_an_event_that_is_nested_deep_is_read():
    depth = 400
    assert discovered_fields('{"a":' * depth + "1" + "}" * depth) == {".".join("a" * depth): "1"}


@given(st.dictionaries(st.text(), st.recursive(st.none() | st.text() | st.integers(), st.lists), max_size=20))
def test_any_object_has_fields(document: dict[str, Any]):
    found = discovered_fields(json.dumps(document))
    assert all(isinstance(value, str) and value for value in found.values())
