"""The one exception by which an AWS operation refuses a request."""

from typing import Any


class AwsError(Exception):
    """An error answer of an AWS operation.

    ``code`` is the error shape's name in the service model (``ResourceNotFoundException``) or, where the
    model has none, AWS's common code (``ValidationException``, ``UnknownOperationException``, ...).
    ``members`` are further members of the error shape. The gateway finds the HTTP status, the query code
    and the fault side in the model; ``status`` overrides it where the model is silent.
    """

    def __init__(
        self, code: str, message: str | None = None, *, status: int | None = None, **members: Any
    ) -> None:
        super().__init__(message or code)
        self.code = code
        self.message = message
        self.status = status
        self.members = members
