"""Errors meant for the person at the keyboard."""


class EpochwatchError(Exception):
    """A failure the user can act on: printed as ``error: message`` and ``hint: hint``, never as a traceback.

    ``exit_code`` is the process's exit status: 1 for a failure, 2 for wrong usage.
    """

    def __init__(self, message: str, hint: str | None = None, *, exit_code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.exit_code = exit_code


class UsageError(EpochwatchError):
    """The words of the command, a setting or an argument are wrong (exit status 2)."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint, exit_code=2)
