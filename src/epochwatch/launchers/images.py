"""What a training image means here: from ``images.toml``, from the names of frameworks, or as it is.

::

    [[image]]
    match = "*.dkr.ecr.*.amazonaws.com/my-team/*"   # a pattern of the image's name
    launcher = "process"                            # process, container or slurm; default: the setting
    python = "/opt/envs/vision/bin/python"          # whose environment the job runs in
    command = ["python", "-m", "vision.train"]      # where the request has neither entry point nor program
    framework = "pytorch"
    container = "registry/vision:1"                 # what the container runtime is to run instead
    options = ["--shm-size=8g"]                     # for the container runtime, or sbatch
    environment = { OMP_NUM_THREADS = "4" }
"""

import os
import re
import shutil
import sys
import tomllib
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

import msgspec

from epochwatch.extraction.algorithms import preset_of_image
from epochwatch.launchers.algorithms import BUILT_IN, DEBUGGER_RULES
from epochwatch.launchers.environment import has_module
from epochwatch.launchers.plan import LocalImage
from epochwatch.model.debug_rules import evaluator_of
from epochwatch.settings import LAUNCHERS

FRAMEWORKS: Final = {
    "pytorch": "torch",
    "tensorflow": "tensorflow",
    "xgboost": "xgboost",
    "sklearn": "sklearn",
    "huggingface": "transformers",
    "mxnet": "mxnet",
    "lightgbm": "lightgbm",
    "catboost": "catboost",
    "jax": "jax",
}
"""The module that an environment must have to stand for a framework's image."""
_NAMED: Final = (
    ("huggingface", "huggingface"),
    ("scikit-learn", "sklearn"),
    ("scikit_learn", "sklearn"),
    ("sklearn", "sklearn"),
    ("xgboost", "xgboost"),
    ("pytorch", "pytorch"),
    ("tensorflow", "tensorflow"),
    ("mxnet", "mxnet"),
    ("lightgbm", "lightgbm"),
    ("catboost", "catboost"),
    ("jax", "jax"),
)
PROCESS: Final = "process"
_REGISTRY: Final = re.compile(r"^[^/]*[.:][^/]*/")


class ImageEntry(msgspec.Struct, forbid_unknown_fields=True):
    """One ``[[image]]``."""

    match: str
    launcher: str = ""
    python: str = ""
    command: list[str] = []
    framework: str = ""
    container: str = ""
    options: list[str] = []
    environment: dict[str, str] = {}


class _ImagesFile(msgspec.Struct, forbid_unknown_fields=True):
    image: list[ImageEntry] = []


class Unresolved(Exception):
    """An image that means nothing here. The message is a failure reason."""


def read_images(path: Path) -> list[ImageEntry]:
    """The entries of the file; none where there is no file. Raises Unresolved for one that is wrong."""
    try:
        found = msgspec.convert(tomllib.loads(path.read_text()), type=_ImagesFile).image
    except FileNotFoundError:
        return []
    except (OSError, ValueError, msgspec.ValidationError) as error:
        raise Unresolved(f"ClientError: {path} cannot be used: {error}") from error
    for entry in found:
        if entry.launcher and entry.launcher not in LAUNCHERS:
            raise Unresolved(
                f"ClientError: {path}: launcher '{entry.launcher}' is none of {', '.join(LAUNCHERS)} ({entry.match})"
            )
    return found


def resolve(
    image: str,
    entries: Sequence[ImageEntry],
    launcher: str,
    has: Callable[[str, str], bool] = has_module,
    pythons: Sequence[str] | None = None,
) -> LocalImage:
    """The local meaning of ``image``: of the first entry that matches, else by its name. Raises Unresolved where it
    needs a framework that no environment here has.
    """
    entry = next((one for one in entries if fnmatchcase(image, one.match)), ImageEntry(match=image))
    if evaluator_of(image):
        return _rule_evaluator(image, entry)
    chosen = entry.launcher or launcher
    framework = entry.framework or framework_of(image)
    algorithm = preset_of_image(image) or ""
    python = entry.python
    if chosen != "container" and not python:
        python = _python_for(image, framework, has, local_pythons() if pythons is None else pythons)
    return LocalImage(
        name=image,
        launcher=chosen,
        python=python,
        command=list(entry.command),
        environment=dict(entry.environment),
        framework=framework,
        algorithm=algorithm if algorithm in BUILT_IN and chosen != "container" else "",
        container=entry.container or image,
        options=list(entry.options),
    )


def _rule_evaluator(image: str, entry: ImageEntry) -> LocalImage:
    """Rules are evaluated beside the server, where its environment or the entry's has the debugger."""
    return LocalImage(
        name=image,
        python=entry.python or sys.executable,
        environment=dict(entry.environment),
        algorithm=DEBUGGER_RULES,
    )


def framework_of(image: str) -> str:
    """The framework an image's name speaks of: of SageMaker's own images, or short names such as ``sklearn``."""
    repository = _REGISTRY.sub("", image).partition("@")[0].partition(":")[0].lower()
    return next((framework for part, framework in _NAMED if part in repository), "")


def local_pythons() -> list[str]:
    """Interpreters of this machine, the likeliest first: of an active environment, on the path, our own."""
    found = []
    active = os.environ.get("VIRTUAL_ENV") or os.environ.get("CONDA_PREFIX")
    if active:
        found.append(os.path.join(active, "bin", "python"))
    found += [sys.executable, *filter(None, [shutil.which("python3"), shutil.which("python")])]
    return list(dict.fromkeys(path for path in found if os.access(path, os.X_OK)))


def _python_for(image: str, framework: str, has: Callable[[str, str], bool], pythons: Sequence[str]) -> str:
    if not framework:
        return pythons[0]
    module = FRAMEWORKS.get(framework, framework)
    for python in pythons:
        if has(python, module):
            return python
    raise Unresolved(
        f"ClientError: no Python environment here has {module}, which the image '{image}' stands for: install it into "
        f"{pythons[0]}'s, or name an interpreter for this image in images.toml"
    )
