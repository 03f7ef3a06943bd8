"""A server killed while it rolls up neither loses nor doubles a datapoint."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

KILLS = int(os.environ.get("EPOCHWATCH_KILLS", "6"))
READ = """
import json, sys
from pathlib import Path
from epochwatch.model.periods import Buckets
from tests.store.ingesting import open_stores
from tests.store.rolling import METRICS, TENANT
stores = open_stores(Path(sys.argv[1]))
found = {}
for period in (60, 300, 3600):
    read = stores.metrics.read(TENANT, METRICS, Buckets(0, 2**32 - 2**32 % 3600, period))
    for number, metric in enumerate(METRICS):
        for summary in read[metric].values():
            for stamp, count, total in zip(summary.timestamps, summary.counts, summary.sums):
                assert count == total, (stamp, count, total)
                key = f"{period}:{number}:{int(stamp) // 60}"
                found[key] = found.get(key, 0) + int(count)
rolled = "SELECT countIf(generation = 0) AS hours, countIf(generation > 0) AS late FROM rollup_60"
[moved] = stores.engine.query(rolled).to_pylist()
stores.close()
print(json.dumps({"found": found, "moved": moved}))
"""


def _run(directory: Path, number: int) -> tuple[Counter[str], Counter[str]]:
    """What was acknowledged, and what was under way at the kill."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.store.rolling", str(directory), str(number)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "open\n"
        time.sleep(random.Random(number).uniform(0.3, 2.5))
    finally:
        os.killpg(process.pid, signal.SIGKILL)
    stored: Counter[str] = Counter()
    pending: Counter[str] = Counter()
    for line in process.stdout.read().splitlines():
        word, *points = line.split(" ")
        if word == "send":
            pending = Counter(points)
        elif word == "stored":
            stored += pending
            pending = Counter()
    process.stdout.close()
    process.wait()
    return stored, pending


def test_a_roll_up_that_is_killed_again_and_again_counts_every_datapoint_once(tmp_path: Path) -> None:
    stored: Counter[str] = Counter()
    possible: Counter[str] = Counter()
    for number in range(KILLS):
        acknowledged, pending = _run(tmp_path, number)
        stored += acknowledged
        possible += acknowledged + pending
    answer = subprocess.run(
        [sys.executable, "-c", READ, str(tmp_path)], capture_output=True, text=True, check=True, timeout=120
    )
    counted = json.loads(answer.stdout)
    found = Counter(counted["found"])
    assert all(counted["moved"].values()), counted["moved"]
    for period in (60, 300, 3600):
        own = Counter({key.partition(":")[2]: n for key, n in found.items() if key.startswith(f"{period}:")})
        least, most = _rolled(stored, period), _rolled(possible, period)
        assert sum(least.values()) > 0
        assert not least - own, f"lost at {period} s"
        assert not own - most, f"counted twice at {period} s"


def _rolled(counts: Counter[str], period: int) -> Counter[str]:
    """Counts by metric and minute as counts by metric and the minute in which the period begins."""
    found: Counter[str] = Counter()
    for key, count in counts.items():
        number, minute = key.split(":")
        found[f"{number}:{int(minute) // (period // 60) * (period // 60)}"] += count
    return found
