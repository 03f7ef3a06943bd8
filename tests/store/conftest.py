"""A tenant for each test, so that tests which share stores see only their own rows."""

import itertools
from collections.abc import Iterator

import pytest

from epochwatch.model.tenant import Tenant
from tests.store import postgres

_ACCOUNTS = itertools.count(200_000_000_001)


@pytest.fixture
def tenant() -> Tenant:
    return Tenant(str(next(_ACCOUNTS)))


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A real PostgreSQL for the session."""
    programs = postgres.programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    with postgres.running(programs) as url:
        yield url
