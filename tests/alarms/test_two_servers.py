"""Of two servers on one PostgreSQL that evaluate at the same moments, each transition is recorded, and told, once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from epochwatch.alarms.actions import ActionPerformer
from epochwatch.alarms.rounds import Rounds
from epochwatch.services.sns import OPERATIONS as SNS
from epochwatch.store.state import StateStore
from epochwatch.store.stores import Stores
from tests.alarms.conftest import NOON, Lab
from tests.store.conftest import postgres_url

__all__ = ["postgres_url"]

ALARMS = [f"a{number}" for number in range(5)]
MINUTES = 12


@pytest.fixture
def servers(stores: Stores, postgres_url: str) -> Iterator[list[Stores]]:
    """Two on one database, and on one engine."""
    both = [replace(stores, state=StateStore.open(postgres_url)) for _ in range(2)]
    yield both
    for one in both:
        one.state.close()


def test_no_transition_is_recorded_or_told_twice_and_none_is_skipped(servers: list[Stores]):
    lab = Lab(servers[0])
    topic = lab(SNS["CreateTopic"], Name="pager")["TopicArn"]
    for name in ALARMS:
        lab.alarm(name, AlarmActions=[topic], OKActions=[topic])
    lab.put({60 * minute + 5: 30.0 if minute % 2 else 10.0 for minute in range(MINUTES)})
    rounds = [Rounds(one) for one in servers]
    performers = [ActionPerformer(one, Path("/nowhere"), Path("/"), lambda: lab.now) for one in servers]
    with ThreadPoolExecutor(2) as pool:
        for minute in range(1, MINUTES + 1):
            lab.now = NOON + 60 * minute + 10
            if minute == MINUTES // 2:  # one has ended, and starts again
                rounds[0] = Rounds(servers[0])
            list(pool.map(lambda one: one.run(lab.now), rounds))
            tasks = [performer.due(lab.now, [], 100) for performer in performers]
            assert len(tasks[0]) == len(tasks[1]) == len(ALARMS)
            list(pool.map(lambda own: [task.run() for task in own], tasks))
    expected = ["ALARM" if minute % 2 else "OK" for minute in range(MINUTES)]
    for name in ALARMS:
        assert lab.transitions(name) == expected
    told = lab.stores.state.alarms.history.list(lab.tenant, kinds=["MetricAlarm"], type="Action", limit=1000)
    assert [item.event.summary for item in told] == [f"Successfully executed action {topic}"] * len(told)
    assert len(told) == MINUTES * len(ALARMS)
