"""What the profiler client has, when it is loaded, and that its page tells of it."""

import subprocess
import sys
from pathlib import Path

import pytest

import epochwatch.profiler.analysis
from epochwatch.profiler.smdebug import export

PAGE = (Path(__file__).parents[3] / "docs" / "profiler-client.md").read_text()


def test_every_name_is_there_and_on_the_page() -> None:
    assert sorted(epochwatch.profiler.analysis.__all__) == sorted(epochwatch.profiler.analysis._HOMES)
    for name in epochwatch.profiler.analysis.__all__:
        assert getattr(epochwatch.profiler.analysis, name)
        assert f"`{name}" in PAGE, f"docs/profiler-client.md does not tell of {name}"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = epochwatch.profiler.analysis.nothing


def test_what_writes_is_on_the_page() -> None:
    for work in (export.write_pevents, export.write_system_files, export.write_end):
        assert f"`{work.__name__}(" in PAGE


def test_what_writes_system_metrics_beside_a_training_is_light() -> None:
    script = (
        "import sys, epochwatch.profiler.analysis, epochwatch.agent.host.smdebug_layout; "
        "print([name for name in ('numpy', 'pyarrow', 'pandas', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_a_name_needs_is_told() -> None:
    script = "import sys; sys.modules['pandas'] = None; from epochwatch.profiler.analysis import PandasFrame"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "PandasFrame needs pandas: pip install 'epochwatch[debugger,notebook]'" in done.stderr
