"""Why a message was not delivered."""


class RefusedError(Exception):
    """It cannot be delivered, however often it is tried; the message says why."""


class FailedError(Exception):
    """It may be delivered later; the message says what went wrong."""
