"""Trial components: what SageMaker Metrics writes values to by name."""

from epochwatch.model.tenant import Tenant
from epochwatch.store.state.resources import TRIAL_COMPONENT, ResourceStore


class TrialComponentStore:
    """Which trial components there are."""

    def __init__(self, resources: ResourceStore) -> None:
        self._resources = resources

    def ensure(self, tenant: Tenant, name: str, now: float) -> None:
        """The component exists afterwards."""
        if not self.exists(tenant, name):
            self._resources.create(tenant, TRIAL_COMPONENT, name, {}, now)

    def exists(self, tenant: Tenant, name: str) -> bool:
        """Whether there is one of that name."""
        return self._resources.get(tenant, TRIAL_COMPONENT, name) is not None
