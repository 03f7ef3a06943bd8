"""CloudWatch's refusals."""

from epochwatch.model.aws_error import AwsError


def invalid_value(message: str) -> AwsError:
    """InvalidParameterValue."""
    return AwsError("InvalidParameterValueException", message)


def invalid_combination(message: str) -> AwsError:
    """InvalidParameterCombination."""
    return AwsError("InvalidParameterCombinationException", message)


def missing(message: str) -> AwsError:
    """MissingParameter."""
    return AwsError("MissingRequiredParameterException", message)


def validation(message: str) -> AwsError:
    """ValidationError, by which GetMetricData refuses."""
    return AwsError("ValidationException", message)
