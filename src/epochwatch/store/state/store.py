"""The records of the state store, by kind."""

from contextlib import AbstractContextManager

from epochwatch.store.state.alarms import AlarmStore
from epochwatch.store.state.anomaly_detectors import AnomalyDetectorStore
from epochwatch.store.state.dashboards import DashboardStore
from epochwatch.store.state.database import Database
from epochwatch.store.state.job_rows import JobRows
from epochwatch.store.state.job_views import JobViewStore
from epochwatch.store.state.jobs import JobStore
from epochwatch.store.state.keys import KeyStore
from epochwatch.store.state.launches import LaunchStore
from epochwatch.store.state.log_groups import LogGroupStore
from epochwatch.store.state.metric_filters import MetricFilterStore
from epochwatch.store.state.query_definitions import QueryDefinitionStore
from epochwatch.store.state.resources import ResourceStore
from epochwatch.store.state.signing_key import SigningKeyStore
from epochwatch.store.state.tiers import TierStateStore
from epochwatch.store.state.topics import TopicStore
from epochwatch.store.state.trial_components import TrialComponentStore


class StateStore:
    """Keys, jobs with their launches and saved views, log groups, metric filters, experiments and tuning jobs, anomaly
    detectors, alarms, dashboards in one database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.keys = KeyStore(database)
        self.metric_filters = MetricFilterStore(database)
        self.log_groups = LogGroupStore(database, self.metric_filters)
        self.jobs = JobStore(database, self.log_groups)
        self.job_rows = JobRows(database)
        self.job_views = JobViewStore(database)
        self.launches = LaunchStore(database)
        self.query_definitions = QueryDefinitionStore(database)
        self.tiers = TierStateStore(database)
        self.resources = ResourceStore(database)
        self.trial_components = TrialComponentStore(self.resources)
        self.anomaly_detectors = AnomalyDetectorStore(database)
        self.alarms = AlarmStore(database)
        self.topics = TopicStore(database)
        self.signing_key = SigningKeyStore(database)
        self.dashboards = DashboardStore(database)

    @classmethod
    def open(cls, url: str) -> "StateStore":
        """As Database.open."""
        return cls(Database.open(url))

    def elected(self, duty: str) -> AbstractContextManager[bool]:
        """As Database.elected."""
        return self._database.elected(duty)

    def alone(self, what: str) -> AbstractContextManager[None]:
        """As Database.alone."""
        return self._database.alone(what)

    def clear(self) -> None:
        """Forget everything, keys included."""
        self._database.clear()
        self.keys.forget()
        self.log_groups.forget()
        self.metric_filters.forget()
        self.anomaly_detectors.models.clear()

    def close(self) -> None:
        """Close all connections."""
        self._database.close()
