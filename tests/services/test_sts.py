"""GetCallerIdentity tells whose key signed."""

from epochwatch.services.call import Call
from epochwatch.services.sts import OPERATIONS
from tests.services.conftest import Caller


def test_the_account_is_that_of_the_key(caller: Caller) -> None:
    call = Call(caller.tenant, caller.stores, "id", caller.now, "AKIAEXAMPLE")
    assert OPERATIONS["GetCallerIdentity"](call, {}) == {
        "UserId": "AKIAEXAMPLE",
        "Account": caller.tenant.account,
        "Arn": f"arn:aws:iam::{caller.tenant.account}:user/AKIAEXAMPLE",
    }
