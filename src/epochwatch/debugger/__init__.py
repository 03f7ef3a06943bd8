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
    from epochwatch.debugger.bulk import ValueKey, read_statistics, read_values
    from epochwatch.debugger.collection import Collection
    from epochwatch.debugger.comparison import Comparison, Difference, compare
    from epochwatch.debugger.create import create_trial
    from epochwatch.debugger.histograms import Histograms, read_histograms
    from epochwatch.debugger.mode_keys import ModeKeys, StepState
    from epochwatch.debugger.rule import Rule, invoke_rule
    from epochwatch.debugger.smdebug.writer import SmdebugWriter
    from epochwatch.debugger.store.safetensors import Bfloat16
    from epochwatch.debugger.store.writer import Statistics, StoreWriter
    from epochwatch.debugger.tensor import Tensor
    from epochwatch.debugger.transfer import export_smdebug, import_smdebug
    from epochwatch.debugger.trial import Trial, no_refresh, refresh

    modes = ModeKeys

_HOMES = {
    "Bfloat16": "store.safetensors",
    "Collection": "collection",
    "Comparison": "comparison",
    "Difference": "comparison",
    "Histograms": "histograms",
    "ModeKeys": "mode_keys",
    "Rule": "rule",
    "SmdebugWriter": "smdebug.writer",
    "Statistics": "store.writer",
    "StepState": "mode_keys",
    "StoreWriter": "store.writer",
    "Tensor": "tensor",
    "Trial": "trial",
    "ValueKey": "bulk",
    "compare": "comparison",
    "create_trial": "create",
    "export_smdebug": "transfer",
    "import_smdebug": "transfer",
    "invoke_rule": "rule",
    "no_refresh": "trial",
    "read_histograms": "histograms",
    "read_statistics": "bulk",
    "read_values": "bulk",
    "refresh": "trial",
}

__all__ = [
    "Bfloat16",
    "Collection",
    "Comparison",
    "Difference",
    "Histograms",
    "ModeKeys",
    "Rule",
    "SmdebugWriter",
    "Statistics",
    "StepState",
    "StoreWriter",
    "Tensor",
    "Trial",
    "ValueKey",
    "compare",
    "create_trial",
    "export_smdebug",
    "import_smdebug",
    "invoke_rule",
    "modes",
    "no_refresh",
    "read_histograms",
    "read_statistics",
    "read_values",
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
