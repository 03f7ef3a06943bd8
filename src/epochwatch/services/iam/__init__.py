"""AWS Identity and Access Management, as far as the SageMaker SDKs ask: roles stand for nothing here, so every role
that is named exists and may do everything.
"""

from epochwatch.services.call import Operation
from epochwatch.services.iam.roles import get_role, simulate_principal_policy

OPERATIONS: dict[str, Operation] = {
    "GetRole": get_role,
    "SimulatePrincipalPolicy": simulate_principal_policy,
}
