"""Events by time and by step, as smdebug's client gives them."""

from pathlib import Path

import pytest

from epochwatch.debugger import create_trial
from epochwatch.debugger.exceptions import NoMoreProfilerData, SMDebugTypeError, SMDebugValueError
from epochwatch.profiler.smdebug.readers import (
    BUFFER_VARIABLE,
    LocalAlgorithmMetricsReader,
    LocalSystemMetricsReader,
    S3SystemMetricsReader,
)
from epochwatch.profiler.smdebug.time_units import TimeUnits, us_since_epoch_to_human_readable_time
from tests.profiler.smdebug.recorded import BEGIN, line, part, step, system, timeline

MINUTE = BEGIN // 1_000_000


@pytest.fixture
def minutes(tmp_path: Path) -> Path:
    """Ten minutes of two nodes, a value each second."""
    for minute in range(10):
        for node in ("algo-1", "algo-2"):
            said = [
                line("cpu", "cpu0", "CPUUtilization", minute, 60 * minute + second, node) for second in range(60)
            ]
            said += [line("network", None, "Algorithm", 7, 60 * minute, node)]
            system(tmp_path, MINUTE + 60 * minute, said, node)
    return tmp_path


@pytest.mark.parametrize("cached", [True, False])
def test_system_events_are_chosen_by_time_and_type_with_both_ends(minutes: Path, cached: bool) -> None:
    reader = LocalSystemMetricsReader(str(minutes), use_in_memory_cache=cached)
    assert reader.get_timestamp_of_first_available_file() == BEGIN
    assert reader.get_timestamp_of_latest_available_file() == BEGIN + 540_000_000
    for _ in range(2):
        found = reader.get_events(MINUTE + 30, MINUTE + 90, TimeUnits.SECONDS)
        assert len(found) == 2 * 62
        found = reader.get_events(
            1000 * MINUTE, 1000 * (MINUTE + 600), TimeUnits.MILLISECONDS, event_type="network"
        )
        assert [(event.name, event.value) for event in found] == [(None, 7.0)] * 20
    assert len(reader.get_events(0, 1 << 62)) == 2 * 610


@pytest.mark.parametrize("cached", [True, False])
def test_what_was_added_to_a_file_is_read(minutes: Path, cached: bool) -> None:
    reader = LocalSystemMetricsReader(str(minutes), use_in_memory_cache=cached)
    before = len(reader.get_events(0, 1 << 62))
    file = minutes / "system" / "incremental" / "2023111422" / f"{MINUTE + 540}.algo-1.json"
    with file.open("a") as lines:
        lines.write(line("cpu", "cpu0", "CPUUtilization", 1, 599.5))
    assert len(reader.get_events(0, 1 << 62)) == before + 1


def test_timelines_are_read_as_events_with_their_phases_and_processes(tmp_path: Path) -> None:
    timeline(tmp_path, [part("Forward", "Net", 150, 20, pid=905, step_num="1"), step(1, 150, 50)], 200)
    timeline(tmp_path, [part("DataIterator", "dataset::GetNext", 120, 5)], 130, suffix="model_timeline.json")
    timeline(tmp_path, [part("other", "ignored", 120, 5)], 130, suffix="notes.json")
    reader = LocalAlgorithmMetricsReader(str(tmp_path))
    forward, of_step, data = reader.get_events(BEGIN, BEGIN + 1000)
    assert (forward.event_name, forward.event_phase, forward.node_id) == ("Net", "Forward", "algo-1-905")
    assert (forward.start_time, forward.end_time, forward.duration) == (BEGIN + 150, BEGIN + 170, 20)
    assert (forward.pid, forward.event_args) == (905, {"pid": 905, "step_num": "1"})
    assert (of_step.event_phase, of_step.file_type) == ("Step:ModeKeys.TRAIN", "PythontimelineMetrics")
    assert (data.event_phase, data.file_type, data.event_args) == (
        "DataIterator",
        "DetailedframeworkMetrics",
        None,
    )
    assert forward.process_info is not None
    assert forward.process_info.get_thread_info(forward.phase_tid).thread_name == "algo-1-905_0"
    (only,) = reader.get_events(BEGIN, BEGIN + 1000, file_suffix_filter=["model_timeline.json"])
    assert only.event_name == "dataset::GetNext"


def test_events_that_are_under_way_at_either_end_belong_to_a_time(tmp_path: Path) -> None:
    timeline(tmp_path, [step(number, 100 * number, 90) for number in range(10)], 1000)
    reader = LocalAlgorithmMetricsReader(str(tmp_path))
    found = reader.get_events(BEGIN + 290, BEGIN + 500)
    assert [event.start_time - BEGIN for event in found] == [200, 300, 400, 500]


def test_events_are_chosen_from_the_beginning_of_a_step_to_that_of_another(tmp_path: Path) -> None:
    timeline(tmp_path, [step(number, 60_000_000 * number, 50_000_000) for number in range(5)], 300_000_000)
    system(tmp_path, MINUTE, [line("cpu", "cpu0", "CPUUtilization", 1, 10 * ten) for ten in range(30)])
    steps = LocalAlgorithmMetricsReader(str(tmp_path)).get_events_by_step(1, 3)
    assert [(event.event_args or {})["step_num"] for event in steps] == ["1", "2"]
    machines = LocalSystemMetricsReader(str(tmp_path)).get_events_by_step(1, 3)
    assert [event.timestamp - MINUTE for event in machines] == list(range(60, 180, 10))
    assert LocalAlgorithmMetricsReader(str(tmp_path)).get_events_by_step(1, 9) == []


def test_files_are_looked_through_as_far_beside_a_time_as_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = [part("DataLoaderWorker", "worker", 0, 600_000_000)]
    for minute in range(1, 10):
        timeline(tmp_path, [step(minute, 60_000_000 * minute - 10, 5)], 60_000_000 * minute)
    timeline(tmp_path, long, 600_000_000)
    reader = LocalAlgorithmMetricsReader(str(tmp_path))
    assert len(reader.get_events(BEGIN, BEGIN + 60_000_000)) == 1
    monkeypatch.setenv(BUFFER_VARIABLE, "900000000")
    assert len(reader.get_events(BEGIN, BEGIN + 60_000_000)) == 2
    monkeypatch.setenv(BUFFER_VARIABLE, "five minutes")
    with pytest.raises(SMDebugValueError, match="five minutes"):
        reader.get_events(BEGIN, BEGIN + 60_000_000)


def test_bad_input_is_named(tmp_path: Path) -> None:
    with pytest.raises(SMDebugValueError, match="s3://bucket/folder"):
        S3SystemMetricsReader(str(tmp_path))
    with pytest.raises(SMDebugTypeError, match="TimeUnits"):
        LocalSystemMetricsReader(str(tmp_path)).get_events(0, 1, unit="seconds")  # type: ignore[arg-type]


def test_times_are_shown_as_smdebug_shows_them() -> None:
    assert us_since_epoch_to_human_readable_time(1594662624718694) == "2020-07-13T17:50:24:718694"


def test_a_trial_of_a_profile_waits_for_times_until_the_training_is_over(minutes: Path, tmp_path: Path) -> None:
    output = tmp_path / "rules"
    trial = create_trial(f"{minutes}/", profiler=True, output_dir=str(output))
    assert (trial.name, trial.first_timestamp) == (minutes.name, BEGIN)
    assert (output / ".sagemaker-ignore").is_dir()
    trial.wait_for_data(BEGIN + 60_000_000, BEGIN)
    assert len(trial.get_system_metrics(BEGIN, BEGIN + 59_000_000)) == 2 * 61
    assert trial.get_framework_metrics(BEGIN, BEGIN + 59_000_000) == []
    assert not trial.job_finished()
    (minutes / "system" / "training_job_end.ts").touch()
    trial.wait_for_data(BEGIN + 900_000_000, BEGIN)
    with pytest.raises(NoMoreProfilerData, match="reached end of training"):
        trial.wait_for_data(BEGIN + 900_000_000, BEGIN + 600_000_000)
