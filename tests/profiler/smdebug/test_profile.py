"""A profile of SageMaker Debugger's files: its words are translated, what is torn or missing is no harm."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from epochwatch.debugger.mode_keys import ModeKeys
from epochwatch.profiler.directory import open_profile
from epochwatch.profiler.phases import Phase
from epochwatch.profiler.profile import Profile
from epochwatch.profiler.smdebug.timeline import rows_of
from epochwatch.profiler.smdebug.trace_event import TimelineParser, records_in
from epochwatch.profiler.steps import step_table
from tests.profiler.smdebug.recorded import BEGIN, line, part, step, system, timeline

MINUTE = BEGIN // 1_000_000
EVERYTHING = (0, 1 << 62)
FIELDS = ("start_time_since_epoch_in_micros", "thread_id", "bytes_fetched")


def events(profile: Profile) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = pa.concat_tables(list(profile.events(EVERYTHING))).to_pylist()
    return rows


def test_what_was_said_within_twenty_milliseconds_is_one_row(tmp_path: Path) -> None:
    said = [
        line("cpu", "cpu0", "CPUUtilization", 40, 0.500),
        line("cpu", "cpu1", "CPUUtilization", -19.61, 0.500),
        line("i/o", "cpu1", "I/OWaitPercentage", 2, 0.505),
        line("gpu", "gpu0", "GPUUtilization", 90, 0.519),
        line("gpu", "gpu0", "GPUMemoryUtilization", 30, 0.519),
        line("memory", "MemoryUsedPercent", "MemoryUtilization", 12.5, 0.5),
        line("network", None, "Algorithm", 1000, 0.5),
        line("network", None, "Platform", 5000, 0.5),
        line("cpu", "cpu0", "CPUUtilization", 60, 1.0),
        line("network", None, "Algorithm", 2000, 1.0),
    ]
    system(tmp_path, MINUTE, said)
    profile = open_profile(str(tmp_path))
    found = profile.system("algo-1", EVERYTHING)
    assert found.times.tolist() == [BEGIN + 500_000, BEGIN + 1_000_000]
    assert found.seconds.tolist() == [0.5, 0.5]
    assert {name: column.tolist() for name, column in found.values.items() if not np.isnan(column).any()} == {
        "cpu.0.busy": [40, 60],
        "cpu.busy": [pytest.approx(20.39), 60],
        "network.total": [2000, 4000],
    }
    assert {name: column[0] for name, column in found.values.items() if np.isnan(column[1])} == {
        "cpu.1.busy": pytest.approx(-19.61),
        "cpu.1.iowait": 2,
        "cpu.iowait": 2,
        "gpu.0.busy": 90,
        "gpu.0.memory.percent": 30,
        "memory.percent": 12.5,
    }
    assert (found.units["cpu.busy"], found.units["network.total"]) == ("Percent", "Bytes/Second")


def test_what_a_core_said_twice_at_once_is_two_rows(tmp_path: Path) -> None:
    system(tmp_path, MINUTE, [line("cpu", "cpu0", "CPUUtilization", value, 0.001 * value) for value in range(3)])
    assert open_profile(str(tmp_path)).system("algo-1", EVERYTHING).values["cpu.0.busy"].tolist() == [0, 1, 2]


def test_samples_go_over_files_and_are_chosen_by_time_and_name_and_summed_up(tmp_path: Path) -> None:
    for minute in range(3):
        said = (line("cpu", "cpu0", "CPUUtilization", minute, 60 * minute + 0.1 * tenth) for tenth in range(600))
        system(tmp_path, MINUTE + 60 * minute, said)
    profile = open_profile(str(tmp_path))
    assert profile.span() == (BEGIN, BEGIN + 179_900_001)
    found = profile.system("algo-1", (BEGIN + 30_000_000, BEGIN + 90_000_000), ["cpu.0.busy"])
    assert set(found.values) == {"cpu.0.busy"}
    assert (len(found.times), found.times[0]) == (600, BEGIN + 30_000_000)
    assert found.seconds.tolist() == pytest.approx([0.1] * 600)
    summed = profile.system("algo-1", (BEGIN, BEGIN + 180_000_000), ["cpu.0.busy"], 60)
    assert summed.values["cpu.0.busy.max"].tolist() == [0, 1, 2, 2]
    assert profile.system("algo-9", EVERYTHING).times.tolist() == []


def test_a_pause_of_the_sampler_does_not_count_for_what_came_after_it(tmp_path: Path) -> None:
    times = [0.0, 0.5, 1.0, 30.0, 30.1, 30.2]
    system(tmp_path, MINUTE, [line("cpu", "cpu0", "CPUUtilization", 1, second) for second in times])
    found = open_profile(str(tmp_path)).system("algo-1", EVERYTHING)
    assert found.seconds.tolist() == pytest.approx([0.5, 0.5, 0.5, 0.1, 0.1, 0.1], rel=1e-3)


def test_a_damaged_line_is_named_unless_it_is_the_last(tmp_path: Path) -> None:
    good = line("cpu", "cpu0", "CPUUtilization", 1, 1)
    path = system(tmp_path, MINUTE, [good, good[:30]])
    assert len(open_profile(str(tmp_path)).system("algo-1", EVERYTHING).times) == 1
    path.write_text(good + good[:30] + "\n" + good)
    with pytest.raises(ValueError, match=rf"{path.name}: line 2 is no system metric"):
        open_profile(str(tmp_path)).system("algo-1", EVERYTHING)


def test_steps_of_all_modes_are_counted_together_and_begin_where_the_one_before_ends(tmp_path: Path) -> None:
    timeline(
        tmp_path,
        [
            part("DataLoaderIterInitialize", "_SingleProcessDataLoaderIter.__init__", 0, 5),
            step(0, 10, 90),
            part("DataLoaderIter", "_SingleProcessDataLoaderIter::GetNext", 101, 40, pid=905),
            part("Forward-node:905", "Forward-node:905", 150, 20, pid=905, step_num="1"),
            step(1, 150, 50),
            step(0, 250, 50, "EVAL"),
        ],
        300,
    )
    timeline(tmp_path, [step(1, 300, 50, "EVAL"), step(2, 350, 50)], 400)
    profile = open_profile(str(tmp_path))
    steps = [
        (row["step"], row["mode"], int(str(row["start"])) - BEGIN, row["duration"])
        for row in events(profile)
        if row["phase"] == "step"
    ]
    train, evaluation = ModeKeys.TRAIN.value, ModeKeys.EVAL.value
    assert steps == [
        (0, train, 10, 90),
        (1, train, 100, 100),
        (2, evaluation, 200, 100),
        (3, evaluation, 300, 50),
        (4, train, 350, 50),
    ]
    others = {
        str(row["name"]): (row["phase"], row["step"], row["mode"], row["process"]) for row in events(profile)
    }
    assert others["_SingleProcessDataLoaderIter.__init__"] == ("data_loading", -1, ModeKeys.GLOBAL.value, 905)
    assert others["_SingleProcessDataLoaderIter::GetNext"] == ("data_loading", 1, train, 905)
    assert others["Forward-node:905"] == ("forward", 1, train, 905)
    assert (profile.nodes(), profile.span()) == (["algo-1"], (BEGIN, BEGIN + 401))
    table = step_table(profile, profile.span())
    assert table.step.tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(table.seconds[Phase.DATA_LOADING], [0, 40e-6, 0, 0, 0])


def test_events_are_chosen_by_when_they_begin_and_by_phase(tmp_path: Path) -> None:
    for file in range(3):
        parts = [part("cpu_functions", f"op{number}", 100 * file + number, 5) for number in range(100)]
        timeline(tmp_path, [*parts, step(file, 100 * file + 1, 98)], 100 * file + 100)
    profile = open_profile(str(tmp_path))
    tables = list(profile.events((BEGIN + 150, BEGIN + 250), [Phase.OPERATOR]))
    starts = [start - BEGIN for table in tables for start in table["start"].to_pylist()]
    assert starts == list(range(150, 250))
    (steps,) = profile.events((BEGIN + 99, BEGIN + 100), [Phase.STEP])
    assert (steps["step"].to_pylist(), steps["duration"].to_pylist()) == ([1], [100])


def test_what_comes_later_is_there_when_it_is_asked_for_again(tmp_path: Path) -> None:
    profile = open_profile(str(tmp_path))
    assert (profile.span(), profile.nodes(), list(profile.events(EVERYTHING))) == ((0, 0), [], [])
    said = [line("cpu", "cpu0", "CPUUtilization", 1, second) for second in range(10)]
    system(tmp_path, MINUTE, said[:3])
    timeline(tmp_path, [step(0, 10, 90)], 100)
    assert len(profile.system("algo-1", EVERYTHING).times) == 3
    assert len(events(profile)) == 1
    system(tmp_path, MINUTE, said)
    timeline(tmp_path, [step(0, 5, 80)], 90, node="906-algo-2")
    timeline(tmp_path, [step(1, 100, 90)], 200)
    assert len(profile.system("algo-1", EVERYTHING).times) == 10
    assert [(row["node"], row["step"]) for row in events(profile)] == [("algo-1", 0), ("algo-1", 1), ("algo-2", 0)]
    assert not profile.ended()
    (tmp_path / "system" / "training_job_end.ts").touch()
    assert profile.ended()


def test_a_timeline_without_its_end_is_read_as_far_as_it_is_whole(tmp_path: Path) -> None:
    path = timeline(tmp_path, [step(number, 100 * number, 90) for number in range(3)], 300)
    whole = path.read_text()
    for text, steps in ((whole[:-3], 3), (whole[:-10], 2), (whole[:30], 0), ("", 0), ("{}", 0), ("[1]", 0)):
        path.write_text(text)
        assert sum(map(len, open_profile(str(tmp_path)).events(EVERYTHING))) == steps, text


def test_an_event_that_begins_and_ends_by_itself_takes_the_time_between(tmp_path: Path) -> None:
    begin = {"phase": "tensor", "name": "NEGOTIATE_ALLREDUCE", "ph": "B", "ts": 10}
    end = {"phase": "tensor", "name": "", "ph": "E", "ts": 35}
    mark = {"phase": "tensor", "name": "CYCLE_START", "ph": "i", "ts": 12, "s": "g"}
    timeline(tmp_path, [end, begin, mark, begin | {"ts": 20}, end, end], 40, suffix="horovod_timeline.json")
    found = [(row["phase"], row["name"], row["duration"]) for row in events(open_profile(str(tmp_path)))]
    assert found == [("other", "NEGOTIATE_ALLREDUCE", 25), ("other", "NEGOTIATE_ALLREDUCE", 15)]


plain = st.none() | st.integers(-5, 5) | st.floats(0, 5) | st.text("ab#/", max_size=3)
entries = st.fixed_dictionaries(
    {
        "ph": st.sampled_from(["X", "B", "E", "M", "i"]),
        "name": st.sampled_from(["process_name", "thread_name", "aten::mm"]),
    },
    optional={
        "ts": plain,
        "dur": plain,
        "pid": plain | st.just([1]),
        "tid": plain,
        "args": st.none()
        | st.dictionaries(st.sampled_from(["name", "pid", "step_num", *FIELDS]), plain | st.just([])),
    },
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(entries, max_size=6))
def test_whatever_a_timeline_holds_is_read_or_refused(found: list[dict[str, object]]) -> None:
    try:
        records = records_in(json.dumps(found).encode())
    except ValueError:
        return
    rows = rows_of(list(TimelineParser().events(records, "1-algo-1", "")))
    assert len(rows) <= len(found)


def test_a_job_is_named_by_the_folder_of_its_output(tmp_path: Path) -> None:
    assert open_profile(f"{tmp_path}/digits/profiler-output/").job == "digits"
    assert open_profile(f"{tmp_path}/digits").job == "digits"
    assert open_profile("digits").job == "digits"
