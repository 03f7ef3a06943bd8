"""Access keys: who may sign, and for which account."""

from dataclasses import dataclass, field

import sqlalchemy as sa

from epochwatch.store.state.database import Database
from epochwatch.store.state.tables import ACCESS_KEYS


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A key pair of an account. The secret is kept as it is: verifying a signature needs it."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    account: str


class KeyStore:
    """The keys, cached: each request looks one up."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._cache: dict[str, AccessKey] = {}

    def put(self, access_key_id: str, secret_access_key: str, account: str) -> None:
        """Add a key, or replace the one of that id."""
        with self._database.begin() as connection:
            connection.execute(ACCESS_KEYS.delete().where(ACCESS_KEYS.c.id == access_key_id))
            connection.execute(
                ACCESS_KEYS.insert().values(id=access_key_id, secret=secret_access_key, account=account)
            )
        self._cache.pop(access_key_id, None)

    def get(self, access_key_id: str) -> AccessKey | None:
        """The key of that id; None if there is none."""
        found = self._cache.get(access_key_id)
        if found is None:
            keys = self._select(ACCESS_KEYS.c.id == access_key_id)
            if not keys:
                return None
            found = self._cache[access_key_id] = keys[0]
        return found

    def of_account(self, account: str) -> AccessKey | None:
        """A key of that account; None if it has none."""
        return next(iter(self._select(ACCESS_KEYS.c.account == account)), None)

    def all(self) -> list[AccessKey]:
        """Every key."""
        return self._select(sa.true())

    def forget(self) -> None:
        """Drop the cache."""
        self._cache.clear()

    def _select(self, condition: sa.ColumnElement[bool]) -> list[AccessKey]:
        with self._database.read() as connection:
            rows = connection.execute(sa.select(ACCESS_KEYS).where(condition)).all()
        return [AccessKey(row.id, row.secret, row.account) for row in rows]
