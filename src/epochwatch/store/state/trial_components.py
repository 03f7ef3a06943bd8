"""Trial components: what SageMaker Metrics writes values to by name."""

import sqlalchemy as sa

from epochwatch.model.tenant import Tenant
from epochwatch.store.state.database import Database, owned, owner
from epochwatch.store.state.tables import TRIAL_COMPONENTS


class TrialComponentStore:
    """Which trial components there are."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ensure(self, tenant: Tenant, name: str, now: float) -> None:
        """The component exists afterwards."""
        if not self.exists(tenant, name):
            try:
                with self._database.begin() as connection:
                    connection.execute(TRIAL_COMPONENTS.insert().values(**owner(tenant), name=name, created=now))
            except sa.exc.IntegrityError:
                return  # made by another request meanwhile

    def exists(self, tenant: Tenant, name: str) -> bool:
        """Whether there is one of that name."""
        query = sa.select(sa.literal(1)).where(owned(TRIAL_COMPONENTS, tenant), TRIAL_COMPONENTS.c.name == name)
        with self._database.begin() as connection:
            return connection.execute(query).first() is not None
