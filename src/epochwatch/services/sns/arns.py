"""ARNs of topics and of what hangs on them."""

from typing import Final

from epochwatch.services.call import Call
from epochwatch.services.sns.errors import invalid, no_topic

LEAST_PARTS: Final = 6


def split_arn(arn: str, parameter: str) -> list[str]:
    """The six parts of an ARN, the last of which may have colons. Raises AwsError."""
    parts = arn.split(":", LEAST_PARTS - 1)
    if len(parts) < LEAST_PARTS:
        raise invalid(parameter, f"An ARN must have at least 6 elements, not {len(parts)}")
    if parts[0] != "arn" or parts[2] != "sns" or not parts[5]:
        raise invalid(parameter)
    return parts


def topic_name(call: Call, arn: str, parameter: str) -> str:
    """The name of the topic of that ARN, of the caller's account and region. Raises AwsError."""
    _, _, _, region, account, name = split_arn(arn, parameter)
    if ":" in name:
        raise invalid(parameter)
    if (region, account) != (call.tenant.region, call.tenant.account):
        raise no_topic() if region == call.tenant.region else invalid(parameter)
    return name
