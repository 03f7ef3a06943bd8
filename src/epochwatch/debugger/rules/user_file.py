"""What it takes to run rules of a user's file: the file as a module, and limits of the process that runs it."""

import importlib.util
import resource
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


def limit(what: int, amount: int) -> None:
    """A soft limit of this process, one of ``resource.RLIMIT_*``, as far as the hard one allows."""
    _, most = resource.getrlimit(what)
    amount = amount if most == resource.RLIM_INFINITY else min(amount, most)
    resource.setrlimit(what, (amount, most))
