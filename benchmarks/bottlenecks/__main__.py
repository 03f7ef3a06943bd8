"""``python -m benchmarks.bottlenecks [--seconds 12] [--seeds 2] [--only NAME] [--again DIRECTORY]``

Trains with each bottleneck under ``epochwatch run --profile`` and asks for the verdict; prints what was named, and a
table. ``--again`` judges recordings that are there already.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Final

from benchmarks.bottlenecks.spool import SpoolProfile
from epochwatch.profiler.verdict import verdict
from tests.peers import peer_python

EXPECTED: Final = {
    "slow_loader-main": "SlowLoader",
    "slow_loader-worker": "SlowLoader",
    "too_few_workers-none": "TooFewWorkers",
    "too_few_workers-one": "TooFewWorkers",
    "cpu_bound-two": "CpuBoundPreprocessing",
    "cpu_bound-three": "CpuBoundPreprocessing",
    "tiny_batch-one": "TinyBatch",
    "tiny_batch-two": "TinyBatch",
    "sync_points-service": "SyncPoints",
    "sync_points-log": "SyncPoints",
    "slow_rank-computes": "Straggler",
    "slow_rank-loads": "Straggler",
    "memory_leak-small": "MemoryLeak",
    "memory_leak-large": "MemoryLeak",
    "slow_disk-main": "SlowDisk",
    "slow_disk-worker": "SlowDisk",
    "checkpoint_stall-often": "CheckpointStall",
    "checkpoint_stall-large": "CheckpointStall",
    "healthy-conv": "",
    "healthy-mlp": "",
    "healthy-workers": "",
    "healthy-checkpoints": "",
    "healthy-evaluates": "",
    "healthy_ranks-two": "",
}
"""The rule that is to be named first; none for a healthy training."""
_RANKS: Final = ("slow_rank", "healthy_ranks")
_PROGRAM: Final = Path(__file__).with_name("training.py")


def record(scenario: str, seed: int, seconds: float, directory: Path) -> Path:
    """The spool of one training."""
    python = str(peer_python("torch"))
    words = [str(_PROGRAM), scenario, str(seed), str(seconds), str(directory)]
    command = [python, *words]
    if scenario.startswith(_RANKS):
        command = [python, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", *words]
    home = directory / "home"
    program = [sys.executable, "-m", "epochwatch", "run", "--no-server", "--profile", "--", *command]
    environment = {**os.environ, "EPOCHWATCH_HOME": str(home), "OMP_NUM_THREADS": "1"}
    ran = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=300, check=False)
    if ran.returncode:
        raise SystemExit(f"{scenario} failed: {ran.stdout[-2000:]}{ran.stderr[-2000:]}")
    [spool] = [path.parent for path in home.rglob("profile") if path.is_dir()]
    return spool


def judge(spool: Path, scenario: str, *, words: bool) -> list[str]:
    """The rules that found a problem, the first one being the cause that is named."""
    found = verdict(SpoolProfile(spool))
    named = [cause.rule for cause in found.causes]
    wanted = EXPECTED[scenario]
    right = named[:1] == [wanted] if wanted else not named
    print(f"{'ok  ' if right else 'MISS'} {scenario:24} {', '.join(named) or '-'}", flush=True)
    if words or not right:
        print("     " + "\n     ".join([found.text, *(one.evidence for one in found.remarks)]), flush=True)
    return named


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--seconds", type=float, default=12.0)
    options.add_argument("--seeds", type=int, default=2)
    options.add_argument("--first", type=int, default=0, help="the first of the seeds")
    options.add_argument("--only", default="")
    options.add_argument("--keep", type=Path, help="keep the recordings here")
    options.add_argument("--again", type=Path, help="judge the recordings that are here")
    options.add_argument("--words", action="store_true")
    given = options.parse_args()
    results: dict[tuple[str, int], list[str]] = {}
    if given.again:
        for folder in sorted(given.again.iterdir()):
            scenario, _, seed = folder.name.rpartition("@")
            if given.only in scenario:
                results[scenario, int(seed)] = judge(folder, scenario, words=given.words)
    else:
        for seed in range(given.first, given.first + given.seeds):
            for scenario in EXPECTED:
                if given.only in scenario:
                    with tempfile.TemporaryDirectory() as temporary:
                        spool = record(scenario, seed, given.seconds, Path(temporary))
                        results[scenario, seed] = judge(spool, scenario, words=given.words)
                        if given.keep:
                            shutil.copytree(spool, given.keep / f"{scenario}@{seed}", ignore=_no_sockets)
    table(results)


def _no_sockets(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if not (Path(folder, name).is_file() or Path(folder, name).is_dir())]


def table(results: dict[tuple[str, int], list[str]]) -> None:
    """How often what was named where."""
    faulty = {key: named for key, named in results.items() if EXPECTED[key[0]]}
    healthy = {key: named for key, named in results.items() if not EXPECTED[key[0]]}
    right = sum(named[:1] == [EXPECTED[key[0]]] for key, named in faulty.items())
    among = sum(EXPECTED[key[0]] in named for key, named in faulty.items())
    false = sum(bool(named) for named in healthy.values())
    also = sum(len(set(named) - {EXPECTED[key[0]]}) for key, named in faulty.items())
    counts = Counter((EXPECTED[key[0]] or "healthy", named[0] if named else "-") for key, named in results.items())
    for (wanted, named), count in sorted(counts.items()):
        print(f"{wanted:24} {named:24} {count}")
    summary = {"faulty": len(faulty), "named_first": right, "named_at_all": among, "further_causes": also}
    print(json.dumps({**summary, "healthy": len(healthy), "false_causes": false, "load": os.getloadavg()}))


if __name__ == "__main__":
    main()
