"""Anomaly detectors: which metrics are watched, and how their models are to be trained."""

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from epochwatch.model.anomaly import AnomalyModel
from epochwatch.model.tenant import Tenant
from epochwatch.store.state.database import Database, owned, owner
from epochwatch.store.state.tables import ANOMALY_DETECTORS

KEPT_MODELS: Final = 1000
OLDEST_SECONDS: Final = 3600
"""Age at which a model is trained anew, if it learnt from a long history; from a short one sooner."""
YOUNGEST_SECONDS: Final = 60
"""Age until which no model is trained anew."""
SHARE_OF_HISTORY: Final = 0.05


@dataclass(frozen=True, slots=True)
class AnomalyDetector:
    """A detector's record. ``record`` is what it was put with, as JSON can hold it."""

    id: str
    created: float
    """Unix seconds."""
    record: Mapping[str, Any]


class AnomalyModels:
    """Models in memory, trained when they are asked for. Safe to use from any number of threads."""

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, tuple[float, AnomalyModel | None]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, now: float, train: Callable[[], AnomalyModel | None]) -> AnomalyModel | None:
        """The model known as ``key``, from ``train`` if there is none or it is too old at ``now`` (Unix seconds).
        None is an answer too, for a metric with too little history.
        """
        with self._lock:
            found = self._known.get(key)
        if found is not None and found[0] <= now < found[0] + _lifetime(found[1]):
            return found[1]
        model = train()
        with self._lock:
            self._known[key] = now, model
            self._known.move_to_end(key)
            while len(self._known) > KEPT_MODELS:
                self._known.popitem(last=False)
        return model

    def clear(self) -> None:
        """Forget all models."""
        with self._lock:
            self._known.clear()


def _lifetime(model: AnomalyModel | None) -> float:
    span = 0 if model is None else model.end - model.start
    return min(max(YOUNGEST_SECONDS, SHARE_OF_HISTORY * span), OLDEST_SECONDS)


class AnomalyDetectorStore:
    """Detectors of all tenants, and the models in use."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.models = AnomalyModels()

    def put(self, tenant: Tenant, detector_id: str, record: Mapping[str, Any], now: float) -> None:
        """Make the detector of that id, or give it a new record."""
        text = json.dumps(record)
        known = owned(ANOMALY_DETECTORS, tenant) & (ANOMALY_DETECTORS.c.id == detector_id)
        with self._database.begin() as connection:
            if connection.execute(ANOMALY_DETECTORS.update().where(known).values(record=text)).rowcount:
                return
        try:
            with self._database.begin() as connection:
                connection.execute(
                    ANOMALY_DETECTORS.insert().values(**owner(tenant), id=detector_id, created=now, record=text)
                )
        except sa.exc.IntegrityError:  # made by another request meanwhile
            with self._database.begin() as connection:
                connection.execute(ANOMALY_DETECTORS.update().where(known).values(record=text))

    def get(self, tenant: Tenant, detector_id: str) -> AnomalyDetector | None:
        """The detector of that id; None if there is none."""
        found = self._select(tenant, ANOMALY_DETECTORS.c.id == detector_id)
        return found[0] if found else None

    def all(self, tenant: Tenant) -> list[AnomalyDetector]:
        """Every detector, the oldest first."""
        return self._select(tenant, sa.true())

    def delete(self, tenant: Tenant, detector_id: str) -> bool:
        """Forget the detector. False if there is none of that id."""
        known = owned(ANOMALY_DETECTORS, tenant) & (ANOMALY_DETECTORS.c.id == detector_id)
        with self._database.begin() as connection:
            return bool(connection.execute(ANOMALY_DETECTORS.delete().where(known)).rowcount)

    def _select(self, tenant: Tenant, condition: sa.ColumnElement[bool]) -> list[AnomalyDetector]:
        query = sa.select(ANOMALY_DETECTORS).where(owned(ANOMALY_DETECTORS, tenant), condition)
        columns = ANOMALY_DETECTORS.c
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(columns.created, columns.id)).all()
        return [AnomalyDetector(row.id, row.created, json.loads(row.record)) for row in rows]
