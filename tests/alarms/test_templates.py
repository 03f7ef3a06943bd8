"""Alarms that jobs get by settings, and that go with them."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import pytest

from epochwatch.alarms.rounds import Rounds
from epochwatch.alarms.templates import TemplateAlarms
from epochwatch.model.alarm.templates import parse
from epochwatch.model.batch import NO_STEP, Batch, InstanceSamples, Progress, Registration, RunPoints
from epochwatch.services.cloudwatch.alarm_descriptions import describe_alarms
from epochwatch.services.cloudwatch.alarms import delete_alarms
from epochwatch.store.batches import commit_batch
from epochwatch.store.state import StateStore
from epochwatch.store.stores import Stores
from tests.alarms.conftest import NOON, Lab

TOPIC = "arn:aws:sns:us-east-1:123456789012:pager"


class Training:
    """A job of the lab's tenant, begun at NOON, and the templates of its server."""

    def __init__(self, lab: Lab, templates: str, name: str = "resnet") -> None:
        self.lab = lab
        self.run_id = f"{lab.tenant.account}{name}"
        self.run = lab.stores.state.jobs.register(lab.tenant, Registration(self.run_id, name, NOON), NOON)
        self.templates = TemplateAlarms(lab.stores, parse(templates), [TOPIC, "stop-job"])
        self._sent = 0

    def log(self, after_noon: float, values: Mapping[str, float], **samples: float) -> None:
        """Values of the training, and of its host, at a time."""
        self._sent += len(values) + len(samples)
        points = RunPoints(
            source=f"{self.run_id}/output.log",
            names=list(values),
            steps=np.full(len(values), NO_STEP).tobytes(),
            epochs=np.full(len(values), np.nan).tobytes(),
            **self._columns(after_noon, values),
        )
        sampled = InstanceSamples(
            source=f"{self.run_id}/samples", names=list(samples), **self._columns(after_noon, samples)
        )
        batch = Batch(self.run_id, run_points=[points], samples=[sampled])
        commit_batch(self.lab.stores, self.lab.tenant, self.run, batch, NOON + after_noon)

    def _columns(self, after_noon: float, values: Mapping[str, float]) -> dict[str, bytes]:
        return {
            "positions": (self._sent + np.arange(len(values), dtype=np.uint64)).tobytes(),
            "metrics": np.arange(len(values), dtype=np.uint32).tobytes(),
            "timestamps": np.full(len(values), int((NOON + after_noon) * 1e6)).tobytes(),
            "values": np.array(list(values.values()), np.float64).tobytes(),
        }

    def go_on(self, after_noon: float) -> None:
        """What the server does then."""
        self.templates.run(NOON + after_noon)
        self.lab.run(after_noon)

    def end(self, after_noon: float, status: str = "Completed") -> None:
        progress = Progress(self.run_id, status, NOON + after_noon)
        self.lab.stores.state.jobs.progress(self.lab.tenant, progress, NOON + after_noon)

    def alarms(self) -> list[str]:
        found = self.lab(describe_alarms, AlarmNamePrefix="resnet/")["MetricAlarms"]
        return [alarm["AlarmName"].removeprefix("resnet/") for alarm in found]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StateStore]:
    """Records of this module's own: templates concern the jobs of all tenants."""
    opened = StateStore.open(f"sqlite:///{tmp_path_factory.mktemp('templates') / 'state.db'}")
    yield opened
    opened.close()


@pytest.fixture
def lab(stores: Stores, state: StateStore) -> Lab:
    return Lab(replace(stores, state=state))


def test_a_job_gets_each_alarm_with_the_metric_that_it_is_about(lab: Lab):
    training = Training(lab, "all")
    training.go_on(1)
    assert training.alarms() == []
    training.log(2, {"train_loss": 1.0, "val_loss": 2.0})
    training.go_on(7)
    assert training.alarms() == ["loss-nan", "loss-rising", "no-data"]
    nan = lab.described("resnet/loss-nan")
    assert {one["Name"]: one["Value"] for one in nan["Dimensions"]} == {
        "MetricName": "train_loss", "TrainingJobName": "resnet",
    }  # fmt: skip
    assert nan["AlarmActions"] == [TOPIC, lab.tenant.arn("epochwatch", "stop-training-job/resnet")]
    training.log(8, {"samples/s": 50.0}, CPUUtilization=50.0, DiskUtilization=10.0, GPUUtilization=90.0)
    training.go_on(13)
    assert training.alarms() == [
        "disk-full on algo-1", "gpu-idle on algo-1", "host-lost on algo-1", "loss-nan", "loss-rising", "no-data",
        "throughput-drop",
    ]  # fmt: skip


def test_a_job_without_a_loss_is_watched_by_any_metric_once_it_has_settled(lab: Lab):
    training = Training(lab, "no-data")
    training.log(2, {"reward": 1.0})
    training.go_on(7)
    assert training.alarms() == []
    training.go_on(121)
    assert training.alarms() == ["no-data"]


def test_a_value_that_is_not_finite_sets_it_off(lab: Lab):
    training = Training(lab, "loss-nan")
    training.log(2, {"loss": 1.0})
    training.go_on(7)
    training.go_on(67)
    assert lab.state("resnet/loss-nan") == "OK"
    training.log(68, {"loss": math.inf})
    training.go_on(127)
    assert lab.state("resnet/loss-nan") == "ALARM"


def test_a_loss_that_was_never_finite_sets_it_off(lab: Lab):
    training = Training(lab, "all")
    training.log(2, {"loss": math.nan})
    training.go_on(7)
    assert "loss-nan" in training.alarms()
    training.go_on(67)
    assert lab.state("resnet/loss-nan") == "ALARM"


def test_a_throughput_that_drops_by_a_third_sets_it_off(lab: Lab):
    training = Training(lab, "throughput-drop: throughput falling by 33% every 1m")
    for minute in range(6):
        training.log(60 * minute + 1, {"it/s": 30.0 if minute < 5 else 20.0})
        training.go_on(60 * minute + 7)
    assert lab.state("resnet/throughput-drop") == "OK"
    training.go_on(367)
    assert lab.state("resnet/throughput-drop") == "ALARM"


def test_a_job_that_falls_silent_is_told_and_one_that_has_ended_is_not(lab: Lab):
    silent, ended = Training(lab, "no-data"), Training(lab, "", "ended")
    for one in (silent, ended):
        one.log(2, {"loss": 1.0})
    for minute in range(10):
        silent.go_on(60 * minute + 10)
    ended.end(560)
    for minute in range(10, 13):
        silent.go_on(60 * minute + 10)
    assert lab.transitions("resnet/no-data") == ["OK", "ALARM"]
    assert lab.transitions("ended/no-data") == []
    assert lab(describe_alarms, AlarmNamePrefix="ended/")["MetricAlarms"] == []


def test_a_server_that_starts_after_the_end_does_not_fire_either(lab: Lab):
    training = Training(lab, "no-data")
    training.log(2, {"loss": 1.0})
    training.go_on(7)
    training.end(60, "Failed")
    lab.rounds = Rounds(lab.stores)
    lab.run(7200)
    assert training.alarms() == []


def test_an_alarm_that_was_deleted_does_not_come_back(lab: Lab):
    training = Training(lab, "loss-nan")
    training.log(2, {"loss": 1.0})
    training.go_on(7)
    lab(delete_alarms, AlarmNames=["resnet/loss-nan"])
    training.go_on(13)
    training.templates = TemplateAlarms(lab.stores, parse("loss-nan"), [])
    training.go_on(20)
    assert training.alarms() == []


def test_what_a_composite_alarm_needs_stays_as_it_is(lab: Lab):
    training = Training(lab, "no-data")
    training.log(2, {"loss": 1.0})
    training.go_on(7)
    lab.composite("any", "ALARM(resnet/no-data)")
    training.end(70)
    lab.run(7200)
    assert (lab.state("resnet/no-data"), lab.state("any")) == ("INSUFFICIENT_DATA", "OK")
