"""Log events come back in order from any place, and their text is only ever text."""

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epochwatch.model.tenant import Tenant
from epochwatch.store import logs
from epochwatch.store.log_events import LogEvent
from epochwatch.store.schema import Deployment
from epochwatch.store.stores import Stores
from tests.store.parts import NOW

MS = NOW * 1000
DAY = 86_400_000
_ACCOUNTS = itertools.count(230_000_000_001)

TRICKY = [
    "it's",
    'say "so"',
    "`ticks`",
    "back\\slash\\",
    "\\'; DROP TABLE log_events; --",
    "100% of %s and %(account)s and %%",
    "{account:String}",
    "ünïcödé π 漢字 🙂",
    "a\tb\rc\nd",
    "nul\0inside",
    "\x1b[31mred\x1b[0m",
    "x" * 262_144,
    "",
]


def _put(stores: Stores, tenant: Tenant, *events: tuple[int, str], stream: str = "s", group: str = "g") -> None:
    stores.logs.put_events(tenant, group, stream, [(MS + ts, message) for ts, message in events], MS + 5)


def _texts(events: list[LogEvent]) -> list[str]:
    return [event.message for event in events]


def test_events_come_back_by_time_and_within_it_as_they_came(stores: Stores, tenant: Tenant) -> None:
    _put(stores, tenant, (2, "c"), (1, "a"), (1, "b"))
    _put(stores, tenant, (1, "later"), (DAY, "tomorrow"))
    events = stores.logs.events(tenant, "g", "s")
    assert _texts(events) == ["a", "b", "later", "c", "tomorrow"]
    assert [event.timestamp - MS for event in events] == [1, 1, 1, 2, DAY]
    assert {event.ingestion for event in events} == {MS + 5}
    assert {event.stream for event in events} == {"s"}


@pytest.mark.parametrize("text", TRICKY)
def test_text_is_data(stores: Stores, tenant: Tenant, text: str) -> None:
    name = text[:100] or "-"
    _put(stores, tenant, (0, text), (1, "other"), stream=name, group=name)
    assert _texts(stores.logs.events(tenant, name, name)) == [text, "other"]
    assert _texts(stores.logs.scan(tenant, name, [name], containing=[text, text[:3]])) in ([text], [text, "other"])
    assert _texts(stores.logs.scan(tenant, name, prefix=name[:2])) == [text, "other"]
    assert list(stores.logs.stream_bounds(tenant, name)) == [name]
    assert list(stores.logs.group_sizes(tenant, [name])) == [name]
    assert stores.logs.events(tenant, name + "x", name) == stores.logs.events(tenant, name, name + "x") == []


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [(0, 10, "abc"), (0, 9, "ab"), (1, None, "bc"), (None, 5, "a"), (5, 6, "b"), (5, 5, ""), (9, 2, "")],
)
def test_ranges_are_half_open(
    stores: Stores, tenant: Tenant, start: int | None, end: int | None, found: str
) -> None:
    _put(stores, tenant, (0, "a"), (5, "b"), (9, "c"))
    bounds = {"start": None if start is None else MS + start, "end": None if end is None else MS + end}
    assert "".join(_texts(stores.logs.events(tenant, "g", "s", **bounds))) == found
    assert "".join(_texts(stores.logs.scan(tenant, "g", **bounds))) == found


@settings(max_examples=25, deadline=None)
@given(
    times=st.lists(st.integers(0, 4) | st.integers(0, 3 * DAY), min_size=1, max_size=40),
    limit=st.integers(1, 13),
)
def test_pages_forward_and_backward_make_up_the_stream(stores: Stores, times: list[int], limit: int) -> None:
    tenant = Tenant(str(next(_ACCOUNTS)))
    _put(stores, tenant, *((ts, str(number)) for number, ts in enumerate(times)))
    whole = stores.logs.events(tenant, "g", "s")
    assert _texts(whole) == [str(number) for number, _ in sorted(enumerate(times), key=lambda pair: pair[1])]
    forward: list[LogEvent] = []
    while page := stores.logs.events(tenant, "g", "s", after=forward[-1].place if forward else None, limit=limit):
        assert len(page) <= limit
        forward += page
    assert forward == whole
    backward: list[LogEvent] = []
    while page := stores.logs.events(
        tenant, "g", "s", before=backward[0].place if backward else None, newest=True, limit=limit
    ):
        backward = page + backward
    assert backward == whole


@settings(max_examples=40, deadline=None)
@given(
    events=st.lists(
        st.tuples(st.integers(0, 3) | st.integers(0, 3 * DAY), st.sampled_from("abc")), min_size=1, max_size=30
    ),
    limit=st.integers(1, 9),
    newest=st.booleans(),
    span_events=st.sampled_from([1, 3, logs.SPAN_EVENTS]),
)
def test_pages_of_a_scan_over_streams_make_up_the_scan(
    stores: Stores, events: list[tuple[int, str]], limit: int, newest: bool, span_events: int
) -> None:
    tenant = Tenant(str(next(_ACCOUNTS)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logs, "SPAN_EVENTS", span_events)
        _check_scan(stores, tenant, events, limit, newest)


def _check_scan(stores: Stores, tenant: Tenant, events: list[tuple[int, str]], limit: int, newest: bool) -> None:
    for stream in sorted({stream for _, stream in events}):
        mine = [(ts, f"{stream}{number}") for number, (ts, at) in enumerate(events) if at == stream]
        _put(stores, tenant, *mine, stream=stream)
    whole = stores.logs.scan(tenant, "g", newest=newest)
    assert sorted(_texts(whole)) == sorted(f"{stream}{n}" for n, (_, stream) in enumerate(events))
    times = [event.timestamp for event in whole]
    assert times == sorted(times, reverse=newest)
    paged: list[LogEvent] = []
    after = None
    while page := stores.logs.scan(tenant, "g", after=after, newest=newest, limit=limit):
        paged += page
        after = (page[-1].timestamp, page[-1].seq, page[-1].stream)
    assert paged == whole


def test_a_scan_takes_the_streams_and_texts_it_is_told(stores: Stores, tenant: Tenant) -> None:
    for stream in ("web-1", "web-2", "db", "WEB"):
        _put(stores, tenant, (0, f"{stream} error one"), (1, f"{stream} fine two"), stream=stream)
    scan = stores.logs.scan
    assert {event.stream for event in scan(tenant, "g", prefix="web")} == {"web-1", "web-2"}
    assert {event.stream for event in scan(tenant, "g", ["db", "none"])} == {"db"}
    assert scan(tenant, "g", []) == []
    assert _texts(scan(tenant, "g", ["db"], containing=["error", "one"])) == ["db error one"]
    assert scan(tenant, "g", ["db"], containing=["error", "two"]) == []
    assert scan(tenant, "g", ["db"], containing=["ERROR"]) == []
    assert _texts(scan(tenant, "g", matching=["^d.*e+$"], containing=["db"])) == ["db error one"]
    assert scan(tenant, "g", matching=["two", "one"]) == []


def test_tables_of_an_earlier_version_get_what_they_lack(stores: Stores, tenant: Tenant) -> None:
    _put(stores, tenant, (0, "before"))
    stores.engine.settle()
    stores.engine.command("ALTER TABLE log_events DROP COLUMN size")
    for statement in Deployment().statements():
        stores.engine.command(statement)
    _put(stores, tenant, (1, "after π"))
    assert stores.logs.group_sizes(tenant, ["g"]) == {"g": 6 + 8 + 2 * 26}


def test_bounds_and_sizes_count_bytes_and_26_for_each(stores: Stores, tenant: Tenant) -> None:
    _put(stores, tenant, (5, "ab"), (3, "π"), stream="one")
    _put(stores, tenant, (9, ""), stream="two")
    bounds = stores.logs.stream_bounds(tenant, "g")
    assert set(bounds) == {"one", "two"}
    one = bounds["one"]
    assert (one.first, one.last, one.last_ingestion) == (MS + 3, MS + 5, MS + 5)
    assert list(stores.logs.stream_bounds(tenant, "g", ["two", "none"])) == ["two"]
    assert stores.logs.stream_bounds(tenant, "g", []) == {}
    assert stores.logs.group_sizes(tenant, ["g", "none"]) == {"g": 82}
    assert stores.logs.group_sizes(tenant, []) == {}


@pytest.mark.parametrize("ts", [-1, 2**32 * 1000])
def test_times_that_cannot_be_stored_are_refused(stores: Stores, tenant: Tenant, ts: int) -> None:
    with pytest.raises(ValueError, match="1970 to 2106"):
        stores.logs.put_events(tenant, "g", "s", [(MS, "fine"), (ts, "x")], MS)
    assert stores.logs.events(tenant, "g", "s") == []


@pytest.mark.parametrize("change", [lambda t: Tenant(t.account, "eu-west-1"), lambda t: Tenant("999999999999")])
def test_tenants_do_not_see_each_other(stores: Stores, tenant: Tenant, change: Callable[[Tenant], Tenant]) -> None:
    group, other = f"g-{tenant.account}", change(tenant)
    _put(stores, tenant, (0, "private"), group=group)
    assert stores.logs.events(other, group, "s") == stores.logs.scan(other, group) == []
    assert stores.logs.stream_bounds(other, group) == stores.logs.group_sizes(other, [group]) == {}
