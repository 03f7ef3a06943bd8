"""Requests that are not served."""


class Refusal(Exception):
    """HTTP status, Prometheus' ``errorType``, and what is wrong."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.message = message


def bad_data(message: str) -> Refusal:
    """The request can never succeed as it stands."""
    return Refusal(400, "bad_data", message)
