"""Trains what it is told on its input, one run a line; started by ``generate`` with an interpreter that has PyTorch."""

import json
import shutil
import sys
from pathlib import Path

import torch

from benchmarks.faults.catalogue import Run
from benchmarks.faults.training import train


def main() -> None:
    directory = Path(sys.argv[1])
    torch.set_num_threads(1)
    for line in sys.stdin:
        run = Run(**json.loads(line))
        shutil.rmtree(directory / run.name, ignore_errors=True)
        noted = train(run, directory / run.name / "trial")
        (directory / run.name / "noted.json").write_text(json.dumps(noted))  # last: with it the run is whole
        print(json.dumps({"run": run.name, "cpu_seconds": noted["cpu_seconds"]}), flush=True)


if __name__ == "__main__":
    main()
