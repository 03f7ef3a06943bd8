"""The profiler's hook in a training whose code says nothing of it."""

from collections.abc import Mapping

from epochwatch.debugger.injection import injection
from epochwatch.profiler.hooks.place import DIRECTORY_VARIABLE


def profile_environment(directory: str = "", environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Variables with which a command's Python processes that import PyTorch are timed: to ``directory``, or to the
    spool of the run they are in.
    """
    found = injection(environment) | {"EPOCHWATCH_PROFILE": "1"}
    return found | ({DIRECTORY_VARIABLE: directory} if directory else {})
