"""The package's public names: few, sorted, documented, and free of charge until used."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import epochwatch
from epochwatch import settings

ROOT = Path(__file__).resolve().parents[2]
OF_THE_RUN = {"config", "run", "summary"}


def test_all_is_sorted_and_everything_in_it_is_there() -> None:
    assert epochwatch.__all__ == sorted(epochwatch.__all__, key=lambda name: (name.islower(), name))
    for name in set(epochwatch.__all__) - OF_THE_RUN:
        assert inspect.getdoc(getattr(epochwatch, name)), name


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'lgo'"):
        _ = epochwatch.lgo  # type: ignore[attr-defined]


def test_import_takes_nothing_beyond_the_standard_library() -> None:
    code = (
        "import sys; before = set(sys.modules); import epochwatch\n"
        "new = {name.split('.')[0] for name in set(sys.modules) - before}\n"
        "assert new - set(sys.stdlib_module_names) == {'epochwatch'}, new\n"
        "assert not new & {'json', 'asyncio', 'subprocess', 'ssl', 'http', 'dataclasses', 'threading'}, new\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_log_takes_nothing_heavier_than_records() -> None:
    code = (
        "import sys; before = set(sys.modules); import epochwatch\n"
        "epochwatch.log, epochwatch.init, epochwatch.Run\n"
        "new = {name.split('.')[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)\n"
        "assert new - {'typing_extensions'} == {'epochwatch', 'msgspec'}, new\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_public_name_is_documented() -> None:
    text = (ROOT / "docs" / "python.md").read_text()
    for name in epochwatch.__all__:
        assert f"`{name}" in text or f"epochwatch.{name}" in text, f"docs/python.md does not tell of {name}"
    for kind in (epochwatch.Run, epochwatch.Job, epochwatch.TrainingJobAnalytics):
        for name, _ in inspect.getmembers(kind, lambda member: callable(member) or isinstance(member, property)):
            if not name.startswith("_") and name not in ("forget", "save_notes", "say_once"):
                assert f"{name}" in text, f"docs/python.md does not tell of {kind.__name__}.{name}"


def test_settings_are_found_at_their_names() -> None:
    assert settings.load({"port": 1}, {"EPOCHWATCH_HOME": "/x"}, Path("/none")).endpoint == "http://127.0.0.1:1"
