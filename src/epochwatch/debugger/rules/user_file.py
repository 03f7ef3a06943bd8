"""Rules of a user's file: the file as a module, and its rules in smdebug's way."""

import importlib.util
import inspect
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from epochwatch.debugger.exceptions import SMDebugValueError
from epochwatch.debugger.rule import Rule
from epochwatch.debugger.trial import Trial


def loaded(file: Path, module: str) -> ModuleType:
    """The file as a module of this name. Raises SMDebugValueError for no Python file, and what the file raises."""
    spec = importlib.util.spec_from_file_location(module, file)
    if spec is None or spec.loader is None or not file.is_file():
        raise SMDebugValueError(f"{file} is no Python file")
    found = sys.modules[module] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def made_rule(rule: type[Rule], trial: Trial, parameters: Mapping[str, Any]) -> Rule:
    """The rule over a trial. Raises SMDebugValueError for parameters that it does not take, and what it raises."""
    try:
        inspect.signature(rule).bind(trial, **parameters)
    except TypeError as error:
        raise SMDebugValueError(f"the rule {rule.__name__} cannot be made with its parameters: {error}") from error
    return rule(trial, **parameters)
