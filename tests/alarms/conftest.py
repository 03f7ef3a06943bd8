"""A tenant whose alarms are evaluated round by round, at moments that the test sets."""

import itertools
import json
import uuid
from collections.abc import Mapping
from typing import Any

import pytest

from epochwatch.alarms.rounds import Rounds
from epochwatch.model.metric import DatapointColumns, MetricId
from epochwatch.model.tenant import Tenant
from epochwatch.services.call import Call, Operation
from epochwatch.services.cloudwatch.alarm_descriptions import describe_alarms
from epochwatch.services.cloudwatch.alarm_history import describe_alarm_history
from epochwatch.services.cloudwatch.alarms import put_composite_alarm, put_metric_alarm, set_alarm_state
from epochwatch.store.stores import Stores

_ACCOUNTS = itertools.count(300_000_000_001)
NOON = 1_772_100_000
"""A full ten minutes."""
KINDS = ["MetricAlarm", "CompositeAlarm"]


class Lab:
    """One tenant's alarms and datapoints. ``now`` is Unix seconds."""

    def __init__(self, stores: Stores) -> None:
        self.stores = stores
        self.tenant = Tenant(str(next(_ACCOUNTS)))
        self.now = float(NOON)
        self.rounds = Rounds(stores)

    def __call__(self, operation: Operation, **request: Any) -> dict[str, Any]:
        return operation(Call(self.tenant, self.stores, str(uuid.uuid4()), self.now), request) or {}

    def alarm(self, name: str = "hot", **more: Any) -> None:
        """An alarm that goes off when a minute's average of ``temperature`` is over 21, with other settings."""
        usual = {
            "Namespace": "lab",
            "MetricName": "temperature",
            "Statistic": "Average",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 21.0,
            "ComparisonOperator": "GreaterThanThreshold",
        }
        left_out = [key for key, value in more.items() if value is None]
        request = {key: value for key, value in (usual | more).items() if key not in left_out}
        self(put_metric_alarm, AlarmName=name, **request)

    def composite(self, name: str, rule: str, **more: Any) -> None:
        self(put_composite_alarm, AlarmName=name, AlarmRule=rule, **more)

    def set(self, name: str, state: str) -> None:
        self(set_alarm_state, AlarmName=name, StateValue=state, StateReason="by hand")

    def put(self, points: Mapping[float, float], metric: str = "temperature", unit: str = "None") -> None:
        """Values by when they were measured, in seconds before NOON where negative, after it else."""
        columns = DatapointColumns()
        for after_noon, value in points.items():
            columns.add_value(MetricId("lab", metric, ()), int(NOON + after_noon), value, unit=unit, resolution=1)
        self.stores.metrics.put(self.tenant, columns)

    def run(self, after_noon: float) -> None:
        """A round at that many seconds after NOON. Everything that is due within a minute has its turn."""
        self.now = NOON + after_noon
        self.rounds.run(self.now)

    def described(self, name: str = "hot") -> dict[str, Any]:
        answer = self(describe_alarms, AlarmNames=[name], AlarmTypes=KINDS)
        [alarm] = answer["MetricAlarms"] + answer["CompositeAlarms"]
        return dict(alarm)

    def state(self, name: str = "hot") -> str:
        return str(self.described(name)["StateValue"])

    def transitions(self, name: str = "hot") -> list[str]:
        """What state the alarm went to, one after another."""
        items = self(
            describe_alarm_history, AlarmName=name, AlarmTypes=KINDS, HistoryItemType="StateUpdate",
            ScanBy="TimestampAscending",
        )["AlarmHistoryItems"]  # fmt: skip
        return [json.loads(item["HistoryData"])["newState"]["stateValue"] for item in items]

    def actions(self) -> list[tuple[str, str]]:
        """The ARN and the new state of every action called for."""
        outbox = self.stores.state.alarms.outbox.due(self.now, 100_000)
        return [(one.arn, json.loads(one.message)["NewStateValue"]) for one in outbox if one.tenant == self.tenant]


@pytest.fixture
def lab(stores: Stores) -> Lab:
    return Lab(stores)
