"""The key that messages are signed with, made once for all servers on a database."""

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from epochwatch.store.state.database import Database
from epochwatch.store.state.tables import SIGNING_KEYS


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key and the certificate of its public one, both PEM."""

    private: str
    certificate: str


class SigningKeyStore:
    """The one key there is."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, make: Callable[[], SigningKey]) -> SigningKey:
        """The key; the first that asks makes it."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(SIGNING_KEYS)).first()
        if row is not None:
            return SigningKey(row.private, row.certificate)
        with self._database.alone("signing-key"), self._database.begin() as connection:
            row = connection.execute(sa.select(SIGNING_KEYS)).first()
            if row is not None:  # made by another server meanwhile
                return SigningKey(row.private, row.certificate)
            made = make()
            connection.execute(
                SIGNING_KEYS.insert().values(number=1, private=made.private, certificate=made.certificate)
            )
        return made
