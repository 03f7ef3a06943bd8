"""Profiles of Python are read as smdebug reads them, and files that are none do no harm."""

import cProfile
import json
import marshal
import pstats
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from epochwatch.debugger.exceptions import SMDebugTypeError, SMDebugValueError
from epochwatch.profiler.analysis.python_profile_analysis import (
    Metrics,
    PyinstrumentAnalysis,
    cProfileAnalysis,
    cProfileStats,
)
from epochwatch.profiler.analysis.python_stats import PythonProfileModes, StepPhase
from epochwatch.profiler.analysis.stats_file import read_stats
from tests.debugger.judge import smdebug

FOLDERS = (
    "prestepzero-*-start-1000000_train-0-stepstart-2000000",
    "train-0-stepstart-2000000_train-0-stepend-3000000",
    "train-1-stepstart-3000000_train-1-forwardpassend-3500000",
    "train-1-forwardpassend-3500000_train-2-stepstart-4000000",
    "train-9-stepend-4000000_eval-0-stepstart-5000000",
    "eval-0-stepstart-5000000_posthookclose-*-end-6000000",
)


def work(depth: int) -> int:
    return sum(map(abs, range(depth))) + (work(depth - 1) if depth else 0)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("job") / "framework" / "pytorch" / "cprofile"
    for node in ("algo-1", "algo-2"):
        for number, folder in enumerate(FOLDERS):
            path = root / node / folder / "python_stats"
            path.parent.mkdir(parents=True)
            profiler = cProfile.Profile()
            profiler.runcall(work, number + 3)
            pstats.Stats(profiler).dump_stats(path)
    return root


THEIRS = """
import json, sys
from smdebug.profiler.analysis.python_profile_analysis import cProfileAnalysis
from smdebug.profiler.python_profile_utils import PythonProfileModes as Mode, StepPhase as Phase
def shown(stats):
    return stats and sorted([f.function_name, f.prim_calls, f.total_calls, f.total_time, f.cumulative_time,
                             sorted(f.callers)] for f in stats.function_stats_list)
own = cProfileAnalysis(sys.argv[1])
at = {"node_id": "algo-2"}
found = [
    shown(own.fetch_profile_stats_by_step(0, **at)), shown(own.fetch_profile_stats_by_step(0, 2, **at)),
    shown(own.fetch_profile_stats_by_step(1, 3, start_phase=Phase.FORWARD_PASS_END, **at)),
    shown(own.fetch_profile_stats_by_step(1, 2, end_phase=Phase.STEP_START, **at)),
    shown(own.fetch_profile_stats_by_step(50, **at)),
    shown(own.fetch_profile_stats_by_time(2.5, 3.2, **at)),
    shown(own.fetch_profile_stats_between_modes(Mode.TRAIN, Mode.EVAL, **at)),
    shown(own.fetch_pre_step_zero_profile_stats(**at)), shown(own.fetch_post_hook_close_profile_stats(**at)),
    {name: shown(stats) for name, stats in own.fetch_profile_stats_by_job_phase(**at).items()},
    sorted(f"{a.name} {b.name}" for a, b in own.fetch_profile_stats_by_training_phase(**at)),
    own.list_available_node_ids(),
    list(own.list_profile_stats().columns), own.list_profile_stats()["start_mode"].tolist(),
]
print(json.dumps(found))
"""


def shown(stats: cProfileStats | None) -> Any:
    return stats and sorted(
        [
            one.function_name,
            one.prim_calls,
            one.total_calls,
            one.total_time,
            one.cumulative_time,
            sorted(one.callers),
        ]
        for one in stats.function_stats_list
    )


def test_profiles_are_found_and_added_up_as_smdebug_does(directory: Path) -> None:
    own, mode, phase = cProfileAnalysis(str(directory)), PythonProfileModes, StepPhase
    at: dict[str, Any] = {"node_id": "algo-2"}
    table = own.list_profile_stats()
    found = [
        shown(own.fetch_profile_stats_by_step(0, **at)),
        shown(own.fetch_profile_stats_by_step(0, 2, **at)),
        shown(own.fetch_profile_stats_by_step(1, 3, start_phase=phase.FORWARD_PASS_END, **at)),
        shown(own.fetch_profile_stats_by_step(1, 2, end_phase=phase.STEP_START, **at)),
        shown(own.fetch_profile_stats_by_step(50, **at)),
        shown(own.fetch_profile_stats_by_time(2.5, 3.2, **at)),
        shown(own.fetch_profile_stats_between_modes(mode.TRAIN, mode.EVAL, **at)),
        shown(own.fetch_pre_step_zero_profile_stats(**at)),
        shown(own.fetch_post_hook_close_profile_stats(**at)),
        {name: shown(stats) for name, stats in own.fetch_profile_stats_by_job_phase(**at).items()},
        sorted(f"{a.name} {b.name}" for a, b in own.fetch_profile_stats_by_training_phase(**at)),
        own.list_available_node_ids(),
        list(table.columns),
        table["start_mode"].tolist(),
    ]
    theirs = smdebug(THEIRS, directory)
    assert sorted(theirs[-2]) == sorted(found[-2])
    for ours, other in zip(found[:-2], theirs[:-2], strict=True):
        assert json.loads(json.dumps(ours)) == other
    assert found[-1] == theirs[-1]


def test_functions_are_shown_by_a_metric(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stats = cProfileAnalysis(str(directory)).fetch_profile_stats_by_step(0)
    assert stats is not None
    stats.print_top_n_functions(Metrics.TOTAL_CALLS, 1)
    assert "(work)" in capsys.readouterr().out
    table = stats.get_function_stats().set_index("function name")
    work_calls = table.filter(regex=r"\(work\)$", axis=0).iloc[0]
    assert (work_calls["# of primitive calls"], work_calls["# of total calls"]) == (1, 5)
    with pytest.raises(SMDebugTypeError):
        stats.print_top_n_functions("tottime")  # type: ignore[arg-type]


def test_trees_of_pyinstrument_come_with_their_pages(tmp_path: Path) -> None:
    root = tmp_path / "framework" / "pytorch" / "pyinstrument"
    folder = root / "algo-1" / FOLDERS[1]
    folder.mkdir(parents=True)
    (folder / "python_stats.json").write_text('{"root_frame": {"function": "work"}}')
    (folder / "python_stats.html").write_text("<html>")
    found = PyinstrumentAnalysis(str(root)).fetch_profile_stats_by_step(0)
    assert found is not None
    ((stats),) = found
    assert stats.json_stats == {"root_frame": {"function": "work"}}
    assert stats.html_file_path == str(folder / "python_stats.html")
    (folder / "python_stats.json").write_text("{")
    with pytest.raises(ValueError, match=re.escape("is no profile of pyinstrument")):
        PyinstrumentAnalysis(str(root)).fetch_profile_stats_by_step(0)


def test_a_folder_that_says_nothing_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cprofile" / "algo-1" / "yesterday" / "python_stats"
    path.parent.mkdir(parents=True)
    path.touch()
    with pytest.raises(ValueError, match="'yesterday' is no folder"):
        cProfileAnalysis(str(tmp_path / "cprofile"))
    with pytest.raises(SMDebugValueError, match="no directory"):
        cProfileAnalysis(str(tmp_path / "none"))


function = st.tuples(st.text(max_size=9), st.integers(-(2**70), 2**70), st.sampled_from(["f", "x" * 300, "é"]))
number = st.integers(0, 2**40) | st.floats(allow_nan=False)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=50)
@given(
    st.dictionaries(
        function,
        st.tuples(number, number, number, number, st.dictionaries(function, number, max_size=2)),
        max_size=4,
    )
)
def test_statistics_are_read_as_marshal_reads_them(stats: dict[Any, Any]) -> None:
    assert read_stats(marshal.dumps(stats)).stats == stats  # type: ignore[attr-defined]


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.binary(max_size=200))
def test_what_is_no_statistics_is_refused_whatever_it_is(data: bytes) -> None:
    try:
        read_stats(data)
    except ValueError as error:
        assert str(error)  # noqa: PT017
    else:
        assert marshal.loads(data) == {}


@pytest.mark.parametrize(
    "data",
    [
        marshal.dumps([1]),
        marshal.dumps({("f", 1, "g"): (1, 2)}),
        marshal.dumps({("f", 1, "g"): (1, 2, "x", 4, {})}),
        marshal.dumps({("f", "1", "g"): (1, 2, 3, 4, {})}),
        marshal.dumps(compile("1", "f", "eval")),
        b"(\xff\xff\xff\x7f",
        b"[" * 10_000,
        marshal.dumps({("f", 1, "g"): (1, 2, 3, 4, {})})[:-3],
    ],
)
def test_damaged_statistics_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="tatistics of Python"):
        read_stats(data)
