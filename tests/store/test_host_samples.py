import math
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epochwatch.model.host_rows import Column, HostMinute, Layout, Row
from epochwatch.model.tenant import Tenant
from epochwatch.store.host_samples import (
    HostPlace,
    compact,
    compact_due,
    keep_minute,
    read_samples,
    read_summaries,
)
from epochwatch.store.objects import ObjectStore
from epochwatch.store.stores import Stores

PLACE = HostPlace(Tenant("123456789012", "us-east-1"), "training-job", "digits", "algo-1")
COLUMNS = (Column("cpu.busy", "Percent"), Column("disk.vda.read", "Bytes/Second"))
MINUTE = 1_700_002_800
"""The beginning of an hour, as it happens."""
HOUR = MINUTE


@pytest.fixture
def objects(tmp_path: Path) -> ObjectStore:
    return ObjectStore.open(f"file://{tmp_path / 'objects'}")


def minute(begin: int, values: list[tuple[float, float]], part: str = "a", seconds: float = 0.1) -> HostMinute:
    """Rows one behind the other from the minute's beginning on."""
    layout = Layout(COLUMNS)
    times = (begin * 1_000_000 + round((number + 1) * seconds * 1e6) for number in range(len(values)))
    rows = b"".join(layout.pack(Row(time, seconds, value)) for time, value in zip(times, values, strict=True))
    return HostMinute("ab" * 16, part, begin, list(COLUMNS), rows)


def test_a_minute_reads_back_as_it_came(objects: ObjectStore) -> None:
    keep_minute(objects, PLACE, minute(MINUTE, [(12.34, 1e9), (math.nan, 5.0), (199.99, math.nan)]))
    found = read_samples(objects, PLACE, MINUTE, MINUTE + 60)
    assert found.times.tolist() == [MINUTE * 1_000_000 + number * 100_000 for number in (1, 2, 3)]
    np.testing.assert_allclose(found.values["cpu.busy"], [12.34, math.nan, 199.99], atol=0.005)
    np.testing.assert_array_equal(found.values["disk.vda.read"], np.array([1e9, 5.0, math.nan], np.float32))
    assert found.units == dict(COLUMNS)


def test_a_percentage_too_great_for_hundredths_is_kept_whole(objects: ObjectStore) -> None:
    keep_minute(objects, PLACE, minute(MINUTE, [(6400.0, 0.0)]))
    assert read_samples(objects, PLACE, MINUTE, MINUTE + 60).values["cpu.busy"].tolist() == [6400.0]


def test_a_minute_sent_twice_is_there_once(objects: ObjectStore) -> None:
    for _ in range(2):
        keep_minute(objects, PLACE, minute(MINUTE, [(1.0, 1.0)] * 600))
    assert len(read_samples(objects, PLACE, MINUTE, MINUTE + 61).times) == 600


def test_only_the_columns_and_the_time_asked_for_are_read(objects: ObjectStore) -> None:
    keep_minute(objects, PLACE, minute(MINUTE, [(float(number), 0.0) for number in range(20)]))
    found = read_samples(objects, PLACE, MINUTE + 1, MINUTE + 1.5, ["cpu.busy", "no.such"])
    assert list(found.values) == ["cpu.busy"]
    assert found.values["cpu.busy"].tolist() == [9.0, 10.0, 11.0, 12.0, 13.0]


def test_columns_that_came_later_are_unknown_before(objects: ObjectStore) -> None:
    keep_minute(objects, PLACE, minute(MINUTE, [(1.0, 2.0)]))
    layout = Layout([Column("gpu.0.busy", "Percent")])
    rows = layout.pack(Row((MINUTE + 61) * 1_000_000, 0.1, (50.0,)))
    keep_minute(objects, PLACE, HostMinute("ab" * 16, "b", MINUTE + 60, list(layout.columns), rows))
    found = read_samples(objects, PLACE, MINUTE, MINUTE + 120)
    np.testing.assert_array_equal(found.values["cpu.busy"], [1.0, math.nan])
    np.testing.assert_array_equal(found.values["gpu.0.busy"], [math.nan, 50.0])


def test_compacting_changes_the_files_and_not_what_is_read(objects: ObjectStore) -> None:
    for number in range(3):
        keep_minute(objects, PLACE, minute(HOUR + 60 * number, [(float(number), 7.0)] * 600))
    before = read_samples(objects, PLACE, HOUR, HOUR + 3600)
    summaries = {span: read_summaries(objects, PLACE, HOUR, HOUR + 3600, span) for span in (1, 10, 60)}
    compact(objects, PLACE, HOUR)
    after = read_samples(objects, PLACE, HOUR, HOUR + 3600)
    assert {Path(key).name for key, _ in objects.list(PLACE.folder)} == {
        "hour.parquet",
        "1s.parquet",
        "10s.parquet",
        "60s.parquet",
    }
    assert after.times.tolist() == before.times.tolist()
    for name, column in before.values.items():
        np.testing.assert_array_equal(after.values[name], column)
    for span, expected in summaries.items():
        found = read_summaries(objects, PLACE, HOUR, HOUR + 3600, span)
        assert found.times.tolist() == expected.times.tolist()
        for name, column in expected.values.items():
            np.testing.assert_allclose(found.values[name], column, atol=0.006)


def names(objects: ObjectStore, hour: int = HOUR) -> set[str]:
    return {Path(key).name for key, _ in objects.list(PLACE.hour(hour))}


TOGETHER = {"hour.parquet", "1s.parquet", "10s.parquet", "60s.parquet"}


def test_an_hour_is_put_together_when_it_is_over_and_again_when_something_came_late(objects: ObjectStore) -> None:
    keep_minute(objects, PLACE, minute(HOUR, [(1.0, 1.0)] * 10))
    compact_due(objects, HOUR + 3600 + 299)
    assert len(names(objects) - TOGETHER) == 1
    compact_due(objects, HOUR + 3600 + 300)
    assert names(objects) == TOGETHER
    keep_minute(objects, PLACE, minute(HOUR + 60, [(3.0, 3.0)] * 10))
    assert len(read_samples(objects, PLACE, HOUR, HOUR + 3600).times) == 20
    assert read_summaries(objects, PLACE, HOUR, HOUR + 3600, 60).values["cpu.busy.mean"].tolist() == [1.0, 3.0]
    compact_due(objects, HOUR + 7200)
    assert names(objects) == TOGETHER
    assert len(read_samples(objects, PLACE, HOUR, HOUR + 3600).times) == 20
    assert not list(objects.list("hosts-due"))


def test_what_there_is_no_time_for_is_put_together_in_the_next_round(objects: ObjectStore) -> None:
    for hour in (HOUR, HOUR + 3600):
        keep_minute(objects, PLACE, minute(hour, [(1.0, 1.0)] * 10))
    passing = iter(range(0, 1000, 15))
    compact_due(objects, HOUR + 86400, lambda: next(passing))
    assert (names(objects), len(names(objects, HOUR + 3600) - TOGETHER)) == (TOGETHER, 1)
    compact_due(objects, HOUR + 86400)
    assert names(objects, HOUR + 3600) == TOGETHER


def test_a_minute_that_comes_while_its_hour_is_put_together_is_not_forgotten(
    objects: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_minute(objects, PLACE, minute(HOUR, [(1.0, 1.0)] * 10))
    delete = objects.delete

    def late(key: str) -> None:
        if key == PLACE.due(HOUR):
            keep_minute(objects, PLACE, minute(HOUR + 60, [(2.0, 2.0)] * 10))
        delete(key)

    with monkeypatch.context() as patch:
        patch.setattr(objects, "delete", late)
        compact_due(objects, HOUR + 86400)
    compact_due(objects, HOUR + 86400)
    assert names(objects) == TOGETHER
    assert len(read_samples(objects, PLACE, HOUR, HOUR + 3600).times) == 20


def test_an_hour_that_is_damaged_does_not_hold_up_the_others(objects: ObjectStore) -> None:
    for hour in (HOUR, HOUR + 3600):
        keep_minute(objects, PLACE, minute(hour, [(1.0, 1.0)] * 10))
    (key,) = [key for key, _ in objects.list(PLACE.hour(HOUR))]
    objects.put(key, b"this is no Parquet")
    compact_due(objects, HOUR + 86400)
    assert names(objects, HOUR + 3600) == TOGETHER
    assert [HostPlace.of_due(key) for key, _ in objects.list("hosts-due")] == [(PLACE, HOUR)]


def test_the_servers_maintenance_puts_hours_together(stores: Stores) -> None:
    early = 86400  # what this rolls up stays so: other tests write to any later time
    keep_minute(stores.objects, PLACE, minute(early, [(1.0, 1.0)] * 10))
    stores.maintain(early + 86400)
    assert names(stores.objects, early) == TOGETHER


def test_compacting_that_was_interrupted_is_done_again(objects: ObjectStore) -> None:
    keep_minute(objects, PLACE, minute(HOUR, [(1.0, 1.0)] * 10))
    (key,) = [key for key, _ in objects.list(PLACE.folder)]
    content = objects.get(key)
    compact(objects, PLACE, HOUR)
    assert content is not None
    objects.put(key, content)  # killed before it was removed
    assert len(read_samples(objects, PLACE, HOUR, HOUR + 3600).times) == 10
    compact(objects, PLACE, HOUR)
    assert read_summaries(objects, PLACE, HOUR, HOUR + 3600, 60).seconds.tolist() == [1.0]


@given(
    values=st.lists(st.floats(0, 100, width=32) | st.just(math.nan), min_size=1, max_size=50),
    seconds=st.sampled_from([0.1, 0.5, 1.0]),
)
@settings(max_examples=50, deadline=None)
def test_summaries_hold_the_least_mean_and_greatest(
    tmp_path_factory: pytest.TempPathFactory, values: list[float], seconds: float
) -> None:
    objects = ObjectStore.open(f"file://{tmp_path_factory.mktemp('objects')}")
    keep_minute(objects, PLACE, minute(MINUTE, [(0.0, value) for value in values], seconds=seconds))
    found = read_summaries(objects, PLACE, MINUTE, MINUTE + 60, 60)
    known = [value for value in values if not math.isnan(value)]
    names = [f"disk.vda.read.{kind}" for kind in ("min", "mean", "max")]
    expected = [min(known), sum(known) / len(known), max(known)] if known else [math.nan] * 3
    np.testing.assert_allclose([found.values[name][0] for name in names], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"minute": MINUTE + 1}, "begins at a full minute"),
        ({"rows": b"\0" * 21}, "do not fit"),
        ({"part": "../x"}, "without slashes"),
        ({"columns": [Column("time", "None"), Column("x", "None")]}, "different names"),
        ({"columns": [Column("x", "None"), Column("x", "None")]}, "different names"),
    ],
)
def test_what_is_no_minute_is_refused(objects: ObjectStore, change: dict[str, object], said: str) -> None:
    given = minute(MINUTE, [(1.0, 1.0)])
    for name, value in change.items():
        setattr(given, name, value)
    with pytest.raises(ValueError, match=said):
        keep_minute(objects, PLACE, given)
    assert not list(objects.list(PLACE.folder))


def test_other_spans_are_refused(objects: ObjectStore) -> None:
    with pytest.raises(ValueError, match="1, 10, 60"):
        read_summaries(objects, PLACE, 0, 60, 7)


def test_a_row_with_another_number_of_values_is_no_row() -> None:
    with pytest.raises(struct.error):
        Layout(COLUMNS).pack(Row(1, 0.1, (1.0,)))
