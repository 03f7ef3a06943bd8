"""A hook in a training whose code says nothing of it: what ``epochwatch run`` gives the command.

``site/sitecustomize.py`` is loaded by every Python process of the command, and watches those that import a
framework whose trainings can be found: PyTorch, Keras, XGBoost, LightGBM, scikit-learn.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import epochwatch

SITE = Path(__file__).parent / "site"


def injection(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Variables with which a command's Python processes load ``sitecustomize``; what ``PYTHONPATH`` was stays behind
    ours.
    """
    environment = os.environ if environment is None else environment
    known = environment.get("PYTHONPATH", "").split(os.pathsep)
    path = [str(SITE), *(place for place in known if place not in ("", str(SITE)))]
    return {
        "EPOCHWATCH_DEBUG_PACKAGE": str(Path(epochwatch.__file__).parent),
        "PYTHONPATH": os.pathsep.join(path),
    }


def debug_environment(
    directory: str, config: str | None = None, environment: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Variables with which a command's Python processes save tensors in ``directory``, as a file in the form of
    SageMaker's ``debughookconfig.json`` says.
    """
    found = injection(environment) | {"EPOCHWATCH_DEBUG_DIR": directory}
    return found | ({"EPOCHWATCH_DEBUG_CONFIG": config} if config else {})
