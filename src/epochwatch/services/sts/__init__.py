"""AWS Security Token Service: who am I?"""

from epochwatch.services.call import Operation
from epochwatch.services.sts.identity import get_caller_identity

OPERATIONS: dict[str, Operation] = {"GetCallerIdentity": get_caller_identity}
