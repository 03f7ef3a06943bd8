"""Records of alarms, on SQLite and on PostgreSQL: no change without its history and its actions, and none twice."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from epochwatch.model.alarm.state import State
from epochwatch.model.tenant import Tenant
from epochwatch.store.state import StateStore
from epochwatch.store.state.alarm_history import CONFIGURATION, STATE, Event
from epochwatch.store.state.alarms import COMPOSITE, METRIC, Alarm, Change

TOPIC = "arn:aws:sns:us-east-1:123456789012:pager"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def state(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StateStore]:
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    else:
        url = f"sqlite:///{tmp_path_factory.mktemp('alarms') / 'state.db'}"
    opened = StateStore.open(url)
    yield opened
    opened.close()


def made(tenant: Tenant, name: str, **more: object) -> Alarm:
    usual = Alarm(
        tenant=tenant, name=name, kind=METRIC, definition={"text": "é \"'"}, actions_enabled=True, tags={},
        state=State.OK, reason="", reason_data=None, progress={}, created=1.5, configured=1.5, updated=1.5,
        transitioned=1.5, every=60, slot=7,
    )  # fmt: skip
    return replace(usual, **more)  # type: ignore[arg-type]


def put(state: StateStore, alarm: Alarm) -> None:
    state.alarms.put(alarm.tenant, alarm.name, lambda _: (alarm, Event(1.0, CONFIGURATION, "put", "{}")))


def alarmed(alarm: Alarm, at: float = 2.0) -> Change:
    after = replace(alarm, state=State.ALARM, updated=at)
    return Change(alarm, after, [Event(at, STATE, "alarmed", "{}")], [(TOPIC, "{}")])


def summaries(state: StateStore, tenant: Tenant) -> list[str]:
    items = state.alarms.history.list(tenant, kinds=[METRIC, COMPOSITE], descending=False, limit=1000)
    return [item.event.summary for item in items]


def outbox(state: StateStore, tenant: Tenant, now: float = 1e10) -> list[str]:
    return [action.alarm for action in state.alarms.outbox.due(now, 1000) if action.tenant == tenant]


def test_an_alarm_is_kept_as_it_was_put(state: StateStore, tenant: Tenant):
    alarm = made(tenant, "a", tags={"team": "x"}, reason_data="{}", progress={"warm": True})
    put(state, alarm)
    assert state.alarms.get(tenant, "a") == alarm
    assert state.alarms.get(tenant, "b") is None
    assert state.alarms.get(Tenant(tenant.account, "eu-west-1"), "a") is None


def test_a_change_comes_with_its_history_and_its_actions(state: StateStore, tenant: Tenant):
    put(state, made(tenant, "a"))
    known = state.alarms.get(tenant, "a")
    assert known is not None
    assert len(state.alarms.apply([alarmed(known)])) == 1
    after = state.alarms.get(tenant, "a")
    assert after is not None
    assert after.state is State.ALARM
    assert summaries(state, tenant) == ["put", "alarmed"]
    assert outbox(state, tenant) == ["a"]


def test_a_transition_that_many_find_at_once_is_made_once(state: StateStore, tenant: Tenant):
    put(state, made(tenant, "a"))
    known = state.alarms.get(tenant, "a")
    assert known is not None
    with ThreadPoolExecutor(8) as pool:
        applied = list(pool.map(lambda _: len(state.alarms.apply([alarmed(known)])), range(24)))
    assert sum(applied) == 1
    assert summaries(state, tenant) == ["put", "alarmed"]
    assert outbox(state, tenant) == ["a"]


def test_a_verdict_on_an_alarm_that_was_put_anew_meanwhile_is_void(state: StateStore, tenant: Tenant):
    put(state, made(tenant, "a"))
    known = state.alarms.get(tenant, "a")
    assert known is not None
    put(state, made(tenant, "a", definition={"new": 1}))
    assert state.alarms.apply([alarmed(known)]) == []
    after = state.alarms.get(tenant, "a")
    assert after is not None
    assert (after.state, after.definition) == (State.OK, {"new": 1})


def test_one_alarm_put_by_many_at_once_is_one(state: StateStore, tenant: Tenant):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: put(state, made(tenant, "a", slot=number)), range(24)))
    assert len(state.alarms.list(tenant, kinds=[METRIC])) == 1
    assert len(summaries(state, tenant)) == 24


def test_alarms_are_due_at_their_second(state: StateStore, tenant: Tenant):
    for name, every, slot in (("minute", 60, 7), ("short", 10, 3), ("hour", 3600, 67)):
        put(state, made(tenant, name, every=every, slot=slot))

    def due(*moments: int) -> list[str]:
        return sorted(alarm.name for alarm in state.alarms.due(moments) if alarm.tenant == tenant)

    assert due(67) == ["hour", "minute"]
    assert due(127) == ["minute"]
    assert due(13) == ["short"]
    assert due(6) == []
    assert due(*range(60)) == ["minute", "short"]


def test_history_is_forgotten_by_its_age(state: StateStore, tenant: Tenant):
    put(state, made(tenant, "a"))
    known = state.alarms.get(tenant, "a")
    assert known is not None
    state.alarms.apply([alarmed(known, at=100.0)])
    state.alarms.history.expire(50.0)
    assert summaries(state, tenant) == ["alarmed"]


def test_an_action_stays_until_it_is_done(state: StateStore, tenant: Tenant):
    put(state, made(tenant, "a"))
    known = state.alarms.get(tenant, "a")
    assert known is not None
    state.alarms.apply([alarmed(known)])
    [action] = [one for one in state.alarms.outbox.due(3.0, 1000) if one.tenant == tenant]
    state.alarms.outbox.later(action, 60.0)
    assert outbox(state, tenant, 59.0) == []
    [action] = [one for one in state.alarms.outbox.due(60.0, 1000) if one.tenant == tenant]
    assert action.attempts == 1
    for _ in range(2):
        state.alarms.outbox.done(action, Event(61.0, "Action", "done", "{}"))
    assert outbox(state, tenant) == []
    assert summaries(state, tenant) == ["put", "alarmed", "done"]
