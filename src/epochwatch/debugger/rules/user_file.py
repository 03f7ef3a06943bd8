"""A user's file of rules as a module."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from epochwatch.debugger.exceptions import SMDebugValueError


def loaded(file: Path, module: str) -> ModuleType:
    """The file as a module of this name. Raises SMDebugValueError for no Python file, and what the file raises."""
    spec = importlib.util.spec_from_file_location(module, file)
    if spec is None or spec.loader is None or not file.is_file():
        raise SMDebugValueError(f"{file} is no Python file")
    found = sys.modules[module] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found
