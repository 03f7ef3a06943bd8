"""Windows of Python's functions, as the hook writes them and smdebug's analysis finds them."""

import json
from pathlib import Path

import pytest

from epochwatch.launchers.profiler import copy_python_windows
from epochwatch.profiler.analysis import cProfileAnalysis
from epochwatch.profiler.hooks.place import NODE_VARIABLE
from epochwatch.profiler.hooks.python_window import PythonWindow, python_window
from epochwatch.profiler.hooks.recorder import Recorder
from epochwatch.profiler.hooks.windows import Windows
from tests.debugger.judge import smdebug

THEIRS = """
import json, sys
from smdebug.profiler.analysis.python_profile_analysis import cProfileAnalysis
stats = cProfileAnalysis(sys.argv[1]).fetch_profile_stats_by_step(3, 4)
print(json.dumps([[one.function_name, one.total_calls] for one in stats.function_stats_list]))
"""


def batch() -> int:
    return sum(range(1000))


@pytest.fixture
def stats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of smdebug's analysis, of a training whose steps 3 and 4 were looked into."""
    monkeypatch.setenv(NODE_VARIABLE, "algo-2")
    monkeypatch.setenv("RANK", "5")
    config = tmp_path / "profilerconfig.json"
    python = json.dumps({"StartStep": 3, "NumSteps": 2})
    config.write_text(json.dumps({"ProfilingParameters": {"PythonProfilingConfig": python}}))
    recorder = Recorder(tmp_path / "spool" / "profile", "torch")
    windows = Windows(recorder, config)
    for _ in range(8):
        batch()
        recorder.end_step()
        windows.step_ended()
    windows.close()
    recorder.close()
    (tmp_path / "spool" / "profile" / "windows" / "something.pstats").write_bytes(b"else")
    copy_python_windows(tmp_path / "spool", tmp_path / "out")
    copy_python_windows(tmp_path / "spool", tmp_path / "out")
    return tmp_path / "out" / "framework" / "pytorch" / "cprofile"


def test_smdebugs_analysis_and_ours_find_the_functions_of_the_steps(stats: Path) -> None:
    analysis = cProfileAnalysis(str(stats))
    (found,) = analysis.python_profile_stats
    assert (found.node_id, found.start_step, found.end_step) == ("5-algo-2", 3, 4)
    assert found.start_time_since_epoch_in_micros <= found.end_time_since_epoch_in_micros
    ours = analysis.fetch_profile_stats_by_step(3, 4)
    assert ours is not None
    calls = {one.function_name: one.total_calls for one in ours.function_stats_list}
    assert [count for name, count in calls.items() if name.endswith("(batch)")] == [2]
    assert sorted(map(tuple, smdebug(THEIRS, stats))) == sorted(calls.items())


def test_a_windows_file_says_all_of_it() -> None:
    window = PythonWindow("host-a-1", 77, 5, 1_234_567_890, 1_700_000_000_000_000, 1_700_000_000_500_000, "keras")
    assert python_window(window.file_name) == window
    assert python_window("algo-1-0-77-000000005.pstats") is None
