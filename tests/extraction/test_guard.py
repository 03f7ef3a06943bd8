"""Patterns that only Python can run, and what they cannot do to us."""

import os
import signal
from collections.abc import Iterator

import pytest

from epochwatch.extraction.extractor import Extractor
from epochwatch.extraction.guard import STRIKES, Guard, Worker
from epochwatch.extraction.pattern import Capture, Pattern
from epochwatch.model.batch import Definition

HANGING = r"(?=x)(?:x+x+)+y=(\d+)"
HUNG = b"x" * 40 + b" y="


@pytest.fixture
def guard() -> Iterator[Guard]:
    guard = Guard(budget=0.05)
    yield guard
    guard.close()


def test_it_finds_what_python_finds(guard: Guard) -> None:
    pattern = Pattern(Definition("m", r"(?<=loss=)(?P<value>[0-9.]+)(?: step (?P<step>\d+))?"))
    captures = guard.captures(0, pattern, [b"loss=0.5 step 3", b"nothing", b"loss=1 loss=2"], 0)
    assert [[(c.value, c.step) for c in found] for found in captures] == [
        [(b"0.5", b"3")],
        [],
        [(b"1", None), (b"2", None)],
    ]
    assert guard.captures(0, pattern, [b"loss=1 loss=2"], 1) == [[Capture(b"1")]]


def test_characters_beyond_ascii_keep_their_places(guard: Guard) -> None:
    pattern = Pattern(Definition("m", r"(?<=précision=)([0-9.]+)"))
    assert pattern.wide
    found = guard.captures(0, pattern, ["été précision=0.5".encode(), b"\xff pr\xc3\xa9cision=7"], 1)
    assert [[c.value for c in captures] for captures in found] == [[b"0.5"], [b"7"]]


def test_a_hanging_pattern_is_answered_and_disabled_and_the_others_go_on(guard: Guard) -> None:
    lines = b"".join(HUNG + b"\n" + b"loss=%d\n" % number for number in range(STRIKES + 2))
    definitions = [
        Definition("hang", HANGING),
        Definition("loss", r"loss=(\d+)"),
        Definition("back", r"(l)oss=(?P<value>\d+)\b(?!x)"),
    ]
    extractor = Extractor(definitions, automatic=False, guard=guard)
    extracted = extractor.feed(lines, 0)
    names = [extracted.names[number] for number in extracted.name_ids]
    assert names.count("loss") == STRIKES + 2
    assert names.count("back") == STRIKES + 2
    health = {record.name: record for record in extractor.health()}
    assert health["hang"].engine.startswith("disabled")
    assert health["loss"].engine == "re2"
    assert health["back"].engine == "python"


def test_one_slow_line_costs_that_line_only(guard: Guard) -> None:
    pattern = Pattern(Definition("hang", HANGING))
    found = guard.captures(0, pattern, [b"xxy=1", HUNG, b"xxy=2"], 1)
    assert [[c.value for c in captures] for captures in found] == [[b"1"], [], [b"2"]]
    assert guard.accounts[0].strikes == 1


def test_a_worker_that_dies_is_replaced(guard: Guard) -> None:
    pattern = Pattern(Definition("m", r"(?<=a=)(\d+)"))
    assert guard.captures(0, pattern, [b"a=1"], 1)[0][0].value == b"1"
    process = guard._worker.process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert guard.captures(0, pattern, [b"a=2"], 1)[0][0].value == b"2"
    assert guard.accounts[0].strikes == 0


def test_a_worker_that_does_not_answer_is_killed() -> None:
    guard = Guard(budget=600.0, patience=0.3)
    try:
        found = guard.captures(0, Pattern(Definition("hang", HANGING)), [HUNG, b"xxy=2"], 1)
    finally:
        guard.close()
    assert [[c.value for c in captures] for captures in found] == [[], [b"2"]]


def test_more_text_than_a_pipe_holds_is_no_deadlock(guard: Guard) -> None:
    pattern = Pattern(Definition("m", r"(?<=a=)(\d)"))
    texts = [b"a=1" + b" a=2" * 2500] * 40
    found = guard.captures(0, pattern, texts, 0)
    assert len(found) == 40
    assert {len(captures) for captures in found} == {2048}  # what the first 8192 bytes of a line hold


def test_strikes_survive_saving(guard: Guard) -> None:
    extractor = Extractor([Definition("hang", HANGING)], automatic=False, guard=guard)
    extractor.feed((HUNG + b"\n") * STRIKES, 0)
    restored = Extractor.restore(extractor.state())
    assert restored.health()[0].engine.startswith("disabled")


def test_a_pattern_that_is_slow_on_every_line_is_disabled_before_it_slows_the_rest(guard: Guard) -> None:
    guard.budget = 10.0
    pattern = Pattern(Definition("slow", HANGING))
    found = guard.captures(0, pattern, [b"x" * 18 + b" y="] * 5000, 1)
    assert len(found) == 5000
    account = guard.accounts[0]
    assert account.strikes == 0
    assert guard.disabled(0).startswith("took ")
    assert account.texts < 5000


def test_a_slow_pattern_costs_little_more_than_its_allowance(guard: Guard) -> None:
    guard.budget, guard.allowance = 10.0, (0.2, 0.0)
    guard.captures(0, Pattern(Definition("slow", HANGING)), [b"x" * 18 + b" y="] * 500, 1)
    assert guard.disabled(0)
    assert guard.accounts[0].texts < 100


def test_guards_that_share_a_worker_have_accounts_of_their_own() -> None:
    worker = Worker()
    slow, quick = Guard(budget=0.05, shared=worker), Guard(budget=0.05, shared=worker)
    try:
        slow.captures(0, Pattern(Definition("hang", HANGING)), [HUNG] * STRIKES, 1)
        slow.close()
        found = quick.captures(0, Pattern(Definition("m", r"(?<=a=)(\d+)")), [b"a=1"], 1)
    finally:
        worker.close()
    assert slow.disabled(0)
    assert not quick.disabled(0)
    assert found[0][0].value == b"1"
