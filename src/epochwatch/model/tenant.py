"""Who owns a record: every stored thing belongs to one account in one region."""

from dataclasses import dataclass

DEFAULT_ACCOUNT = "123456789012"
DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Tenant:
    """An AWS account id (12 digits) and a region name; part of every record's identity."""

    account: str = DEFAULT_ACCOUNT
    region: str = DEFAULT_REGION

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource of this tenant, e.g. ``arn("sagemaker", "training-job/x")``."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"
