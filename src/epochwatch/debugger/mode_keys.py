"""Phases of a training, and whether one of their steps can be read."""

from enum import Enum


class ModeKeys(Enum):
    """The phase a step belongs to. ``GLOBAL`` numbers the steps of all phases together."""

    TRAIN = 1
    EVAL = 2
    PREDICT = 3
    GLOBAL = 4


class StepState(Enum):
    """Whether a step can be read: never, now, or perhaps later."""

    UNAVAILABLE = 0
    AVAILABLE = 1
    NOT_YET_AVAILABLE = 2
