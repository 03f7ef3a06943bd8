"""Logs aligned by content: what always differs is masked, the rest is found, and the work is bounded."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochwatch.model.line_masks import MASK, LineMasks
from epochwatch.model.log_difference import Block, difference

M = MASK


@pytest.mark.parametrize(
    ("line", "exact"),
    [
        ("2026-11-22 05:00:01,123 INFO ready", f"{M} INFO ready"),
        ("2026-11-22T05:00:01.5Z ready", f"{M} ready"),
        ("Nov 22 05:00:01 box kernel: x", f"{M} {M} box kernel: x"),
        ("saved in 3.2s", f"saved in {M}"),
        ("took 15 ms, 2.1 it/s", f"took {M}, {M}"),
        ("eta 00:12:03", f"eta {M}"),
        ("object at 0x7f3a9c00", f"object at {M}"),
        ("run 6b0a3c52-31c8-4dd2-8f5f-0a1b2c3d4e5f", f"run {M}"),
        ("commit 1f3a5b7c9d1e3f5a", f"commit {M}"),
        ("listening on 10.0.0.3:29500", f"listening on {M}"),
        ("writing s3://bucket/a/b.pt", f"writing {M}"),
        ("loading /data/run-3/train.csv now", f"loading {M} now"),
        ("worker pid 4711 up", f"worker {M} up"),
        ("python[4711]: hello", f"python{M}: hello"),
        ("step 100/5000 loss=0.5", f"{M} loss=0.5"),
        ("Epoch [3/10] lr 0.1", f"{M}] lr 0.1"),
        (" 12%|#3   | done", f"{M} done"),
        ("GPU 0 of 8: 40 layers", "GPU 0 of 8: 40 layers"),
        ("a  b\tc", "a b c"),
        ("loss=nan and/or inf", "loss=nan and/or inf"),
        ("my-job says hello to my-job", f"{M} says hello to {M}"),
    ],
)
def test_what_differs_between_any_two_runs_is_masked(line: str, exact: str) -> None:
    assert LineMasks(["my-job"]).keys(line)[0] == exact


def test_lines_of_one_form_are_not_taken_for_each_other() -> None:
    masks = LineMasks()
    assert masks.keys("loss=0.52")[0] == "loss=0.52"
    assert masks.keys("loss=0.53")[0] == "loss=0.53"
    assert masks.keys("loss=0.52")[1] == masks.keys("loss=1e-07")[1] == f"loss={M}"


@given(st.text(max_size=200))
def test_spans_lie_in_the_line_in_order(line: str) -> None:
    at = 0
    for low, high in LineMasks(["name"]).spans(line):
        assert at <= low < high <= len(line)
        at = high


def kinds(a: list[str], b: list[str], **how: Any) -> list[tuple[Any, ...]]:
    return [(one.kind, one.a_first, one.a_last, one.b_first, one.b_last) for one in difference(a, b, **how).blocks]


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([], [], []),
        (["x"], [], [("removed", 0, 1, 0, 0)]),
        ([], ["x", "y"], [("added", 0, 0, 0, 2)]),
        (["x", "at 1s"], ["x", "at 2s"], [("equal", 0, 2, 0, 2)]),
        (["lr 0.1", "x"], ["lr 0.01", "x"], [("changed", 0, 1, 0, 1), ("equal", 1, 2, 1, 2)]),
        (
            ["a", "b", "c"],
            ["a", "x", "c"],
            [("equal", 0, 1, 0, 1), ("removed", 1, 2, 1, 1), ("added", 2, 2, 1, 2), ("equal", 2, 3, 2, 3)],
        ),
        (
            ["s", "s", "s", "s"],
            ["s", "s", "e", "s", "s"],
            [("equal", 0, 2, 0, 2), ("added", 2, 2, 2, 3), ("equal", 2, 4, 3, 5)],
        ),
    ],
)
def test_lines_are_aligned_by_content(a: Any, b: Any, expected: Any) -> None:
    assert kinds(a, b) == expected


def test_numbers_may_be_tolerated() -> None:
    assert kinds(["lr 0.1", "x"], ["lr 0.01", "x"], tolerant=True) == [("equal", 0, 2, 0, 2)]


def test_runs_that_repeat_each_other_are_aligned_by_their_numbers() -> None:
    a = [f"loss={value / 7:.4f}" for value in range(50)]
    assert kinds(a, a[1:]) == [("removed", 0, 1, 0, 0), ("equal", 1, 50, 0, 49)]


def test_numbers_that_come_twice_by_chance_do_not_shift_the_rest() -> None:
    one, other = (random.Random(seed) for seed in (1, 2))
    a, b = ([f"loss={source.random():.2f}" for _ in range(300)] for source in (one, other))
    assert {kind for kind, *_ in kinds(a, b)} <= {"equal", "changed"}


words = st.lists(st.sampled_from(["a", "b", "c", "lr 1", "lr 2", "step 3"]), max_size=40)


@given(words, words, st.booleans())
def test_every_line_stands_once_and_in_order(a: list[str], b: list[str], tolerant: bool) -> None:
    at_a = at_b = 0
    masks = LineMasks()
    for block in difference(a, b, tolerant=tolerant).blocks:
        assert (block.a_first, block.b_first) == (at_a, at_b)
        at_a, at_b = block.a_last, block.b_last
        pairs = list(zip(a[block.a_first : at_a], b[block.b_first : at_b], strict=False))
        if block.kind in ("equal", "changed"):
            assert at_a - block.a_first == at_b - block.b_first > 0
            same = 1 if tolerant or block.kind == "changed" else 0
            assert all(masks.keys(one)[same] == masks.keys(other)[same] for one, other in pairs)
        else:
            assert not pairs
    assert (at_a, at_b) == (len(a), len(b))


@given(words)
def test_a_log_does_not_differ_from_itself(a: list[str]) -> None:
    assert difference(a, a).blocks == ([Block("equal", 0, len(a), 0, len(a))] if a else [])


@given(words, st.lists(st.integers(0, 40), max_size=10))
def test_lines_that_were_put_in_are_told_as_added_and_no_others(a: list[str], places: list[int]) -> None:
    b = list(a)
    for place in places:
        b.insert(min(place, len(b)), "new")
    blocks = difference(a, b).blocks
    assert {block.kind for block in blocks} <= {"equal", "added"}
    assert sum(block.rows for block in blocks if block.kind == "added") == len(places)


def test_what_is_too_different_is_told_as_replaced() -> None:
    source = random.Random(3)
    a, b = ([source.choice("abcdefgh") * 3 for _ in range(20_000)] for _ in range(2))
    found = difference(a, b)
    assert found.coarse
    assert sum(block.a_last - block.a_first for block in found.blocks) == 20_000
