"""Built-in algorithms: what runs where an image is one of SageMaker's own and the request brings no script.

Each is a package of its own. The program of one that trains runs in the environment of its framework, where epochwatch
is not installed.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from epochwatch.launchers.algorithms.builtin_xgboost.rules import require_xgboost

Rules = Callable[[Mapping[str, str], Mapping[str, Mapping[str, str]]], None]

DEBUGGER_RULES: Final = "debugger-rules"
"""What stands for SageMaker's images that evaluate a rule of a training job."""
_BUILT_IN: Final[dict[str, tuple[list[str], Rules]]] = {
    "xgboost": (["python3", str(Path(__file__).with_name("builtin_xgboost")), "train"], require_xgboost),
    DEBUGGER_RULES: (["python3", "-m", f"{__name__}.debugger_rules"], lambda *_: None),
}
BUILT_IN: Final = tuple(_BUILT_IN)
"""The algorithms that there are, as their images are called."""


def command_of(algorithm: str) -> list[str]:
    """What runs an algorithm."""
    return list(_BUILT_IN[algorithm][0])


def require(algorithm: str, hyperparameters: Mapping[str, str], inputs: Mapping[str, Mapping[str, str]]) -> None:
    """Raises ValueError with the failure reason for hyperparameters or channels that the algorithm does not take."""
    _BUILT_IN[algorithm][1](hyperparameters, inputs)
