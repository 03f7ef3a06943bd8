"""Differences of logs that are kept."""

import pytest

from epochwatch.console import log_differences
from epochwatch.console.log_differences import LogDifferences
from epochwatch.model.log_difference import difference

NAMES = (["a", "algo-1"], ["b", "algo-1"])


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], list[str]]]:
    """What was compared anew."""
    made: list[tuple[list[str], list[str]]] = []

    def compare(a, b, names, *, tolerant):
        made.append((a, b))
        return difference(a, b, names, tolerant=tolerant)

    monkeypatch.setattr(log_differences, "difference", compare)
    return made


def test_the_same_logs_are_compared_once(made: list[tuple[list[str], list[str]]]) -> None:
    kept, a, b = LogDifferences(), ["one", "two 1"], ["one", "two 2"]
    found = kept.of(a, b, NAMES, tolerant=False)
    assert found == difference(a, b, NAMES)
    assert kept.of([*a], [*b], NAMES, tolerant=False) is found
    assert len(made) == 1


@pytest.mark.parametrize(
    ("a", "b", "names", "tolerant"),
    [
        (["one", "two", "three"], ["one"], NAMES, False),
        (["one", "two"], ["one", "two"], NAMES, False),
        (["one\ntwo"], ["one"], NAMES, False),
        (["one", "two"], ["one"], (["a"], ["b"]), False),
        (["one", "two"], ["one"], NAMES, True),
        (["one"], ["one", "two"], NAMES, False),
        (["one", "two", "one"], [], NAMES, False),
    ],
)
def test_whatever_is_else_is_compared_anew(made, a, b, names, tolerant) -> None:
    kept = LogDifferences()
    kept.of(["one", "two"], ["one"], NAMES, tolerant=False)
    assert kept.of(a, b, names, tolerant=tolerant) == difference(a, b, names, tolerant=tolerant)
    assert len(made) == 2


@pytest.mark.parametrize(("limit", "value"), [("KEPT", 2), ("KEPT_BLOCKS", 4)])
def test_what_was_not_asked_for_the_longest_time_goes_first(made, monkeypatch, limit: str, value: int) -> None:
    monkeypatch.setattr(log_differences, limit, value)
    kept = LogDifferences()

    def ask(text: str) -> None:
        # Two blocks each: an equal line, and one that is removed.
        kept.of(["same", text], ["same"], NAMES, tolerant=False)

    for text in ("first", "second", "first", "third", "first"):
        ask(text)
    assert [a[1] for a, _ in made] == ["first", "second", "third"]
    ask("second")
    assert [a[1] for a, _ in made] == ["first", "second", "third", "second"]
