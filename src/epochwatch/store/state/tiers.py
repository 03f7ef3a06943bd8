"""What must not be forgotten about tiers: the numbers of retention policies, and how far the tiers are rolled up."""

from collections.abc import Mapping

import sqlalchemy as sa

from epochwatch.model.retention import DEFAULT
from epochwatch.store.state.database import Database
from epochwatch.store.state.tables import RETENTION_POLICIES, TIER_PROGRESS


class TierStateStore:
    """Numbers by name. A policy's number stands in rows of datapoints, so it never changes its meaning."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def policy(self, lifetimes: str) -> int:
        """The number of these lifetimes (as text); 0 are the defaults."""
        if lifetimes == str(DEFAULT):
            return 0
        query = sa.select(RETENTION_POLICIES.c.number).where(RETENTION_POLICIES.c.lifetimes == lifetimes)
        with self._database.begin() as connection:
            number = connection.execute(query).scalar()
            if number is None:
                number = (
                    connection.execute(sa.select(sa.func.max(RETENTION_POLICIES.c.number))).scalar() or 0
                ) + 1
                connection.execute(RETENTION_POLICIES.insert().values(number=number, lifetimes=lifetimes))
            return int(number)

    def policies(self) -> dict[int, str]:
        """Every policy there ever was, the defaults included."""
        query = sa.select(RETENTION_POLICIES.c.number, RETENTION_POLICIES.c.lifetimes)
        with self._database.read() as connection:
            return {0: str(DEFAULT)} | {row.number: row.lifetimes for row in connection.execute(query)}

    def progress(self) -> dict[str, int]:
        """All numbers that `advance` has set."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(TIER_PROGRESS.c.name, TIER_PROGRESS.c.value))
            return {row.name: row.value for row in rows}

    def advance(self, numbers: Mapping[str, int]) -> None:
        """Set these numbers, all or none."""
        with self._database.begin() as connection:
            for name, value in numbers.items():
                changed = connection.execute(
                    TIER_PROGRESS.update().where(TIER_PROGRESS.c.name == name).values(value=value)
                )
                if not changed.rowcount:
                    connection.execute(TIER_PROGRESS.insert().values(name=name, value=value))
