"""Log events past their retention or deleted: gone for readers at once, from the engine soon, and never back."""

import itertools
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epochwatch.model.batch import Batch
from epochwatch.model.tenant import Tenant
from epochwatch.store.batches import commit_batch
from epochwatch.store.log_deletion import LogExpiry
from epochwatch.store.schema import DAY_MS
from epochwatch.store.stores import Stores
from tests.store.parts import log_events, registered

_ACCOUNTS = itertools.count(240_000_000_001)
HOUR_MS = 3_600_000


def expire(stores: Stores, now: float) -> None:
    """A round of its own: that of the stores takes place once an hour."""
    LogExpiry(stores.engine, stores.state.log_groups).run(now)


def put(stores: Stores, tenant: Tenant, *ages: int, group: str = "g", stream: str = "s") -> None:
    """Events so many ms old."""
    now = int(time.time() * 1000)
    stores.logs.put_events(tenant, group, stream, [(now - age, f"{age}") for age in ages], now)


def kept(stores: Stores, tenant: Tenant, group: str = "g", stream: str = "s") -> list[int]:
    """The ages of the events that can be read."""
    return [int(event.message) for event in stores.logs.events(tenant, group, stream)]


def stored(stores: Stores, tenant: Tenant, group: str = "g") -> int:
    """Events that the engine has and has not marked as deleted."""
    rows = stores.engine.query(
        "SELECT count() AS rows FROM log_events WHERE account = %(account)s AND log_group = %(group)s",
        {"account": tenant.account, "group": group},
    )
    return int(rows["rows"][0].as_py())


@pytest.fixture
def grouped(stores: Stores, tenant: Tenant) -> Tenant:
    """A tenant with two groups."""
    for group in ("g", "h"):
        stores.state.log_groups.create_group(tenant, group, 0)
    return tenant


def test_what_is_past_its_retention_is_not_read_whoever_asks(stores: Stores, grouped: Tenant) -> None:
    tenant, logs = grouped, stores.logs
    for group in ("g", "h"):
        put(stores, tenant, 3 * DAY_MS, DAY_MS + HOUR_MS, DAY_MS - HOUR_MS, 0, group=group)
    whole = logs.group_sizes(tenant, ["g", "h"])
    assert stores.state.log_groups.set_retention(tenant, "g", 1)
    assert kept(stores, tenant) == [DAY_MS - HOUR_MS, 0]
    assert [int(event.message) for event in logs.scan(tenant, "g", start=0)] == [DAY_MS - HOUR_MS, 0]
    assert [int(event.message) for event in logs.scan(tenant, "g", newest=True)] == [0, DAY_MS - HOUR_MS]
    now = int(time.time() * 1000)
    assert logs.stream_bounds(tenant, "g")["s"].first > now - DAY_MS
    assert logs.group_sizes(tenant, ["g", "h"])["g"] == len(f"{DAY_MS - HOUR_MS}") + 1 + 2 * 26
    assert logs.group_sizes(tenant, ["g", "h"])["h"] == whole["h"]
    assert len(kept(stores, tenant, "h")) == 4
    since = logs.kept_since(tenant, "g")
    assert since is not None
    assert abs(since - (now - DAY_MS)) < HOUR_MS
    assert logs.kept_since(tenant, "h") is None


def test_a_longer_retention_brings_back_what_is_not_deleted_yet(stores: Stores, grouped: Tenant) -> None:
    put(stores, grouped, 5 * DAY_MS, 0)
    stores.state.log_groups.set_retention(grouped, "g", 3)
    assert kept(stores, grouped) == [0]
    stores.state.log_groups.set_retention(grouped, "g", 7)
    assert kept(stores, grouped) == [5 * DAY_MS, 0]
    stores.state.log_groups.set_retention(grouped, "g", 1)
    expire(stores, time.time())
    stores.state.log_groups.set_retention(grouped, "g", None)
    assert kept(stores, grouped) == [0]


def test_maintenance_deletes_whole_days_of_the_groups_they_are_past_in(stores: Stores, grouped: Tenant) -> None:
    for group in ("g", "h"):
        put(stores, grouped, 40 * DAY_MS, 9 * DAY_MS, 3 * DAY_MS, 0, group=group)
    stores.state.log_groups.set_retention(grouped, "g", 5)
    stores.state.log_groups.set_retention(grouped, "h", 30)
    stores.log_expiry.run(time.time() + 7200)
    assert (stored(stores, grouped, "g"), stored(stores, grouped, "h")) == (2, 3)
    expire(stores, time.time())
    assert (stored(stores, grouped, "g"), stored(stores, grouped, "h")) == (2, 3)
    expire(stores, time.time() + 30 * 86_400)
    assert (stored(stores, grouped, "g"), stored(stores, grouped, "h")) == (0, 1)


def test_deleted_events_leave_no_bytes_behind(stores: Stores, grouped: Tenant) -> None:
    put(stores, grouped, 40 * DAY_MS, 0)
    stores.logs.delete(grouped, "g")
    put(stores, grouped, 41 * DAY_MS, group="h")
    expire(stores, time.time())
    parts = stores.engine.query(
        "SELECT count() AS parts FROM system.parts WHERE active AND table = 'log_events' "
        "AND database = currentDatabase() AND has_lightweight_delete"
    )
    assert parts["parts"][0].as_py() == 0
    assert stored(stores, grouped, "h") == 1


@settings(max_examples=15, deadline=None)
@given(
    ages=st.lists(st.integers(0, 12), min_size=1, max_size=12),
    days=st.sampled_from([1, 3, 5, 7]),
    later=st.integers(0, 8),
)
def test_a_round_deletes_nothing_that_could_be_read(
    stores: Stores, ages: list[int], days: int, later: int
) -> None:
    tenant = Tenant(str(next(_ACCOUNTS)))
    stores.state.log_groups.create_group(tenant, "g", 0)
    put(stores, tenant, *(age * DAY_MS + HOUR_MS for age in ages))
    now = time.time() + later * 86_400
    stores.state.log_groups.set_retention(tenant, "g", days)
    expire(stores, now)
    stores.state.log_groups.set_retention(tenant, "g", None)
    left = sorted(kept(stores, tenant))
    within = sorted(age * DAY_MS + HOUR_MS for age in ages if age + later < days)
    past = [age * DAY_MS + HOUR_MS for age in ages if age + later > days + 1]
    assert [age for age in left if age in within] == within
    assert not set(left) & set(past)


def test_a_stream_or_a_group_is_emptied_and_nothing_else(stores: Stores, grouped: Tenant) -> None:
    other = Tenant(grouped.account, "eu-west-1")
    for tenant, group, stream in (
        (grouped, "g", "s"),
        (grouped, "g", "t"),
        (grouped, "h", "s"),
        (other, "g", "s"),
    ):
        put(stores, tenant, 3 * DAY_MS, 0, group=group, stream=stream)
    stores.logs.delete(grouped, "g", "s")
    assert kept(stores, grouped) == []
    assert len(kept(stores, grouped, "g", "t")) == 2
    put(stores, grouped, 0)
    stores.logs.delete(grouped, "g")
    assert kept(stores, grouped) == kept(stores, grouped, "g", "t") == []
    assert len(kept(stores, grouped, "h")) == len(kept(stores, other)) == 2
    assert stores.logs.group_sizes(grouped, ["g"]) == {}
    put(stores, grouped, 0)
    assert kept(stores, grouped) == [0]


def test_deleted_lines_of_a_run_do_not_come_back_when_they_are_sent_again(stores: Stores, tenant: Tenant) -> None:
    """Also not after a start, when what is stored is read back from the tables."""
    run = registered(stores, tenant)

    def send(positions: range) -> list[str]:
        batch = Batch(run.run_id, log_events=[log_events(run, positions)], resend=True)
        commit_batch(stores, tenant, run, batch, time.time())
        found = stores.logs.events(tenant, run.log_group, run.log_stream)
        return [event.message for event in found]

    assert len(send(range(1, 200))) == 199  # of three days
    stores.logs.delete(tenant, run.log_group, run.log_stream)
    stores.sources.clear()
    assert send(range(1, 202)) == ["line 200", "line 201"]
    stores.logs.delete(tenant, run.log_group)
    stores.sources.clear()
    assert send(range(1, 203)) == ["line 202"]


def test_lines_that_outlived_their_retention_do_not_come_back_either(stores: Stores, tenant: Tenant) -> None:
    run = registered(stores, tenant)
    batch = Batch(run.run_id, log_events=[log_events(run, range(1, 4))], resend=True)
    commit_batch(stores, tenant, run, batch, time.time())
    stores.state.log_groups.set_retention(tenant, run.log_group, 1)
    expire(stores, time.time() + 30 * 86_400)
    assert stored(stores, tenant, run.log_group) == 0
    stores.sources.clear()
    commit_batch(stores, tenant, run, batch, time.time())
    assert stored(stores, tenant, run.log_group) == 0


def test_a_run_whose_stream_was_deleted_goes_on_in_one_of_that_name(stores: Stores, tenant: Tenant) -> None:
    run = registered(stores, tenant)
    for positions in (range(1, 3), range(3, 5)):
        batch = Batch(run.run_id, log_events=[log_events(run, positions)])
        commit_batch(stores, tenant, run, batch, time.time())
        assert stores.state.log_groups.stream(tenant, run.log_group, run.log_stream) is not None
        stores.logs.delete(tenant, run.log_group)
        stores.state.log_groups.delete_group(tenant, run.log_group)
        assert stores.state.log_groups.stream(tenant, run.log_group, run.log_stream) is None
