"""What the debugger's store costs: statistics, raw tensors, and smdebug's layout beside smdebug's own code.

Statistics: 2,000 tensors of 9 statistics through 1,112 steps (20 M points, random numbers in single precision), written
as a training writes them, sealed, and read back; and one series of 10,000 steps among 2,000.
Raw: 200 tensors of 1 MiB through 5 steps. smdebug's layout: 200 tensors through 50 steps, of one element, 4 KiB and
64 KiB, written and read by us and by smdebug 1.0.34 (Python 3.11, protobuf without its C++ part, as it installs today),
and copied into our format and back, which is compared with smdebug's reading and writing as much.

Rates are of CPU time, of all threads, where they are called so. Run: ``python -m benchmarks.tensor_store``; ``--smoke``
for a quick look.
"""

import argparse
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from epochwatch.debugger import (
    SmdebugWriter,
    Statistics,
    StoreWriter,
    create_trial,
    export_smdebug,
    import_smdebug,
    read_statistics,
    read_values,
)
from tests.peers import peer_python

STATISTICS = ("mean", "std", "min", "max", "l1", "l2", "abs_max", "abs_mean", "abs_min")
SIZES = {"scalar": 1, "4 KiB": 1024, "64 KiB": 16384}

THEIRS = """
import json, sys, time
import numpy as np
from smdebug.core.collection_manager import CollectionManager
from smdebug.core.writer import FileWriter
from smdebug.core.access_layer.utils import training_has_ended
from smdebug.trials import create_trial
directory, elements, tensors, steps = sys.argv[1], *map(int, sys.argv[2:])
value = np.random.default_rng(1).normal(size=elements).astype("float32")
CollectionManager().export(directory, "worker_0_collections.json")
begun = time.process_time()
for step in range(steps):
    with FileWriter(directory, "worker_0", step) as writer:
        for number in range(tensors):
            writer.write_tensor(value, f"layer{number}.weight")
written = time.process_time() - begun
training_has_ended(directory)
trial = create_trial(directory)
trial.steps()
begun = time.process_time()
count = 0
for name in trial.tensor_names():
    for found in trial.tensor(name).values().values():
        count += int(found[0] == value[0])
read = time.process_time() - begun
assert count == tensors * steps, count
print(json.dumps({"write": written, "read": read}))
"""


def cpu_and_wall(work: Callable[[], Any]) -> tuple[float, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def best(work: Callable[[], Any], times: int = 5) -> dict[str, float]:
    cpu, wall = zip(*(cpu_and_wall(work) for _ in range(times)), strict=True)
    return {"CPU ms": min(cpu) * 1e3, "wall ms": min(wall) * 1e3}


def written(write: Callable[[], None], home: Path, points: int) -> dict[str, float]:
    cpu, wall = cpu_and_wall(write)
    return {
        "M points/s wall": points / wall / 1e6,
        "M points/CPU s": points / cpu / 1e6,
        "bytes/point": size_of(home) / points,
    }


def size_of(directory: Path) -> int:
    return sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())


def statistics(home: Path, tensors: int, steps: int) -> Iterator[dict[str, Any]]:
    random = np.random.default_rng(1)
    names = [f"gradient/block{number // 10}.layer{number % 10}.weight" for number in range(tensors)]
    numbers = {name: random.standard_normal((steps, tensors), np.float32) for name in STATISTICS}
    writer = StoreWriter(str(home))

    def write() -> None:
        for step in range(steps):
            columns = {name: column[step] for name, column in numbers.items()}
            writer.write_step(step, statistics=Statistics(names, columns))
        writer.end_training()

    yield {
        "what": f"9 statistics of {tensors} tensors, {steps} steps",
        **written(write, home, 9 * tensors * steps),
    }
    trial = create_trial(str(home))
    yield {"what": "that trial opened", **best(lambda: create_trial(str(home)), 2)}
    everything, _ = cpu_and_wall(lambda: read_statistics(trial))
    yield {"what": "all of it read", "M points/CPU s": 9 * tensors * steps / everything / 1e6}


def long_series(home: Path, steps: int) -> Iterator[dict[str, Any]]:
    random = np.random.default_rng(1)
    names = [f"gradient/layer{number}" for number in range(2000)]
    numbers = random.standard_normal((steps, 2000), np.float32)
    writer = StoreWriter(str(home))

    def write() -> None:
        for step in range(steps):
            writer.write_step(step, statistics=Statistics(names, {"mean": numbers[step]}))
        writer.end_training()

    yield {"what": f"1 statistic of 2000 tensors, {steps} steps", **written(write, home, 2000 * steps)}
    trial = create_trial(str(home))
    yield {"what": "one series of it", **best(lambda: read_statistics(trial, regex="^gradient/layer77$"))}


def raw(home: Path, tensors: int, steps: int) -> Iterator[dict[str, Any]]:
    random = np.random.default_rng(1)
    arrays = {
        f"layer{number}.weight": random.normal(size=(512, 512)).astype(np.float32) for number in range(tensors)
    }
    megabytes = tensors * steps * 512 * 512 * 4 / 1e6
    writer = StoreWriter(str(home))
    cpu, wall = cpu_and_wall(lambda: [writer.write_step(step, tensors=arrays) for step in range(steps)])
    writer.end_training()
    trial = create_trial(str(home))
    tensor = trial.tensor("layer7.weight")
    tensor.value(0)
    read_cpu, _ = cpu_and_wall(lambda: sum(value.nbytes for _, value in read_values(trial)))
    yield {
        "what": f"raw, {tensors} x 1 MiB x {steps} steps",
        "write MB/s wall": megabytes / wall,
        "write MB/CPU s": megabytes / cpu,
        "read MB/CPU s": megabytes / read_cpu,
        **{f"one tensor, {key}": value for key, value in best(lambda: tensor.value(steps - 1)).items()},
    }


def smdebug_layout(home: Path, size: str, tensors: int, steps: int, rounds: int = 3) -> Iterator[dict[str, Any]]:
    """The best of some rounds in which we, smdebug and the bare kernel take turns."""
    costs = [layout_round(home / str(number), SIZES[size], tensors, steps) for number in range(rounds)]
    spent = {what: min(cost[what] for cost in costs) for what in costs[0]}
    theirs = {"write": spent["their write"], "read": spent["their read"]}
    theirs |= dict.fromkeys(("import", "export"), theirs["read"] + theirs["write"])
    count = tensors * steps
    for what, cost in theirs.items():
        yield {
            "what": f"smdebug's layout, {size}, {what}",
            "ours tensors/CPU s": count / spent[what],
            "smdebug tensors/CPU s": count / cost,
            "times": cost / spent[what],
            "of which the kernel's, %": 100 * spent[f"kernel {what}"] / spent[what],
        }


def layout_round(home: Path, elements: int, tensors: int, steps: int) -> dict[str, float]:
    """CPU seconds of each."""
    value = np.random.default_rng(1).normal(size=elements).astype(np.float32)
    arrays = {f"layer{number}.weight": value for number in range(tensors)}
    length = tensors * steps * (value.nbytes + 200)
    ours, their, own, exported = (str(home / name) for name in ("ours", "theirs", "own", "exported"))
    home.mkdir()
    cost = {}
    writer = SmdebugWriter(ours)
    prime(home, length)
    cost["write"], _ = cpu_and_wall(lambda: [writer.write_step(step, arrays) for step in range(steps)])
    writer.end_training()
    prime(home, length)
    sizes = map(str, (elements, tensors, steps))
    done = subprocess.run(
        [peer_python("smdebug"), "-c", THEIRS, their, *sizes],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"SMDEBUG_LOG_LEVEL": "off"},
    )
    spent = json.loads(done.stdout.splitlines()[-1])
    cost["their write"], cost["their read"] = spent["write"], spent["read"]
    trial = create_trial(ours)
    found: list[bool] = []
    cost["read"], _ = cpu_and_wall(lambda: found.extend(one[0] == value[0] for _, one in read_values(trial)))
    if sum(found) != tensors * steps:
        raise SystemExit(f"{tensors * steps} tensors were written, {sum(found)} came back")
    cost["kernel read"], _ = cpu_and_wall(lambda: read_bare(home / "ours"))
    prime(home, length)
    cost["kernel write"], _ = cpu_and_wall(lambda: write_bare(home / "bare", length))
    cost["kernel import"] = cost["kernel export"] = cost["kernel write"] + cost["kernel read"]
    prime(home, length)
    cost["import"], _ = cpu_and_wall(lambda: import_smdebug(their, own))
    prime(home, length)
    cost["export"], _ = cpu_and_wall(lambda: export_smdebug(own, exported))
    shutil.rmtree(home)
    return cost


def prime(home: Path, length: int) -> None:
    """Have the kernel hold as much memory as is going to be written: what a virtual machine has to ask its host for
    costs ten times the writing, and hits whoever comes first.
    """
    write_bare(home / "primer", length)
    os.unlink(home / "primer")


def write_bare(path: Path, length: int) -> None:
    """So many bytes, and nothing else."""
    piece = bytes(1 << 16)
    with open(path, "wb", buffering=0) as file:
        for _ in range(length // len(piece)):
            file.write(piece)


def read_bare(directory: Path) -> None:
    """All bytes of all files, and nothing else."""
    piece = bytearray(1 << 16)
    for path in directory.rglob("*.tfevents"):
        with open(path, "rb", buffering=0) as file:
            while file.readinto(piece):
                pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true")
    smoke = parser.parse_args().smoke
    home = Path(tempfile.mkdtemp(prefix="tensor-store-"))
    try:
        parts = [
            statistics(home / "statistics", 200 if smoke else 2000, 100 if smoke else 1112),
            long_series(home / "series", 1000 if smoke else 10_000),
            raw(home / "raw", 20 if smoke else 200, 5),
            *(smdebug_layout(home, size, 20 if smoke else 200, 50) for size in SIZES),
        ]
        for part in parts:
            for row in part:
                shown = {key: round(value, 2) if isinstance(value, float) else value for key, value in row.items()}
                print(json.dumps(shown | {"load": round(os.getloadavg()[0], 1)}), flush=True)
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
