"""What the stream tells of points, lines and samples, and of alarms: made once for all who watch."""

import asyncio
import json
import math
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from epochwatch.console import attention, deliveries
from epochwatch.console.attention import AlarmNews, Attention, Lately
from epochwatch.console.deliveries import Deliveries
from epochwatch.console.notifications import Notification
from epochwatch.errors import EpochwatchError
from epochwatch.model.tenant import Tenant
from epochwatch.store.live import LiveEvent, LiveLog, LivePoints, LiveSamples

TENANT = Tenant("123456789012", "us-east-1")


def told(made: Deliveries, events: list[LiveEvent]) -> list[tuple[str, Any]]:
    return [(name, json.loads(msgspec.json.encode(data))) for name, data in made.messages(events)]


def points(job: str, *values: float) -> LivePoints:
    return LivePoints(job, [("loss", "algo-1", step, None, 1.5, value) for step, value in enumerate(values)])


def test_each_kind_is_one_message_a_job() -> None:
    found = told(
        Deliveries(),
        [
            points("a", 1.0, math.nan),
            LiveSamples("a", [("algo-1", "CPUUtilization", 2.0, 50.0)]),
            points('b"', math.inf),
            points("a", -math.inf),
            LivePoints("a", []),
            LiveLog("c", []),
        ],
    )
    assert found == [
        (
            "points",
            {
                "job": "a",
                "points": [
                    ["loss", "algo-1", 0, None, 1.5, 1.0],
                    ["loss", "algo-1", 1, None, 1.5, "NaN"],
                    ["loss", "algo-1", 0, None, 1.5, "-Infinity"],
                ],
            },
        ),
        ("hosts", {"job": "a", "samples": [["algo-1", "CPUUtilization", 2.0, 50.0]]}),
        ("points", {"job": 'b"', "points": [["loss", "algo-1", 0, None, 1.5, "Infinity"]]}),
    ]


def test_an_event_is_put_into_json_once(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[LiveEvent] = []
    listed = deliveries._listed

    def noted(event: LiveEvent) -> list[Any]:
        encoded.append(event)
        return listed(event)

    monkeypatch.setattr(deliveries, "_listed", noted)
    made, first, second = Deliveries(), points("a", 1.0), points("a", 2.0)
    for events in ([first], [first, second], [second]):
        assert told(made, list(events)) == told(Deliveries(), list(events))
    assert len([event for event in encoded if event is first]) == 1 + 2
    assert len([event for event in encoded if event is second]) == 1 + 2


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "KEPT_BYTES", 100)
    made = Deliveries()
    for number in range(50):
        assert told(made, [points("a", number)])[0][1]["points"][0][5] == number
    assert sum(len(text) for _, text in made._kept.values()) <= 100


class _History:
    """Of alarms to which something happened once; afterwards the store closes."""

    def __init__(self) -> None:
        self.looks: list[Tenant] = []

    def newest_since(self, tenant: Tenant, start: float) -> int:
        self.looks.append(tenant)
        if len(self.looks) > 1:
            raise EpochwatchError("the store is closing")
        return 7


def test_alarms_are_looked_up_once_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    turn = Notification("alarm/1", "alarm", "bad", 1.0, "late", "ALARM", "late is in alarm", "why")
    history = _History()
    stores: Any = SimpleNamespace(state=SimpleNamespace(alarms=SimpleNamespace(history=history)))

    async def asked() -> None:
        news = AlarmNews(stores)
        assert await asyncio.gather(*(news.lately(TENANT) for _ in range(5))) == [Lately([turn], 7)] * 5
        assert history.looks == [TENANT]
        monkeypatch.setattr(attention, "LOOK_SECONDS", 0.0)
        assert await news.lately(TENANT) == Lately()  # the stores were closing: it is told the next time
        assert history.looks == [TENANT] * 2

    monkeypatch.setattr(attention, "alarm_notifications", lambda *_: [turn])
    asyncio.run(asked())


def test_a_console_hears_of_what_happened_to_alarms_once() -> None:
    console = Attention()
    assert [console.moved(newest) for newest in (0, 3, 3, 5, 0, 5, 6)] == [
        False,
        True,
        False,
        True,
        False,
        False,
        True,
    ]


def test_a_console_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("epochwatch.console.attention.time.time", lambda: 1000.0)
    turns = [
        Notification(f"alarm/{at}", "alarm", "bad", at, "late", "ALARM", "late is in alarm", "why")
        for at in (995.0, 990.0, 900.0)
    ]
    console = Attention()
    assert [one["id"] for one in console.news([], turns)] == ["alarm/990.0", "alarm/995.0"]
    assert console.news([], turns) == []
