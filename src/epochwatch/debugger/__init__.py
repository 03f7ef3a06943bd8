"""Tensors out of a training: read a trial and run rules over it, with smdebug's names.

::

    from epochwatch.debugger import create_trial

    trial = create_trial("s3://bucket/job/debug-output")
    trial.tensor("gradient/fc.weight").reduction_value(100, "l2")

Names are loaded when they are first used: those that read need NumPy (``epochwatch[debugger]``).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from epochwatch.debugger.collection import Collection
    from epochwatch.debugger.create import create_trial
    from epochwatch.debugger.mode_keys import ModeKeys, StepState
    from epochwatch.debugger.rule import Rule, invoke_rule
    from epochwatch.debugger.smdebug.writer import SmdebugWriter
    from epochwatch.debugger.tensor import Tensor
    from epochwatch.debugger.trial import Trial, no_refresh, refresh

    modes = ModeKeys

_HOMES = {
    "Collection": "collection",
    "ModeKeys": "mode_keys",
    "Rule": "rule",
    "SmdebugWriter": "smdebug.writer",
    "StepState": "mode_keys",
    "Tensor": "tensor",
    "Trial": "trial",
    "create_trial": "create",
    "invoke_rule": "rule",
    "no_refresh": "trial",
    "refresh": "trial",
}

__all__ = [
    "Collection",
    "ModeKeys",
    "Rule",
    "SmdebugWriter",
    "StepState",
    "Tensor",
    "Trial",
    "create_trial",
    "invoke_rule",
    "modes",
    "no_refresh",
    "refresh",
]


def __getattr__(name: str) -> Any:
    if name == "modes":  # smdebug's other name
        return __getattr__("ModeKeys")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'epochwatch.debugger' has no attribute '{name}'")
    try:
        module = import_module(f"epochwatch.debugger.{home}")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"epochwatch.debugger.{name} needs {error.name}: pip install 'epochwatch[debugger]'", name=error.name
        ) from error
    found = globals()[name] = getattr(module, name)
    return found


def __dir__() -> list[str]:
    return list(__all__)
