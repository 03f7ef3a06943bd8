"""The server's collector and allocator are tuned before its threads start."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from epochwatch.server.memory import ARENAS, OBJECTS_BETWEEN_COLLECTIONS

POOLS_OF_TWELVE_THREADS = """
import ctypes, gc, re, sys, threading
from epochwatch.server import memory
if sys.argv[2] == "tuned":
    memory.tune()
together = threading.Barrier(12)
def hold():
    kept = bytearray(100_000)
    together.wait()
threads = [threading.Thread(target=hold) for _ in range(12)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
stream = ctypes.c_void_p(libc.fopen(sys.argv[1].encode(), b"w"))
libc.malloc_info(0, stream)
libc.fclose(stream)
print(gc.get_threshold()[0], len(re.findall("<heap ", open(sys.argv[1]).read())))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the allocator of another C library")
def test_threads_share_few_pools_and_the_collector_runs_seldom(tmp_path: Path) -> None:
    found = {}
    for how in ("tuned", "untuned"):
        done = subprocess.run(
            [sys.executable, "-c", POOLS_OF_TWELVE_THREADS, str(tmp_path / "malloc.xml"), how],
            capture_output=True,
            text=True,
            check=True,
        )
        found[how] = [int(number) for number in done.stdout.split()]
    assert found["tuned"][0] == OBJECTS_BETWEEN_COLLECTIONS
    assert found["tuned"][1] <= ARENAS < found["untuned"][1]
