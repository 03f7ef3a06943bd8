"""The one exception by which a PromQL query is refused."""

from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["bad_data", "execution", "timeout", "not_found"]
"""Prometheus' names of what went wrong: the request, the evaluation, its time, the path."""


class PromqlError(Exception):
    """A query that is not answered. ``kind`` is the ``errorType`` of Prometheus' API."""

    def __init__(self, message: str, kind: Kind = "bad_data") -> None:
        super().__init__(message)
        self.message = message
        self.kind: Kind = kind
