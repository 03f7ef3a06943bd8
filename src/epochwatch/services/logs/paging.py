"""Where a list of CloudWatch Logs goes on."""

from collections.abc import Mapping
from typing import Any

from epochwatch.services.logs.names import invalid_token
from epochwatch.services.tokens import unseal


def position_of(bound: Mapping[str, Any], token: str | None) -> Any:
    """What the last page's token was sealed with, lists as tuples; None without a token. Raises AwsError for a token of
    another request than ``bound``, or of nobody.
    """
    if token is None:
        return None
    try:
        found = unseal(bound, token)
    except ValueError as error:
        raise invalid_token() from error
    return tuple(found) if isinstance(found, list) else found
