"""The phases of a training. Needs nothing but Python: it is loaded in the training's process."""

from enum import StrEnum
from typing import Final


class Phase(StrEnum):
    """What a stretch of time was for. Those of a step do not overlap in the thread that trains; what none of them
    covers of it is idle, or the script's own.
    """

    STEP = "step"
    """From the end of the step before to the end of this: all of its time."""
    DATA_LOADING = "data_loading"
    """The training waits for its next batch."""
    FORWARD = "forward"
    BACKWARD = "backward"
    OPTIMIZER = "optimizer"
    COMMUNICATION = "communication"
    """The training waits for other processes."""
    CHECKPOINT = "checkpoint"
    EVALUATION = "evaluation"
    """All that is done without learning, from the first to the last of its batches."""
    INITIALIZATION = "initialization"
    """From the start of the process to its first step."""
    OPERATOR = "operator"
    """One operator on a processor, from a window of the framework's own profiler."""
    KERNEL = "kernel"
    """One kernel on a device, from such a window."""
    PYTHON = "python"
    """One function."""
    WORKER = "worker"
    """A process that loads data makes one batch."""
    OTHER = "other"
    """What another profiler wrote, under a name of its own."""


STEP_PHASES: Final = (
    Phase.DATA_LOADING,
    Phase.FORWARD,
    Phase.BACKWARD,
    Phase.OPTIMIZER,
    Phase.COMMUNICATION,
    Phase.CHECKPOINT,
    Phase.EVALUATION,
)
"""What a step's time is divided into."""
