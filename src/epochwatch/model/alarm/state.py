"""The states of an alarm."""

from enum import StrEnum


class State(StrEnum):
    """What an alarm says of what it watches; the values are CloudWatch's ``StateValue``."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"
