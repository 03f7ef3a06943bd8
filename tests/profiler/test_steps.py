import numpy as np
import pytest

from epochwatch.profiler.events import Phase
from epochwatch.profiler.steps import Lane, step_table, step_tables
from tests.profiler.profiles import MemoryProfile, event

MS = 1_000
S = 1_000_000


def steps(count, *, first=0, begin=0, length=200 * MS, **other):
    """Steps one after another: 20 ms wait for data, 50 ms forward, 80 ms backward in two pieces, 30 ms optimizer."""
    rows = []
    for number in range(first, first + count):
        start = begin + number * length
        pieces = [("data_loading", 0, 20), ("forward", 20, 50), ("backward", 70, 60), ("backward", 140, 20)]
        pieces += [("optimizer", 160, 30)]
        rows.append(event(Phase.STEP, start, length, number, **other))
        rows += [event(Phase(name), start + at * MS, took * MS, number, **other) for name, at, took in pieces]
    return rows


def test_a_step_is_divided_into_its_phases_and_what_is_left_is_idle():
    table = step_table(MemoryProfile(steps(3)), (0, S))

    assert table.step.tolist() == [0, 1, 2]
    assert table.start.tolist() == [0, 200 * MS, 400 * MS]
    assert table.end.tolist() == [200 * MS, 400 * MS, 600 * MS]
    assert table.duration == pytest.approx([0.2] * 3)
    assert table.seconds[Phase.DATA_LOADING] == pytest.approx([0.02] * 3)
    assert table.seconds[Phase.BACKWARD] == pytest.approx([0.08] * 3)
    assert table.seconds[Phase.CHECKPOINT] == pytest.approx([0.0] * 3)
    assert table.idle == pytest.approx([0.02] * 3)


def test_processes_stand_apart_and_a_restarted_one_is_another():
    rows = steps(2, node="algo-2", rank=1, process=7)
    rows += steps(2) + steps(1, begin=10 * S, process=2)
    table = step_table(MemoryProfile(rows, rows_of_a_table=3), (0, 20 * S))

    assert table.lanes == (Lane("algo-1", 0, 1), Lane("algo-1", 0, 2), Lane("algo-2", 1, 7))
    assert table.lane.tolist() == [0, 0, 1, 2, 2]
    assert table.of_lane(2).step.tolist() == [0, 1]
    assert table.of_lane(1).start.tolist() == [10 * S]


@pytest.mark.parametrize("rows_of_a_table", [1, 2, 5, 1000])
def test_how_events_are_cut_into_tables_changes_nothing(rows_of_a_table):
    rows = steps(5) + steps(4, node="algo-2", rank=1)
    rows.sort(key=lambda row: row["start"])
    table = step_table(MemoryProfile(rows, rows_of_a_table=rows_of_a_table), (0, S))
    assert table.seconds[Phase.BACKWARD] == pytest.approx([0.08] * 9)
    assert table.duration == pytest.approx([0.2] * 9)


def test_a_step_belongs_to_the_span_in_which_it_begins_with_all_that_it_did():
    profile = MemoryProfile(steps(5))
    table = step_table(profile, (100 * MS, 450 * MS))
    assert table.step.tolist() == [1, 2]
    assert table.seconds[Phase.OPTIMIZER] == pytest.approx([0.03] * 2)


def test_a_step_that_did_not_end_and_events_of_no_step_are_left_out():
    rows = [*steps(1), event(Phase.FORWARD, 200 * MS, 50 * MS, 1), event(Phase.INITIALIZATION, 0, 9)]
    rows += [event(Phase.OPERATOR, 20 * MS, 40 * MS, 0)]
    table = step_table(MemoryProfile(rows), (0, S))
    assert table.step.tolist() == [0]
    assert table.seconds[Phase.FORWARD] == pytest.approx([0.05])


def test_phases_that_say_more_than_the_step_leave_no_idle_time():
    rows = [event(Phase.STEP, 0, 10, 0), event(Phase.FORWARD, 0, 12, 0)]
    assert step_table(MemoryProfile(rows), (0, S)).idle.tolist() == [0.0]


def test_without_events_there_are_no_rows():
    table = step_table(MemoryProfile([]), (0, S))
    assert len(table) == 0
    assert table.lanes == ()
    assert list(step_tables(MemoryProfile([]))) == []


def test_tables_of_pieces_are_together_what_one_is():
    profile = MemoryProfile(steps(50))
    pieces = list(step_tables(profile, seconds=3))
    assert len(pieces) == 4
    assert np.concatenate([piece.step for piece in pieces]).tolist() == list(range(50))
    assert np.concatenate([piece.idle for piece in pieces]) == pytest.approx([0.02] * 50)


def test_rows_can_be_chosen():
    table = step_table(MemoryProfile(steps(4)), (0, S))
    chosen = table.take(table.step % 2 == 0)
    assert chosen.step.tolist() == [0, 2]
    assert chosen.seconds[Phase.FORWARD] == pytest.approx([0.05] * 2)
    assert chosen.lanes == table.lanes
