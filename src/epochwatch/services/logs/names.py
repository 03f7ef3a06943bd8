"""Log groups and streams as requests name them, and the refusals of CloudWatch Logs."""

import hashlib
from collections.abc import Mapping
from typing import Any

from epochwatch.model.aws_error import AwsError
from epochwatch.model.tenant import Tenant
from epochwatch.services.call import Call
from epochwatch.store.state.log_groups import LogGroup


def invalid(message: str) -> AwsError:
    """InvalidParameterException."""
    return AwsError("InvalidParameterException", message)


def no_group() -> AwsError:
    """The refusal for a group that is not there."""
    return AwsError("ResourceNotFoundException", "The specified log group does not exist.")


def no_stream() -> AwsError:
    """The refusal for a stream that is not there."""
    return AwsError("ResourceNotFoundException", "The specified log stream does not exist.")


def invalid_token() -> AwsError:
    """The refusal for a nextToken of another request, or of nobody."""
    return invalid("The specified nextToken is invalid.")


def group_arn(tenant: Tenant, group: str) -> str:
    """The group's ARN, without the ``:*`` behind it."""
    return tenant.arn("logs", f"log-group:{group}")


def identified(tenant: Tenant, identifier: str) -> str | None:
    """The name of the group that a name or ARN stands for; None for an ARN of another account or region."""
    if not identifier.startswith("arn:"):
        return identifier
    prefix = group_arn(tenant, "")
    if not identifier.startswith(prefix):
        return None
    return identifier.removeprefix(prefix).removesuffix(":*")


def existing_group(call: Call, request: Mapping[str, Any]) -> LogGroup:
    """The group that ``logGroupName`` or ``logGroupIdentifier`` names. Raises AwsError."""
    name, identifier = request.get("logGroupName"), request.get("logGroupIdentifier")
    if name is not None and identifier is not None:
        raise AwsError("ValidationException", "LogGroup name and LogGroup ARN are mutually exclusive parameters.")
    if name is None and identifier is None:
        raise invalid("Either logGroupName or logGroupIdentifier must be specified.")
    wanted = name if identifier is None else identified(call.tenant, identifier)
    group = None if wanted is None else call.stores.state.log_groups.group(call.tenant, wanted)
    if group is None:
        raise no_group()
    return group


def require_deletable(group: LogGroup) -> None:
    """Raises AwsError where the group is protected."""
    if group.deletion_protected:
        raise AwsError(
            "ValidationException",
            f"The log group {group.name} is protected from deletion. Disable deletion protection first.",
        )


def sequence_token(text: str) -> str:
    """A sequence token: 56 digits that no later request has to repeat."""
    digest = hashlib.blake2b(text.encode(), digest_size=24).digest()
    return f"{int.from_bytes(digest, 'big') % 10**56:056d}"
