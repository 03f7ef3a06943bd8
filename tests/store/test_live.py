"""The live feed: each watcher gets what it watches, in order, and a slow one loses the oldest only."""

import threading

import pyarrow as pa
import pytest

from epochwatch.model.batch import Batch
from epochwatch.model.tenant import Tenant
from epochwatch.store.batches import commit_batch
from epochwatch.store.live import (
    MAX_LIVE,
    QUEUE_EVENTS,
    TAILED_BYTES,
    LiveFeed,
    LiveJob,
    LiveLog,
    LivePoints,
    LiveSamples,
)
from epochwatch.store.stores import Stores
from tests.store.parts import NOW, log_events, registered, run_points, samples

MINE = Tenant("111111111111")


def _points(number: int, job: str = "job") -> LivePoints:
    return LivePoints(job, [("loss", "algo-1", number, None, float(NOW), 1.0)])


def test_a_watcher_gets_its_job_in_order(stores: Stores) -> None:
    feed = LiveFeed()
    with feed.subscribe(MINE, "job") as watch:
        for number in range(5):
            feed.publish(MINE, _points(number))
            feed.publish(MINE, _points(number, "other"))
            feed.publish(Tenant("222222222222"), _points(number))
            feed.publish(Tenant(MINE.account, "eu-west-1"), _points(number))
        assert watch.take() == [_points(number) for number in range(5)]
        assert watch.take() == []
        assert watch.dropped == 0


def test_records_reach_those_who_watch_the_job_or_all_jobs(stores: Stores, tenant: Tenant) -> None:
    feed = LiveFeed()
    registered(stores, tenant)
    record = stores.state.jobs.get(tenant, "job")
    assert record is not None
    with (
        feed.subscribe(tenant) as every,
        feed.subscribe(tenant, "job") as one,
        feed.subscribe(tenant, "x") as other,
    ):
        feed.publish(tenant, _points(1))
        feed.publish_job(tenant, record)
        assert every.take() == [LiveJob("job", record)]
        assert one.take() == [_points(1), LiveJob("job", record)]
        assert other.take() == []


def test_a_slow_watcher_loses_the_oldest_and_is_told_how_many() -> None:
    feed = LiveFeed()
    with feed.subscribe(MINE, "job") as slow, feed.subscribe(MINE, "job") as quick:
        got = 0
        for number in range(QUEUE_EVENTS + 50):
            feed.publish(MINE, _points(number))
            got += len(quick.take())
        assert (got, quick.dropped) == (QUEUE_EVENTS + 50, 0)
        assert slow.dropped == 50
        assert slow.take() == [_points(number) for number in range(50, QUEUE_EVENTS + 50)]


def test_a_closed_watch_gets_nothing_more() -> None:
    feed = LiveFeed()
    watch = feed.subscribe(MINE, "job")
    assert feed.watched(MINE, "job")
    assert not feed.watched(MINE, "other")
    assert not feed.watched(Tenant("222222222222"), "job")
    watch.close()
    watch.close()
    feed.publish(MINE, _points(1))
    assert watch.take() == []
    assert not feed.watched(MINE, "job")


def test_take_waits_for_the_first_event() -> None:
    feed = LiveFeed()
    with feed.subscribe(MINE, "job") as watch:
        publisher = threading.Timer(0.05, feed.publish, [MINE, _points(1)])
        publisher.start()
        assert watch.take(30) == [_points(1)]
        publisher.join()
        assert watch.take(0.01) == []


def test_a_watcher_whose_loop_has_ended_is_let_go() -> None:
    feed = LiveFeed()

    def ended() -> None:
        raise RuntimeError("Event loop is closed")

    woken: list[int] = []
    feed.subscribe(MINE, "job", ended)
    with feed.subscribe(MINE, "job", lambda: woken.append(1)) as other:
        feed.publish(MINE, _points(1))
        feed.publish(MINE, _points(2))
        assert other.take() == [_points(1), _points(2)]
        assert woken == [1, 1]
    assert not feed.watched(MINE, "job")


def _rows(*messages: str) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"message": messages})


def _everything(_: str) -> bool:
    return True


def test_a_tail_gets_the_rows_of_its_groups_and_streams() -> None:
    feed = LiveFeed()
    with feed.tail(MINE, ["g", "h"], lambda stream: stream != "quiet") as tail:
        for group, stream in (("g", "one"), ("g", "quiet"), ("other", "one"), ("h", "two")):
            feed.publish_log(MINE, group, stream, "", _rows(f"{group}/{stream}"))
        feed.publish_log(Tenant("222222222222"), "g", "one", "", _rows("theirs"))
        feed.publish_log(Tenant(MINE.account, "eu-west-1"), "g", "one", "", _rows("elsewhere"))
        told = tail.take()
    assert [(item.group, item.stream, item.rows["message"].to_pylist()) for item in told] == [
        ("g", "one", ["g/one"]),
        ("h", "two", ["h/two"]),
    ]


def test_a_slow_tail_loses_the_oldest_rows_but_never_the_newest() -> None:
    feed = LiveFeed()
    batch = _rows("x" * (TAILED_BYTES // 4))
    with feed.tail(MINE, ["g"], _everything) as slow, feed.tail(MINE, ["g"], _everything) as quick:
        for _ in range(10):
            feed.publish_log(MINE, "g", "s", "", batch)
            assert len(quick.take()) == 1
        assert (len(slow.take()), slow.dropped, quick.dropped) == (3, 7, 0)
        huge = _rows("x" * (2 * TAILED_BYTES))
        feed.publish_log(MINE, "g", "s", "", batch)
        feed.publish_log(MINE, "g", "s", "", huge)
        assert [item.rows for item in slow.take()] == [huge]


def test_a_tail_whose_event_loop_has_ended_is_closed() -> None:
    feed = LiveFeed()

    def wake() -> None:
        raise RuntimeError("Event loop is closed")

    feed.tail(MINE, ["g"], _everything, wake)
    assert feed.tails(MINE) == 1
    feed.publish_log(MINE, "g", "s", "", _rows("one"))
    assert feed.tails(MINE) == 0


def test_threads_publish_and_watch_without_loss() -> None:
    feed = LiveFeed()
    with feed.subscribe(MINE, "job") as watch:

        def publish(thread: int) -> None:
            for number in range(100):
                feed.publish(MINE, _points(thread * 1000 + number))
                feed.subscribe(MINE, "job").close()

        threads = [threading.Thread(target=publish, args=(thread,)) for thread in range(8)]
        for thread in threads:
            thread.start()
        got = [
            event.points[0][2]
            for _ in iter(lambda: any(t.is_alive() for t in threads), False)
            for event in watch.take(0.05)
        ]
        for thread in threads:
            thread.join()
        got += [event.points[0][2] for event in watch.take()]
    assert sorted(got) == [thread * 1000 + number for thread in range(8) for number in range(100)]
    for thread in range(8):
        mine = [number for number in got if number // 1000 == thread]
        assert mine == sorted(mine)


def test_what_a_batch_stored_is_told_once(stores: Stores, tenant: Tenant) -> None:
    run = registered(stores, tenant)
    with stores.feed.subscribe(tenant, run.job) as watch:
        for positions in (range(1, 4), range(1, 6)):
            batch = Batch(
                run.run_id,
                log_events=[log_events(run, positions)],
                run_points=[run_points(run, positions, steps=list(positions))],
                samples=[samples(run, positions)],
            )
            commit_batch(stores, tenant, run, batch, NOW)
        events: list[object] = []
        while len(events) < 6:  # three kinds of each batch; they are told a moment after the answer
            told = watch.take(30)
            assert told, events
            events += told
    lines = [event.message for item in events if isinstance(item, LiveLog) for event in item.events]
    points = [point for item in events if isinstance(item, LivePoints) for point in item.points]
    hosts = [sample for item in events if isinstance(item, LiveSamples) for sample in item.samples]
    assert lines == [f"line {p}" for p in range(1, 6)]
    assert points == [("loss", "algo-1", p, None, NOW + 1000.0 * p, float(p)) for p in range(1, 6)]
    assert hosts == [("algo-1", "CPUUtilization", NOW + 1000.0 * p, float(p)) for p in range(1, 6)]


@pytest.mark.parametrize("count", [MAX_LIVE, MAX_LIVE + 7])
def test_of_a_large_batch_the_newest_are_told(stores: Stores, tenant: Tenant, count: int) -> None:
    run = registered(stores, tenant)
    positions = range(1, count + 1)
    part = log_events(run, positions)
    part.timestamps = (NOW * 1000).to_bytes(8, "little") * count
    with stores.feed.subscribe(tenant, run.job) as watch:
        commit_batch(stores, tenant, run, Batch(run.run_id, log_events=[part]), NOW)
        (told,) = watch.take(30)
    assert isinstance(told, LiveLog)
    assert [event.message for event in told.events] == [f"line {p}" for p in positions[-MAX_LIVE:]]
    stored = stores.logs.events(tenant, run.log_group, run.log_stream, newest=True, limit=MAX_LIVE)
    assert list(told.events) == stored
