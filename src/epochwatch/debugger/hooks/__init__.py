"""Hooks: what saves tensors out of a training while it runs.

::

    from epochwatch.debugger.hooks import watch

    watch(model, out_dir="tensors")
"""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Protocol

from epochwatch.debugger.exceptions import SMDebugTypeError
from epochwatch.debugger.hooks.config import SAGEMAKER_BOOSTING_INTERVAL, SAGEMAKER_INTERVAL, HookConfig
from epochwatch.debugger.mode_keys import ModeKeys

_FRAMEWORKS: Final = {
    "xgboost": "epochwatch.debugger.hooks.xgboost",
    "lightgbm": "epochwatch.debugger.hooks.lightgbm",
    "sklearn": "epochwatch.debugger.hooks.sklearn",
    "optax": "epochwatch.debugger.hooks.jax",
    "keras": "epochwatch.debugger.hooks.keras.hook",
    "torch": "epochwatch.debugger.hooks.torch.hook",
}
"""Where the hook for a framework is, by the package that its models' classes come from; what builds upon another of
them comes before it.
"""
_BOOSTING: Final = ("xgboost", "lightgbm")
_FIND_THEMSELVES: Final = ("keras", "torch")
"""Frameworks whose models need not be given; where both are loaded it is the first."""


class Hook(Protocol):
    """What watches a training."""

    def set_mode(self, mode: ModeKeys) -> None:
        """The phase from now on."""

    def save_scalar(self, name: str, value: Any) -> None:
        """A number of the step that is now, as ``scalar/<name>``."""

    def save_tensor(self, name: str, value: Any) -> None:
        """A tensor of the step that is now."""

    def close(self) -> None:
        """Write what waits and leave the training alone. Called by itself when the process ends."""


def watch(
    model: Any = None,
    optimizer: Any = None,
    *,
    loss: Any = None,
    config: HookConfig | str | Path | None = None,
    out_dir: str | None = None,
) -> Hook:
    """Save tensors of the training in this process from now on. Nothing has to be given: models and optimizers are seen
    when they are used; of PyTorch ``model`` gets its names at once, ``optimizer`` is whose steps count, ``loss`` a
    module that computes one. ``config`` may be the path of SageMaker's ``debughookconfig.json``; without it, and
    without ``out_dir``, it is that of the environment. Raises SMDebugValueError, InvalidCollectionConfiguration and
    SMDebugTypeError for what cannot be; what fails later turns the hook off, with one message.
    """
    given = [one for one in (model, optimizer, loss) if one is not None]
    framework = _framework(given)
    chosen = _config(framework, config, out_dir)
    hook: Hook = import_module(_FRAMEWORKS[framework]).watch(chosen, model, optimizer, loss)
    return hook


def watch_imported(framework: str) -> None:
    """Save the training of this process that uses a framework which has just been imported, and says nothing of it, as
    the environment has it; of several frameworks it is the one that trains first. Raises as ``watch``.
    """
    import_module(_FRAMEWORKS[framework]).find(_config(framework, None, None))


def _config(framework: str, config: HookConfig | str | Path | None, out_dir: str | None) -> HookConfig:
    if isinstance(config, HookConfig):
        return config
    interval = SAGEMAKER_BOOSTING_INTERVAL if framework in _BOOSTING else SAGEMAKER_INTERVAL
    if config is not None:
        return HookConfig.from_json(config, out_dir=out_dir, interval=interval)
    return HookConfig.from_environment(interval=interval) if out_dir is None else HookConfig(out_dir)


def _framework(given: list[Any]) -> str:
    """The framework that the classes of what is given come from, or the one that is loaded."""
    roots = {base.__module__.partition(".")[0] for one in given for base in type(one).__mro__}
    candidates, present = (_FRAMEWORKS, roots) if given else (_FIND_THEMSELVES, sys.modules)
    found = [name for name in candidates if name in present]
    if not found:
        what = ", ".join(type(one).__qualname__ for one in given) or "what is loaded"
        raise SMDebugTypeError(f"no hook for {what}: models of {', '.join(_FRAMEWORKS)} can be watched")
    return found[0]
