"""In which order composite alarms are evaluated."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochwatch.model.alarm.ordering import evaluation_order


@pytest.mark.parametrize(
    ("children", "order"),
    [
        ({}, []),
        ({"a": []}, ["a"]),
        ({"a": ["metric"]}, ["a"]),
        ({"a": ["b"], "b": ["c"], "c": []}, ["c", "b", "a"]),
        ({"a": ["b", "c"], "b": ["c"], "c": []}, ["c", "b", "a"]),
        ({"a": ["a"]}, []),
        ({"a": ["b"], "b": ["a"]}, []),
        ({"a": ["b"], "b": ["c"], "c": ["b"]}, ["a"]),
        ({"a": ["b"], "b": ["a"], "c": []}, ["c"]),
    ],
)
def test_an_alarm_comes_behind_those_it_refers_to(children: dict[str, list[str]], order: list[str]) -> None:
    assert evaluation_order(children) == order


def test_a_long_chain_is_no_deep_recursion() -> None:
    chain = {str(number): [str(number + 1)] for number in range(3000)}
    assert evaluation_order(chain)[0] == "2999"


@given(st.dictionaries(st.sampled_from("abcdefg"), st.lists(st.sampled_from("abcdefg"), max_size=3)))
def test_no_alarm_comes_before_one_it_needs(children: dict[str, list[str]]) -> None:
    order = evaluation_order(children)
    assert len(order) == len(set(order))
    for place, name in enumerate(order):
        assert all(child in order[:place] for child in children[name] if child in order)
