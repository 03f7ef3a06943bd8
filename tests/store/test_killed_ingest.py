"""What was acknowledged is there after SIGKILL, once, whatever was under way; what is sent again is not doubled."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from tests.store.ingesting import BATCH_ROWS, THREADS

ROUNDS = int(os.environ.get("EPOCHWATCH_STORE_KILLS", "10"))


def _ingest_until_killed(directory: Path, firsts: list[int], seconds: float) -> list[int]:
    """The number of each thread's first batch that was not acknowledged."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.store.ingesting", str(directory), *map(str, firsts)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    killer = threading.Timer(seconds, process.send_signal, [signal.SIGKILL])
    killer.start()
    opened = list(firsts)
    for line in process.stdout:
        words = line.split()
        if len(words) == 2 and line.endswith("\n"):
            opened[int(words[0])] = int(words[1]) + 1
    killer.join()
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL
    return opened


def _count(directory: Path, firsts: list[int]) -> dict[str, list[dict[str, int]]]:
    answer = subprocess.run(
        [sys.executable, "-m", "tests.store.counting", str(directory), *map(str, firsts)],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        timeout=120,
    )
    counts: dict[str, list[dict[str, int]]] = json.loads(answer.stdout)
    return counts


def test_acknowledged_rows_survive_sigkill_exactly_once(tmp_path: Path) -> None:
    seed = int(os.environ.get("EPOCHWATCH_SEED", time.time()))
    print(f"seed {seed}: repeat with EPOCHWATCH_SEED={seed}")
    chance = random.Random(seed)
    opened = [0] * THREADS
    for _ in range(ROUNDS):
        # Each thread begins with the batch that the kill left open: what of it is stored must not be doubled.
        opened = _ingest_until_killed(tmp_path, opened, chance.uniform(0.1, 1.5))
    counts = _count(tmp_path, opened)
    expected = sorted((number + 1) * BATCH_ROWS for number in opened)
    assert set(counts) == {"datapoints", "run_points", "log_events"}
    for table, sources in counts.items():
        assert [row["rows"] for row in sources] == [row["places"] for row in sources], table
        assert sorted(row["rows"] for row in sources) == expected, table
        assert sorted(row["last"] for row in sources) == expected, table
    print(f"{ROUNDS} kills, {sum(opened)} batches of {BATCH_ROWS} rows")
    assert sum(opened) > THREADS, "the kills came before anything was acknowledged"
