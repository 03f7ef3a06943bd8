"""A tenant for each test, so that tests which share stores see only their own rows."""

import itertools

import pytest

from epochwatch.model.tenant import Tenant

_ACCOUNTS = itertools.count(200_000_000_001)


@pytest.fixture
def tenant() -> Tenant:
    return Tenant(str(next(_ACCOUNTS)))
