"""A user's own rule: a class of a file in S3, written for smdebug or for ``epochwatch.debugger``."""

import importlib
import inspect
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any, Final

from epochwatch.debugger.exceptions import SMDebugValueError
from epochwatch.debugger.places import open_place
from epochwatch.debugger.rule import Rule
from epochwatch.debugger.rules.user_file import loaded, made_rule
from epochwatch.debugger.trial import Trial

_MODULE: Final = "custom_rule"
_SMDEBUG: Final[dict[str, dict[str, str]]] = {
    "smdebug": {"modes": "mode_keys.ModeKeys"},
    "smdebug.modes": {"ModeKeys": "mode_keys.ModeKeys"},
    "smdebug.core": {},
    "smdebug.core.modes": {"ModeKeys": "mode_keys.ModeKeys"},
    "smdebug.analysis": {},
    "smdebug.analysis.utils": {"no_refresh": "trial.no_refresh", "refresh": "trial.refresh"},
    "smdebug.rules": {"Rule": "rule.Rule", "invoke_rule": "rule.invoke_rule"},
    "smdebug.rules.rule": {"Rule": "rule.Rule"},
    "smdebug.rules.rule_invoker": {"invoke_rule": "rule.invoke_rule"},
    "smdebug.trials": {"Trial": "trial.Trial", "create_trial": "create.create_trial"},
}
"""What rules import of smdebug, and what it is here."""


def custom_rule(
    source: str, name: str, parameters: Mapping[str, str], trial: Trial, other_trials: Sequence[Trial]
) -> Rule:
    """The rule ``name`` of a file at an S3 URI; its parameters are texts. Raises SMDebugValueError where there is none
    or it takes others.
    """
    found = getattr(_loaded(source), name, None)
    if not (inspect.isclass(found) and issubclass(found, Rule)):
        raise SMDebugValueError(f"{source} has no rule {name}: a subclass of Rule of this name is expected")
    given: dict[str, Any] = dict(parameters)
    if other_trials:
        given["other_trials"] = list(other_trials)
    return made_rule(found, trial, given)


def _loaded(source: str) -> ModuleType:
    folder, _, name = source.rpartition("/")
    if not source.startswith("s3://") or not name.endswith(".py"):
        raise SMDebugValueError(f"source_s3_uri must be s3://bucket/path/rules.py, not {source}")
    try:
        content = open_place(folder).read(name)
    except FileNotFoundError as error:
        raise SMDebugValueError(f"there is no {source}") from error
    _stand_in_for_smdebug()
    with TemporaryDirectory() as directory:
        path = Path(directory) / name
        path.write_bytes(content)
        return loaded(path, _MODULE)


def _stand_in_for_smdebug() -> None:
    """Rules get our trials: a real smdebug could not read them."""
    for name, members in _SMDEBUG.items():
        module = sys.modules[name] = ModuleType(name)
        module.__path__ = []
        for member, place in members.items():
            home, _, attribute = place.rpartition(".")
            setattr(module, member, getattr(importlib.import_module(f"epochwatch.debugger.{home}"), attribute))
    sys.modules["smdebug.exceptions"] = importlib.import_module("epochwatch.debugger.exceptions")
