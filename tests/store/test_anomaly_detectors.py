"""Records of anomaly detectors, on SQLite and on PostgreSQL, and the models kept in memory."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from epochwatch.model.anomaly import AnomalyModel, train
from epochwatch.model.tenant import Tenant
from epochwatch.store.state import StateStore
from epochwatch.store.state.anomaly_detectors import KEPT_MODELS, AnomalyDetector, AnomalyModels

RECORD = {"Configuration": {"ExcludedTimeRanges": [{"StartTime": 1.5, "EndTime": 2.0}]}, "text": "é \"'"}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def state(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StateStore]:
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    else:
        url = f"sqlite:///{tmp_path_factory.mktemp('detectors') / 'state.db'}"
    opened = StateStore.open(url)
    yield opened
    opened.close()


def test_detectors_are_kept_in_the_order_of_their_making(state: StateStore, tenant: Tenant):
    detectors = state.anomaly_detectors
    detectors.put(tenant, "b", RECORD, 1.0)
    detectors.put(tenant, "a", {}, 2.0)
    assert detectors.all(tenant) == [AnomalyDetector("b", 1.0, RECORD), AnomalyDetector("a", 2.0, {})]
    assert detectors.get(tenant, "b") == AnomalyDetector("b", 1.0, RECORD)
    assert detectors.get(tenant, "c") is None
    assert detectors.all(Tenant(tenant.account, "eu-west-1")) == []


def test_a_detector_put_again_has_the_new_record_and_its_old_place(state: StateStore, tenant: Tenant):
    detectors = state.anomaly_detectors
    detectors.put(tenant, "a", {}, 1.0)
    detectors.put(tenant, "b", {}, 2.0)
    detectors.put(tenant, "a", RECORD, 3.0)
    assert detectors.all(tenant) == [AnomalyDetector("a", 1.0, RECORD), AnomalyDetector("b", 2.0, {})]


def test_a_detector_is_deleted_once(state: StateStore, tenant: Tenant):
    state.anomaly_detectors.put(tenant, "a", RECORD, 1.0)
    assert not state.anomaly_detectors.delete(Tenant(tenant.account, "eu-west-1"), "a")
    assert state.anomaly_detectors.delete(tenant, "a")
    assert not state.anomaly_detectors.delete(tenant, "a")
    assert state.anomaly_detectors.all(tenant) == []


def test_one_detector_put_by_many_at_once_is_one(state: StateStore, tenant: Tenant):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: state.anomaly_detectors.put(tenant, "a", {"n": n}, 1.0), range(24)))
    [detector] = state.anomaly_detectors.all(tenant)
    assert detector.record["n"] in range(24)


class Trainer:
    """Counts how often a model is trained, of a history ``days`` long."""

    def __init__(self, days: float) -> None:
        self.times = 0
        self._days = days

    def __call__(self) -> AnomalyModel | None:
        self.times += 1
        stamps = np.linspace(0, self._days * 86_400, 200).astype(np.int64)
        return train(stamps, np.sin(stamps), 60) if self._days else None


@pytest.mark.parametrize(("days", "seconds"), [(14, 3600), (0.5, 2160), (0.001, 60), (0, 60)])
def test_a_model_is_trained_anew_when_it_is_old_for_its_history(days, seconds):
    models, trainer = AnomalyModels(), Trainer(days)
    first = models.get("key", 1000.0, trainer)
    assert (first is None) == (not days)
    assert models.get("key", 1000.0 + seconds - 1, trainer) is first
    assert trainer.times == 1
    models.get("key", 1000.0 + seconds + 60, trainer)
    assert trainer.times == 2
    models.get("other", 1000.0, trainer)
    models.clear()
    models.get("key", 1000.0 + seconds + 60, trainer)
    assert trainer.times == 4


def test_only_so_many_models_are_kept():
    models, trainer = AnomalyModels(), Trainer(0)
    for number in range(KEPT_MODELS + 1):
        models.get(number, 0.0, trainer)
    models.get(KEPT_MODELS, 0.0, trainer)
    assert trainer.times == KEPT_MODELS + 1
    models.get(0, 0.0, trainer)
    assert trainer.times == KEPT_MODELS + 2
