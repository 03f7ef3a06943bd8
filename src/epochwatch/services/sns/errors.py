"""SNS's errors."""

from epochwatch.model.aws_error import AwsError


def invalid(what: str, reason: str | None = None) -> AwsError:
    """A parameter that cannot be."""
    return AwsError(
        "InvalidParameterException", f"Invalid parameter: {what}" + (f" Reason: {reason}" if reason else "")
    )


def no_topic() -> AwsError:
    """A topic that is not there."""
    return AwsError("NotFoundException", "Topic does not exist")


def no_subscription() -> AwsError:
    """A subscription that is not there."""
    return AwsError("NotFoundException", "Subscription does not exist")
