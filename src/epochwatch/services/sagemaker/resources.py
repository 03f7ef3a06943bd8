"""What SageMaker's resources are called, and how their absence is refused."""

from epochwatch.model.aws_error import AwsError
from epochwatch.model.job import JobKind
from epochwatch.services.call import Call


def arn(call: Call, resource: str, name: str) -> str:
    """The ARN of a resource of the caller's (``training-job``, ``experiment-trial``, ...)."""
    return call.tenant.arn("sagemaker", f"{resource}/{name}")


def job_arn(call: Call, kind: JobKind, name: str) -> str:
    """A job's ARN."""
    return arn(call, kind.resource, name)


def invalid(message: str) -> AwsError:
    """ValidationException."""
    return AwsError("ValidationException", message)


def not_found() -> AwsError:
    """The refusal for a job that is not there, as SageMaker words it."""
    return invalid("Requested resource not found.")


def in_use(noun: str, taken: str) -> AwsError:
    """The refusal for a name that is taken: ``noun`` as in ``Training job``, and the ARN of what has it."""
    return AwsError(
        "ResourceInUse",
        f"{noun} names must be unique within an AWS account and region, and a {noun.lower()} with this name already"
        f" exists ({taken})",
    )


def ended(noun: str, status: str) -> AwsError:
    """The refusal to stop what has ended."""
    return invalid(f"The request was rejected because the {noun} is in status {status}.")
