"""A caller of operations with a tenant of its own."""

import itertools
import time
import uuid
from typing import Any

import pytest

from epochwatch.model.aws_error import AwsError
from epochwatch.model.tenant import Tenant
from epochwatch.services.call import Call, Operation
from epochwatch.store.stores import Stores

_ACCOUNTS = itertools.count(100_000_000_001)


class Caller:
    """Calls operations as one tenant, at a moment that the test may set."""

    def __init__(self, stores: Stores) -> None:
        self.stores = stores
        self.tenant = Tenant(str(next(_ACCOUNTS)))
        self.now = float(int(time.time()) // 60 * 60 + 30)
        self.words = itertools.count(1)

    def __call__(self, operation: Operation, **request: Any) -> dict[str, Any]:
        return operation(Call(self.tenant, self.stores, str(uuid.uuid4()), self.now), request) or {}

    def refused(self, operation: Operation, **request: Any) -> tuple[str, str]:
        """The code and message of the refusal."""
        with pytest.raises(AwsError) as refusal:
            self(operation, **request)
        return refusal.value.code, str(refusal.value)


@pytest.fixture
def caller(stores: Stores) -> Caller:
    return Caller(stores)
