"""Values of a line that is not at its end: given once the output is quiet, each once, the same whoever reads again."""

import contextlib
import json
import math
import os
import random
import signal
import time
from array import array
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epochwatch.agent import channel as channels
from epochwatch.agent.channel import Channel, ChannelEnds, open_pipe
from epochwatch.agent.readers import OutputReader, Piece
from epochwatch.agent.spool import INDEX_ROW, RunFile, Spool
from epochwatch.agent.tally import Tally
from epochwatch.model.batch import Definition
from epochwatch.model.run_series import series_of
from tests.agent.keeping_server import KeepingServer
from tests.agent.running import only_spool, python, start, until
from tests.agent.test_kills import agents, finished, holders, sync
from tests.extraction.corpus.cases import Case, cases

LOSS = Definition("loss", r"loss=([-+0-9.e]+)")
ACC = Definition("acc", r"acc=(\S+)")

Row = tuple[int, str, str, int]
"""Position, metric, value, step."""
Part = tuple[bytes, bool]
"""Bytes that came, and whether it was quiet for a while behind them."""


class Output:
    """An output of a spool, written as the recorder writes it."""

    def __init__(self, directory: Path, definitions: list[Definition], *, automatic: bool = False) -> None:
        self.spool = Spool.create(directory, RunFile("f" * 32, "job", 0.0))
        self.definitions = definitions
        self.automatic = automatic
        self.end = 0

    def write(self, *parts: Part) -> None:
        with (
            open(self.spool.path / "output.log", "ab") as log,
            open(self.spool.path / "output.idx", "ab") as index,
        ):
            for data, quiet in parts:
                self.end += len(data)
                log.write(data)
                if data:
                    index.write(INDEX_ROW.pack(self.end, self.end))
                if quiet and self.end and data[-1:] not in (b"\n", b"\r"):
                    index.write(INDEX_ROW.pack(self.end, self.end + 1))

    def reader(self) -> OutputReader:
        return OutputReader(self.spool, "output.log", self.definitions, automatic=self.automatic)


def rows(piece: Piece) -> list[Row]:
    points = piece.run_points
    if points is None:
        return []
    labels = [one.label for one in series_of(points)]
    columns = zip(
        array("Q", points.positions),
        array("I", points.metrics),
        array("d", points.values),
        array("q", points.steps),
        strict=True,
    )
    return [(position, labels[metric], str(value), step) for position, metric, value, step in columns]


def drained(reader: OutputReader, *, last: bool = True) -> list[Piece]:
    return list(iter(lambda: reader.read(last=last), None))


def messages(pieces: list[Piece]) -> list[str]:
    return [message for piece in pieces if piece.log_events is not None for message in piece.log_events.messages]


def values(pieces: list[Piece]) -> list[Row]:
    return [row for piece in pieces for row in rows(piece)]


@pytest.fixture
def output(tmp_path: Path) -> Output:
    return Output(tmp_path, [LOSS, ACC])


def test_what_a_quiet_line_holds_comes_before_its_end_and_the_line_only_then(output: Output) -> None:
    output.write((b"step=1 loss=0.5 acc=", True))
    reader = output.reader()
    early = drained(reader, last=False)
    assert (values(early), messages(early)) == ([(19, "loss", "0.5", 1)], [])
    output.write((b"0.75\n", False))
    rest = drained(reader, last=False)
    assert (values(rest), messages(rest)) == ([(25, "acc", "0.75", 1)], ["step=1 loss=0.5 acc=0.75"])


def test_a_number_at_the_very_end_waits_as_it_may_go_on(output: Output) -> None:
    output.write((b"step=1 loss=0.1", True), (b"2", True), (b"5 ", True), (b"\n", False))
    assert values(drained(output.reader())) == [(17, "loss", "0.125", 1)]


def test_a_value_whose_step_the_line_may_yet_tell_waits_for_it(output: Output) -> None:
    output.write((b"loss=3 step=1\nloss=2 ", True), (b"step=5\n", False))
    assert values(drained(output.reader())) == [(14, "loss", "3.0", 1), (28, "loss", "2.0", 5)]


def test_where_steps_are_counted_none_waits(output: Output) -> None:
    output.write((b"loss=3\nloss=2 ", True), (b"...\n", False))
    assert values(drained(output.reader())) == [(7, "loss", "3.0", 1), (13, "loss", "2.0", 2)]


def test_every_glimpse_gives_what_the_ones_before_did_not(output: Output) -> None:
    output.write((b"step=1 loss=1 ", True), (b"and ", True), (b"acc=1 ", True), (b"loss=1\n", False))
    assert values(drained(output.reader())) == [(13, "loss", "1.0", 1), (23, "acc", "1.0", 1)]


def test_equal_values_of_one_line_all_count(tmp_path: Path) -> None:
    output = Output(tmp_path, [Definition("loss", r"loss=(?P<values>\S+)")])
    output.write((b"step=1 loss=1 loss=1 ", True), (b"loss=1\n", False))
    assert values(drained(output.reader())) == [
        (20, "loss", "1.0", 1),
        (20, "loss", "1.0", 1),
        (28, "loss", "1.0", 1),
    ]


def test_a_value_that_the_rest_of_the_line_changes_comes_as_well(tmp_path: Path) -> None:
    output = Output(tmp_path, [Definition("loss", r".*loss=(\S+)")])  # the last of a line
    output.write((b"step=1 loss=1 ", True), (b"loss=2\n", False))
    assert [row[2] for row in values(drained(output.reader()))] == ["1.0", "2.0"]


def test_learnt_metrics_come_early_too(tmp_path: Path) -> None:
    output = Output(tmp_path, [], automatic=True)
    output.write((b"Epoch 1 train_loss=0.5 lr=1e-3 ", True), (b"val_loss=0.75\n", False))
    found = values(drained(output.reader()))
    assert [row[1:3] for row in found] == [("train_loss", "0.5"), ("val_loss", "0.75")]


def test_patterns_that_only_the_worker_runs_give_theirs_early_too(tmp_path: Path) -> None:
    output = Output(tmp_path, [Definition("loss", r"(?<=loss=)\S+")])
    output.write((b"step=1 loss=1 ", True), (b"\nstep=2 loss=2\n", False))
    reader = output.reader()
    assert values(drained(reader)) == [(13, "loss", "1.0", 1), (29, "loss", "2.0", 2)]
    reader.close()


def test_an_end_without_a_line_end_gives_the_rest_once(output: Output) -> None:
    output.write((b"step=1 loss=1 acc=0.5", True))
    reader = output.reader()
    assert values(drained(reader)) == [(20, "loss", "1.0", 1), (21, "acc", "0.5", 1)]
    assert drained(reader) == []


def test_a_long_unfinished_line_waits_for_its_end(output: Output) -> None:
    output.write((b"step=1 loss=1 " + b"x" * 8192, True), (b"\n", False))
    assert [row[0] for row in values(drained(output.reader()))] == [output.end]


def test_health_counts_a_line_once(output: Output) -> None:
    output.write((b"step=1 loss=1 acc=? ", True), (b"\n", False))
    reader = output.reader()
    drained(reader)
    assert [(one.matched, one.non_numeric) for one in reader.health()] == [(1, 0), (1, 1)]


def test_examples_are_whole_lines(output: Output) -> None:
    output.write((b"step=1 loss=1 loss=2 |", True), (b" acc=1\n", False))
    reader = output.reader()
    drained(reader)
    (ambiguity,) = reader.health()[0].ambiguous
    assert ambiguity.example == "step=1 loss=1 loss=2 | acc=1"


def test_the_tally_counts_a_value_once_whoever_reads_ahead(output: Output) -> None:
    tally, reader = Tally(), output.reader()
    output.write((b"step=1 loss=1 ", False))
    for quiet, text in ((True, b""), (False, b"acc=0.5\n"), (False, b"step=2 loss=2\nstep=3 loss=3 acc=1")):
        ahead = reader.clone()
        for piece in drained(ahead, last=False):
            tally.add(piece)
        output.write((text, quiet))
        if quiet:
            with open(output.spool.path / "output.idx", "ab") as index:
                index.write(INDEX_ROW.pack(output.end, output.end))
    for piece in [*drained(reader.clone()), *drained(reader)]:
        tally.add(piece)
    assert {name: one.points for name, one in tally.metrics.items()} == {"loss": 3, "acc": 2}


def test_an_output_that_was_quiet_often_is_read_in_few_pieces(output: Output) -> None:
    output.write(*[(b"\rstep=%d loss=%d |" % (number, number), True) for number in range(1000)])
    (piece,) = drained(output.reader(), last=False)
    assert [row[2:] for row in rows(piece)] == [(f"{number}.0", number) for number in range(1000)]
    assert len(messages([piece])) == 999


def test_copies_that_read_ahead_leave_no_file_open(output: Output) -> None:
    output.write((b"loss=1\n", False))
    reader = output.reader()
    open_before = os.listdir("/proc/self/fd")
    for _ in range(3):
        assert drained(reader.clone(), last=False)
    assert len(os.listdir("/proc/self/fd")) == len(open_before)


BARS = [case for case in cases() if b"\r" in case.log]


@pytest.mark.parametrize("case", BARS, ids=lambda case: case.name)
def test_a_bar_that_rests_after_each_refresh_gives_the_same_values_with_the_same_steps(
    tmp_path: Path, case: Case
) -> None:
    refreshes = [line for line in case.log.replace(b"\r", b"\n\r").split(b"\n") if line]
    parts = [(line if line.startswith(b"\r") else b"\n" + line, True) for line in refreshes]
    restless, resting = (Output(tmp_path / name, case.definitions) for name in ("restless", "resting"))
    restless.write(*[(data, False) for data, _ in parts])
    resting.write(*parts)
    without, given = drained(restless.reader()), drained(resting.reader())
    assert messages(given) == messages(without)
    assert _by_metric(given) == _by_metric(without)


def _by_metric(pieces: list[Piece]) -> dict[str, list[tuple[str, int]]]:
    found: dict[str, list[tuple[str, int]]] = {}
    for _, metric, value, step in values(pieces):
        found.setdefault(metric, []).append((value, step))
    return found


WORDS = st.sampled_from(
    [
        b"step=1 ",
        b"step=2",
        b"Epoch 3 ",
        b"loss=0.5 ",
        b"loss=0.",
        b"25",
        b" acc=1 ",
        b"acc=x ",
        b"\r",
        b"\n",
        b"\r\n",
    ]
    + [b"lr: 0.1, ", b"{'loss': 2.5, ", b"'acc': 0.5}", b"\x1b[1m", b"\xff", b"#011", b"1,0", b"00 ", b"prompt> "]
)
PARTS = st.lists(st.tuples(st.lists(WORDS, min_size=1, max_size=4).map(b"".join), st.booleans()), max_size=14)


@settings(deadline=None)
@given(parts=PARTS, automatic=st.booleans())
def test_whoever_reads_again_from_any_state_finds_the_same_and_nothing_is_missing(
    parts: list[Part], automatic: bool
) -> None:
    with TemporaryDirectory() as directory:
        _check(Path(directory), parts, automatic)


def _check(directory: Path, parts: list[Part], automatic: bool) -> None:
    definitions = [] if automatic else [LOSS, ACC]
    watched, plain = (Output(directory / name, definitions, automatic=automatic) for name in ("a", "b"))
    plain.write(*[(data, False) for data, _ in parts])
    reader, pieces, states = watched.reader(), [], []
    for part in [*parts, (b"", False)]:
        watched.write(part)
        while (piece := reader.read(last=False)) is not None:
            pieces.append(piece)
            states.append((len(values(pieces)), json.dumps(reader.state())))
    pieces += drained(reader)
    plainly = plain.reader()
    whole = drained(plainly)
    found, without = values(pieces), values(whole)
    assert messages(pieces) == messages(whole)
    assert reader.health() == plainly.health()
    assert values(drained(watched.reader())) == found
    for known, state in states:
        again = watched.reader()
        again.resume(json.loads(state))
        assert values(drained(again)) == found[known:]
    # A server drops rows that are not behind the last one it has.
    ends = [max(row[0] for row in rows(piece)) for piece in pieces if rows(piece)]
    assert ends == sorted(set(ends))
    assert [row[0] for row in found] == sorted(row[0] for row in found)
    missing = [row[1:3] for row in without]
    for row in found:
        if row[1:3] in missing:
            missing.remove(row[1:3])
    assert missing == []


def test_the_recorder_marks_quiet_once_and_only_amid_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, write = open_pipe()
    channel = Channel(ChannelEnds.open("output.log", read), tmp_path)

    def ends() -> list[int]:
        return [end for end, _ in INDEX_ROW.iter_unpack((tmp_path / "output.idx").read_bytes())]

    for text, expected in ((b"whole\n", [6]), (b"part", [6, 10, 10]), (b"bar\r", [6, 10, 10, 14])):
        os.write(write, text)
        channel.pump()
        monkeypatch.setattr(channels, "QUIET_LINE_SECONDS", math.inf)
        assert channel.mark_quiet()
        monkeypatch.setattr(channels, "QUIET_LINE_SECONDS", 0.0)
        assert not channel.mark_quiet()
        assert not channel.mark_quiet()
        assert ends() == expected
    channel.close()
    for descriptor in {write, *channel.ends.descriptors}:
        os.close(descriptor)


def test_a_value_is_at_the_server_while_its_line_waits_for_its_end(tmp_path: Path) -> None:
    go_on = tmp_path / "go-on"
    code = (
        "import os, time\n"
        "print('step=1 loss=0.5 | next? ', end='', flush=True)\n"
        f"while not os.path.exists({str(go_on)!r}): time.sleep(0.01)\n"
        "print('acc=0.75', flush=True)\n"
    )
    with KeepingServer() as server:
        options = ["-m", "loss=loss=([0-9.]+)", "-m", "acc=acc=([0-9.]+)"]
        front = start(tmp_path, "--pty", *options, *python(code), url=server.url)
        until(lambda: server.values("loss"))
        assert (server.values("loss"), server.values("acc"), server.messages()) == ([0.5], [], [])
        go_on.touch()
        assert front.wait(120) == 0
        assert (server.values("loss"), server.values("acc")) == ([0.5], [0.75])
        assert server.messages() == ["step=1 loss=0.5 | next? acc=0.75"]


@pytest.mark.parametrize("number", range(2))
def test_each_value_once_whoever_is_killed_amid_a_line(tmp_path: Path, number: int) -> None:
    chance = random.Random(number)
    code = (
        "import time\n"
        "for i in range(10):\n"
        "    print(f'step={i} loss={i}.5 | ', end='', flush=True)\n"
        "    time.sleep(0.4)\n"
        "    print(f'acc={i}.25', flush=True)\n"
    )
    with KeepingServer() as server:
        options = ["-m", "loss=loss=([0-9.]+)", "-m", "acc=acc=([0-9.]+)"]
        front = start(tmp_path, "--no-pty", *options, *python(code), url=server.url)
        spool = only_spool(tmp_path)
        until(lambda: server.values("loss"))
        for _ in range(3):
            time.sleep(chance.uniform(0.1, 0.8))
            until(lambda: finished(spool) or len(holders(spool)) >= 2)
            alive = holders(spool)
            if alive and not finished(spool):
                with contextlib.suppress(psutil.NoSuchProcess):
                    chance.choice(alive).send_signal(signal.SIGKILL)
        front.wait(120)
        until(lambda: finished(spool))
        until(lambda: not agents(spool))
        sync(tmp_path, server.url)
        assert server.values("loss") == [i + 0.5 for i in range(10)]
        assert server.values("acc") == [i + 0.25 for i in range(10)]
        assert server.steps("loss") == server.steps("acc") == list(range(10))
        assert server.messages() == [f"step={i} loss={i}.5 | acc={i}.25" for i in range(10)]
