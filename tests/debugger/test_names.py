"""What ``epochwatch.debugger`` has, when it is loaded, and that its page tells of it."""

import subprocess
import sys
from pathlib import Path

import pytest

import epochwatch.debugger
from epochwatch.debugger import exceptions

PAGE = (Path(__file__).parents[2] / "docs" / "debugger.md").read_text()


def test_every_name_is_there_and_on_the_page() -> None:
    assert epochwatch.debugger.__all__ == sorted(epochwatch.debugger.__all__)
    for name in epochwatch.debugger.__all__:
        assert getattr(epochwatch.debugger, name)
        assert f"`{name}" in PAGE, f"docs/debugger.md does not tell of {name}"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = epochwatch.debugger.nothing


def test_every_method_and_exception_is_on_the_page() -> None:
    for kind in (epochwatch.debugger.Trial, epochwatch.debugger.Tensor):
        for name in vars(kind):
            shown = not name.startswith("_") and callable(getattr(kind, name))
            assert not shown or f"{name}(" in PAGE, f"docs/debugger.md does not tell of {kind.__name__}.{name}"
    for name, kind in vars(exceptions).items():
        if isinstance(kind, type) and issubclass(kind, Exception):
            assert f"`{name}`" in PAGE, f"docs/debugger.md does not tell of {name}"


def test_nothing_is_loaded_before_a_name_is_used() -> None:
    script = "import sys, epochwatch.debugger; print('numpy' in sys.modules, 'pyarrow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_smdebugs_layout_is_read_without_pyarrow() -> None:
    """Where only NumPy is at hand."""
    script = "import sys; from epochwatch.debugger import create_trial, Rule; print('pyarrow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
