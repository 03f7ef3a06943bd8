"""CloudWatch's operations, for what asks them on a person's behalf."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from epochwatch.client.http import Client, refusals_as_usage_errors

_SIGNED_AS: Final = "monitoring"
_TARGET: Final = "GraniteServiceVersion20100801"


def ask(client: Client, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of an operation. Raises UsageError where the request is refused."""
    with refusals_as_usage_errors():
        answer: dict[str, Any] = client.call(_SIGNED_AS, f"{_TARGET}.{operation}", request)
    return answer


def pages(client: Client, operation: str, request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The answers of an operation that lists, page by page. Raises UsageError where the request is refused."""
    token: dict[str, str] = {}
    while True:
        page = ask(client, operation, {**request, **token})
        yield page
        if not page.get("NextToken"):
            return
        token = {"NextToken": page["NextToken"]}
