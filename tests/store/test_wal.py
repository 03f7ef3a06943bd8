"""The write-ahead log: what is acknowledged is read back, what was cut short is not, and nothing is inserted twice."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epochwatch.model.metric import MetricId
from epochwatch.model.tenant import Tenant
from epochwatch.store.rows import datapoint_rows
from epochwatch.store.stores import Stores
from epochwatch.store.wal import WriteAheadLog, read_segment
from tests.store.parts import NOW
from tests.store.points import Point, put, read


def rows(*values: float) -> pa.RecordBatch:
    count = len(values)
    zeros = np.zeros(count)
    return datapoint_rows(
        {
            "policy": zeros,
            "sid": np.full(count, 7, np.uint64),
            "ts": np.full(count, NOW),
            "value": np.array(values),
            "weight": np.ones(count),
            "low": zeros,
            "high": zeros,
            "is_set": zeros,
            "resolution": np.ones(count),
            "source": zeros,
            "seq": zeros,
        }
    )


def values_in(path: Path) -> list[float]:
    segment = read_segment(path)
    return [value for batch in segment.rows.get("datapoints", []) for value in batch["value"].to_pylist()]


def test_what_was_appended_is_read_back_with_the_seal(tmp_path: Path) -> None:
    log = WriteAheadLog(tmp_path)
    log.append([("datapoints", rows(1.0, 2.0)), ("datapoints", rows(3.0))])
    log.append([("datapoints", rows(4.0))])
    (path,) = log.leftovers()
    assert read_segment(path).generation is None
    assert log.rotate(77) == path.stem
    log.append([("datapoints", rows(5.0))])
    log.close()
    first, second = log.leftovers()
    assert (values_in(first), read_segment(first).generation) == ([1.0, 2.0, 3.0, 4.0], 77)
    assert (values_in(second), read_segment(second).generation) == ([5.0], None)
    log.remove(first.stem)
    assert log.leftovers() == [second]


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, 5000), damage=st.none() | st.integers(0, 5000))
def test_a_segment_ends_where_it_was_cut_short_or_damaged(
    tmp_path_factory: pytest.TempPathFactory, cut: int, damage: int | None
) -> None:
    log = WriteAheadLog(tmp_path_factory.mktemp("log"))
    ends = []
    for value in range(8):
        log.append([("datapoints", rows(float(value)))])
        ends.append(log.leftovers()[0].stat().st_size)
    log.close()
    (path,) = log.leftovers()
    whole = bytearray(path.read_bytes())
    place = ends[0] + cut % (len(whole) - ends[0])
    if damage is not None:
        flipped = ends[0] + damage % (len(whole) - ends[0])
        whole[flipped] ^= 0x55
        place = max(place, flipped + 1)
        intact = sum(end <= flipped for end in ends)
    else:
        intact = sum(end <= place for end in ends)
    path.write_bytes(whole[:place])
    found = values_in(path)
    assert found == [float(value) for value in range(len(found))]
    assert len(found) == intact


@pytest.mark.parametrize("content", [b"", b"x", b"epochwatch log 1\n", b"epochwatch log 1\n\xff\xff\xff\xff"])
def test_a_segment_without_a_whole_beginning_is_empty(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "1.wal").write_bytes(content)
    assert read_segment(tmp_path / "1.wal").rows == {}


def test_after_a_full_disk_the_log_goes_on_behind_what_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = WriteAheadLog(tmp_path)
    log.append([("datapoints", rows(1.0))])
    write = os.write

    def full(descriptor: int, data: memoryview) -> int:
        if len(data) < 100:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data[: len(data) // 2])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space left"):
            log.append([("datapoints", rows(2.0))])
        with pytest.raises(OSError, match="No space left"):
            log.rotate(5)
    log.append([("datapoints", rows(3.0))])
    log.rotate(6)
    (path,) = log.leftovers()
    assert (values_in(path), read_segment(path).generation) == ([1.0, 3.0], 6)


CRASH = """
import os, sys
from pathlib import Path
from epochwatch.store import staging
from epochwatch.store.wal import WriteAheadLog
from tests.store.ingesting import TENANT, open_stores
from tests.store.points import Point, put
from epochwatch.model.metric import MetricId
moment, directory = sys.argv[1], Path(sys.argv[2])
staging.FLUSH_SECONDS = 3600
stores = open_stores(directory)
hour = 2_000_000_000 // 3600 * 3600
metric = MetricId("app", "x")
if moment == "late":
    stores.maintain(hour + 10 * 3600)
put(stores, TENANT, *(Point(metric, hour + 1800 * n, [1.0]) for n in range(6)))
if moment != "before":
    if moment == "torn":  # the second of two partitions was not reached
        insert, done = stores.engine.insert, []
        def torn(table, rows, token=""):
            insert(table, rows.slice(0, 2) if table == "datapoints" else rows, token)
            if table == "datapoints":
                os._exit(1)
        stores.engine.insert = torn
    else:
        WriteAheadLog.remove = lambda self, name: os._exit(1)
    stores.engine.settle()
os._exit(1)
"""
READ = """
import json, sys
from pathlib import Path
from tests.store.ingesting import TENANT, open_stores
from tests.store.points import read
from epochwatch.model.metric import MetricId
stores = open_stores(Path(sys.argv[1]))
hour = 2_000_000_000 // 3600 * 3600
(summary,) = read(stores, TENANT, MetricId("app", "x"), hour, hour + 10800).values()
print(json.dumps([stores.staging._log.leftovers() == [], summary.counts.tolist()]))
stores.close()
"""


@pytest.mark.parametrize("moment", ["before", "torn", "after", "late"])
def test_whenever_the_server_dies_each_row_is_in_the_engine_once_after_the_next_start(
    tmp_path: Path, moment: str
) -> None:
    subprocess.run([sys.executable, "-c", CRASH, moment, str(tmp_path)], check=False, timeout=120)
    for _ in range(2):
        answer = subprocess.run(
            [sys.executable, "-c", READ, str(tmp_path)], capture_output=True, text=True, check=True, timeout=120
        )
        assert json.loads(answer.stdout) == [True, [1.0] * 6]


def test_what_the_engine_refuses_stays_in_the_log_and_is_tried_again(
    stores: Stores, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    metric = MetricId("app", "x")
    insert, failures = stores.engine.insert, [OSError("no disk"), OSError("no disk")]

    def failing(table: str, table_rows: pa.Table, token: str = "") -> None:
        if failures:
            raise failures.pop()
        insert(table, table_rows, token)

    monkeypatch.setattr(stores.engine, "insert", failing)
    put(stores, tenant, Point(metric, NOW, [1.0]))
    while failures:
        with pytest.raises(Exception, match="does not take rows"):
            read(stores, tenant, metric, NOW, NOW + 1)
    assert read(stores, tenant, metric, NOW, NOW + 1)["None"].counts.tolist() == [1.0]
    assert "tried again" in caplog.text
