"""Hooks: what times the phases of a training's steps while it runs.

::

    from epochwatch.profiler import watch

    watch()
"""

import sys
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from epochwatch.profiler.hooks.place import configuration, events_directory
from epochwatch.profiler.hooks.recorder import Recorder
from epochwatch.profiler.hooks.tracers import tracer_of
from epochwatch.profiler.hooks.windows import Windows

INJECTED: Final = ("torch", "keras", "xgboost", "lightgbm")
_recorder: Recorder | None = None
"""Of all that was imported."""


class Hook(Protocol):
    """What times a training."""

    recorder: Recorder
    """Takes phases and steps that no framework tells of."""

    def close(self) -> None:
        """Write what waits and leave the training alone. Called by itself when the process ends."""


class OwnSteps:
    """A training whose script says itself what it does: ``with hook.recorder.phase("data_loading"): ...`` and
    ``hook.end_step()``.
    """

    def __init__(self, recorder: Recorder, config: Path | None = None) -> None:
        self.recorder = recorder
        self.windows = Windows(recorder, config, partial(tracer_of, ""))
        recorder.trains_here()

    def end_step(self) -> None:
        """A step of the training is over."""
        self.recorder.end_step()
        self.windows.step_ended()

    def close(self) -> None:
        """Write what waits. Called by itself when the process ends."""
        self.windows.close()
        self.recorder.close()


def watch(directory: str | Path | None = None) -> Hook:
    """Time the training of this process from now on. Where PyTorch, Keras, XGBoost or LightGBM is loaded its steps and
    their phases are seen by themselves; otherwise the script says them. Under ``epochwatch run`` and in created jobs
    the events go to the server, elsewhere to ``directory``. Raises ValueError where there is none; what fails later
    turns the hook off, with one message.
    """
    loaded = [name for name in ("keras", "torch", "xgboost", "lightgbm") if name in sys.modules]
    framework = loaded[0] if loaded else ""
    return _hook(framework, Recorder(events_directory() if directory is None else directory, framework))


def watch_imported(framework: str) -> None:
    """Time the trainings of this process that use one of ``INJECTED``, which has just been imported; several share
    what records. Raises as ``watch``.
    """
    global _recorder  # noqa: PLW0603
    if _recorder is None:
        _recorder = Recorder(events_directory(), framework)
    _hook(framework, _recorder)


def _hook(framework: str, recorder: Recorder) -> Hook:
    config = configuration(recorder.directory)
    if framework == "torch":
        from epochwatch.profiler.hooks.torch import TorchHook

        return TorchHook(recorder, config)
    if framework:
        from epochwatch.profiler.hooks.whole import WholeHook

        return WholeHook(recorder, framework, config)
    return OwnSteps(recorder, config)
