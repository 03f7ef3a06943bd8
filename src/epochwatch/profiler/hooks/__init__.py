"""Hooks: what times the phases of a training's steps while it runs.

::

    from epochwatch.profiler import watch

    watch()
"""

import sys
from pathlib import Path
from typing import Protocol

from epochwatch.profiler.hooks.place import configuration, events_directory
from epochwatch.profiler.hooks.recorder import Recorder
from epochwatch.profiler.hooks.windows import Windows


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
        self.windows = Windows(recorder, config)
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
    """Time the training of this process from now on. Where PyTorch is loaded its steps and their phases are seen by
    themselves; otherwise the script says them. Under ``epochwatch run`` and in created jobs the events go to the
    server, elsewhere to ``directory``. Raises ValueError where there is none; what fails later turns the hook off,
    with one message.
    """
    framework = "torch" if "torch" in sys.modules else ""
    recorder = Recorder(events_directory() if directory is None else directory, framework)
    config = configuration(recorder.directory)
    if framework:
        from epochwatch.profiler.hooks.torch import TorchHook

        return TorchHook(recorder, config)
    return OwnSteps(recorder, config)
