"""The identity behind an access key."""

from typing import Any

from epochwatch.services.call import Call


def get_caller_identity(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """GetCallerIdentity: the account of the key that signed the request.

    There are no users or roles here: the key itself stands as the user.
    """
    account = call.tenant.account
    user = call.access_key_id or "anonymous"
    return {"UserId": user, "Account": account, "Arn": f"arn:aws:iam::{account}:user/{user}"}
