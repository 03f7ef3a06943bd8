"""Hooks: what times the phases of a training's steps while it runs.

::

    from epochwatch.profiler import watch

    watch()
"""

import sys
from pathlib import Path
from typing import Protocol

from epochwatch.profiler.hooks.place import events_directory
from epochwatch.profiler.hooks.recorder import Recorder


class Hook(Protocol):
    """What times a training."""

    recorder: Recorder
    """Takes phases and steps that no framework tells of."""

    def close(self) -> None:
        """Write what waits and leave the training alone. Called by itself when the process ends."""


class OwnSteps:
    """A training whose script says itself what it does: ``with hook.recorder.phase("data_loading"): ...`` and
    ``hook.recorder.end_step()``.
    """

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        recorder.trains_here()

    def close(self) -> None:
        """Write what waits. Called by itself when the process ends."""
        self.recorder.close()


def watch(directory: str | Path | None = None) -> Hook:
    """Time the training of this process from now on. Where PyTorch is loaded its steps and their phases are seen by
    themselves; otherwise the script says them. Under ``epochwatch run`` and in created jobs the events go to the
    server, elsewhere to ``directory``. Raises ValueError where there is none; what fails later turns the hook off,
    with one message.
    """
    framework = "torch" if "torch" in sys.modules else ""
    recorder = Recorder(events_directory() if directory is None else directory, framework)
    if framework:
        from epochwatch.profiler.hooks.torch import TorchHook

        return TorchHook(recorder)
    return OwnSteps(recorder)
