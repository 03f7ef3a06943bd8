"""A PostgreSQL for the session."""

from tests.store.conftest import postgres_url

__all__ = ["postgres_url"]
