"""What the training's thread does from moment to moment becomes pieces that do not overlap."""

import os
import threading
import time
from pathlib import Path

import pyarrow as pa
import pytest

from epochwatch.profiler.hooks import OwnSteps, watch
from epochwatch.profiler.hooks.recorder import Recorder
from epochwatch.profiler.phases import Phase
from epochwatch.profiler.store.reader import read_events

MS = 1_000_000


class Clock:
    """Monotonic nanoseconds, as the test says."""

    def __init__(self) -> None:
        self.now = 10**15

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(time, "monotonic_ns", made)
    return made


@pytest.fixture
def recorder(tmp_path: Path, clock: Clock) -> Recorder:
    return Recorder(tmp_path)


def events(recorder: Recorder) -> list[tuple[str, int, int, int]]:
    """(phase, step, milliseconds since the first step began, how many they took), initialization left out."""
    recorder.close()
    tables = list(read_events(path.read_bytes() for path in sorted(recorder.directory.iterdir())))
    rows = [row for row in pa.concat_tables(tables).to_pylist() if row["phase"] != "initialization"]
    first = min(row["start"] for row in rows)
    return [
        (row["phase"], row["step"], (row["start"] - first) // 1000, row["duration"] // 1000)
        for row in sorted(rows, key=lambda row: (row["start"], -row["duration"]))
    ]


def go(recorder: Recorder, clock: Clock, *what: tuple[str, int]) -> None:
    """Phases one after another, each of so many milliseconds; ``-`` is none."""
    for word, milliseconds in what:
        if word == "step":
            recorder.end_step()
        elif word in ("train", "eval", "silent", "frozen"):
            recorder.forward(training=word in ("train", "silent"), graded=word in ("train", "frozen"))
            clock.now += milliseconds * MS
            recorder.forward_ends()
        elif word == "-":
            clock.now += milliseconds * MS
        else:
            with recorder.phase(word):
                clock.now += milliseconds * MS


def test_phases_of_a_step_and_what_lies_between_them(recorder: Recorder, clock: Clock) -> None:
    for _ in range(2):
        go(
            recorder,
            clock,
            ("data_loading", 5),
            ("train", 20),
            ("-", 3),
            ("backward", 30),
            ("optimizer", 4),
            ("step", 0),
        )
    assert events(recorder) == [
        ("step", 0, 0, 62), ("data_loading", 0, 0, 5), ("forward", 0, 5, 20), ("backward", 0, 28, 30),
        ("optimizer", 0, 58, 4),
        ("step", 1, 62, 62), ("data_loading", 1, 62, 5), ("forward", 1, 67, 20), ("backward", 1, 90, 30),
        ("optimizer", 1, 120, 4),
    ]  # fmt: skip


def test_time_belongs_to_the_innermost_phase(recorder: Recorder, clock: Clock) -> None:
    with recorder.phase("backward"):
        clock.now += 10 * MS
        with recorder.phase("communication"):
            clock.now += 7 * MS
        clock.now += 1 * MS
    recorder.end_step()
    assert events(recorder)[1:] == [("backward", 0, 0, 10), ("communication", 0, 10, 7), ("backward", 0, 17, 1)]


def test_all_that_is_done_for_a_checkpoint_is_part_of_it(recorder: Recorder, clock: Clock) -> None:
    go(recorder, clock, ("train", 1), ("step", 0))
    with recorder.phase("checkpoint"):
        clock.now += 5 * MS
        go(recorder, clock, ("communication", 3))
    go(recorder, clock, ("train", 1), ("step", 0))
    found = [one for one in events(recorder) if one[1] == 1]
    assert found[0] == ("step", 1, 1, 9)
    assert sum(took for phase, _, _, took in found if phase == "checkpoint") == 8
    assert "communication" not in {phase for phase, *_ in found}


def test_an_evaluation_is_from_the_first_to_the_last_of_its_batches(recorder: Recorder, clock: Clock) -> None:
    go(recorder, clock, ("data_loading", 2), ("train", 10), ("optimizer", 1), ("step", 0))
    go(recorder, clock, ("-", 1), ("data_loading", 4), ("eval", 3), ("-", 2), ("data_loading", 1), ("eval", 3))
    go(recorder, clock, ("-", 5), ("data_loading", 6), ("train", 10), ("optimizer", 1), ("step", 0))
    assert events(recorder)[4:] == [
        ("step", 1, 13, 36), ("evaluation", 1, 14, 13), ("data_loading", 1, 32, 6), ("forward", 1, 38, 10),
        ("optimizer", 1, 48, 1),
    ]  # fmt: skip


def test_what_lies_before_an_evaluation_is_none_of_it(recorder: Recorder, clock: Clock) -> None:
    go(
        recorder,
        clock,
        ("train", 1),
        ("step", 0),
        ("checkpoint", 2),
        ("-", 50),
        ("eval", 3),
        ("-", 4),
        ("eval", 3),
    )
    go(recorder, clock, ("train", 1), ("step", 0))
    assert [one for one in events(recorder) if one[0] == "evaluation"] == [("evaluation", 1, 53, 10)]


def test_a_long_evaluation_is_shown_as_it_goes_on(recorder: Recorder, clock: Clock) -> None:
    go(recorder, clock, ("train", 1), ("step", 0))
    for _ in range(5):
        go(recorder, clock, ("data_loading", 100), ("eval", 500))
    go(recorder, clock, ("train", 1), ("step", 0))
    found = [one for one in events(recorder) if one[0] == "evaluation"]
    assert len(found) > 1
    assert sum(took for *_, took in found) == 3000
    assert {step for _, step, _, _ in found} == {1}


@pytest.mark.parametrize("kind", ["silent", "frozen"])
def test_batches_that_nothing_is_learnt_from_were_an_evaluation(
    recorder: Recorder, clock: Clock, kind: str
) -> None:
    """Without ``no_grad``, or without ``eval()``."""
    go(recorder, clock, ("train", 1), ("backward", 1), ("step", 0))
    go(recorder, clock, ("data_loading", 2), (kind, 3), ("data_loading", 2), (kind, 3), ("data_loading", 1))
    go(recorder, clock, ("train", 1), ("backward", 1), ("step", 0))
    assert ("evaluation", 1, 2, 10) in events(recorder)


@pytest.mark.parametrize("kind", ["silent", "frozen"])
def test_calls_within_what_is_learnt_are_no_evaluation(recorder: Recorder, clock: Clock, kind: str) -> None:
    """A generator whose pictures are judged, or a model that learns as it is used."""
    for _ in range(3):
        go(recorder, clock, ("data_loading", 2), (kind, 3), ("train", 3), ("backward", 4), ("step", 0))
        go(recorder, clock, ("data_loading", 2), (kind, 3), ("backward", 4), ("step", 0))
    assert "evaluation" not in {phase for phase, *_ in events(recorder)}


def test_another_thread_means_nothing(recorder: Recorder, clock: Clock) -> None:
    go(recorder, clock, ("train", 1))
    other = threading.Thread(target=lambda: go(recorder, clock, ("data_loading", 50), ("step", 0)))
    other.start()
    other.join()
    go(recorder, clock, ("backward", 1), ("step", 0))
    assert {phase for phase, *_ in events(recorder)} == {"step", "forward", "backward"}


def test_a_phase_that_was_left_by_an_error_ends_with_the_one_around_it(recorder: Recorder, clock: Clock) -> None:
    with recorder.phase("forward"):
        recorder.begin(Phase.COMMUNICATION)
        clock.now += 2 * MS
    go(recorder, clock, ("backward", 3), ("step", 0))
    assert events(recorder)[1:] == [("communication", 0, 0, 2), ("backward", 0, 2, 3)]


def test_of_a_fast_training_each_nth_step_is_kept_with_all_checkpoints(recorder: Recorder, clock: Clock) -> None:
    for step in range(3000):
        go(recorder, clock, ("train", 1), *([("checkpoint", 1)] if step == 2501 else []), ("step", 0))
    found = events(recorder)
    steps = sorted(step for phase, step, *_ in found if phase == "step")
    assert steps[:900] == list(range(900))  # until it was known how fast it is
    assert steps[-40:] == list(range(steps[-40], steps[-1] + 1, 20))
    assert [step for phase, step, *_ in found if phase == "checkpoint"] == [2501]


def test_initialization_is_from_the_start_of_the_process_to_its_first_step(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    with recorder.phase("data_loading"):
        pass
    recorder.end_step()
    recorder.close()
    (table,) = read_events([next(tmp_path.iterdir()).read_bytes()])
    found = {row["phase"]: row for row in table.to_pylist()}
    assert found["initialization"]["start"] + found["initialization"]["duration"] == found["step"]["start"]
    assert 0 < found["initialization"]["duration"] < 3600 * 10**6
    assert abs(found["step"]["start"] / 10**6 - time.time()) < 60


def test_a_disk_that_cannot_be_written_ends_it_with_one_message(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    recorder = Recorder(tmp_path / "file")
    for _ in range(3):
        recorder.event(Phase.WORKER, 0, 1000)
        recorder.end_step()
    assert not recorder.active
    assert len(caplog.records) == 1
    assert "profiled no more" in caplog.text


def test_a_script_says_its_steps_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EPOCHWATCH_RUN_DIR", str(tmp_path))
    monkeypatch.setenv("RANK", "5")
    hook = watch()
    assert isinstance(hook, OwnSteps)
    hook.end_step()
    hook.close()
    (path,) = (tmp_path / "profile").iterdir()
    (table,) = read_events([path.read_bytes()])
    assert set(table["rank"].to_pylist()) == {5}
    assert set(table["process"].to_pylist()) == {os.getpid()}


def test_without_a_place_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EPOCHWATCH_RUN_DIR", raising=False)
    with pytest.raises(ValueError, match="directory"):
        watch()


def test_a_word_that_is_no_phase_is_refused(recorder: Recorder) -> None:
    with pytest.raises(ValueError, match="lunch"), recorder.phase("lunch"):
        pass
