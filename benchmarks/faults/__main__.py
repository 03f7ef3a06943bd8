"""How well debuggers find faults: ``python -m benchmarks.faults --cache DIR --python PYTHON_WITH_TORCH``.

Trains what the cache lacks, lets each detector look at every run, and prints figures of the held-out programs, those of
the tuning programs, and a table by fault. ``--small`` takes a twelfth of the runs.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.faults.catalogue import OF_MACHINES, Run, runs, small
from benchmarks.faults.detectors import DETECTORS
from benchmarks.faults.detectors.alarm import Recorded
from benchmarks.faults.generate import generate, missing
from benchmarks.faults.judging import Outcome, harmed, learns_little, overfits
from benchmarks.faults.report import details, printed
from epochwatch.debugger import create_trial


def main() -> int:
    options = _parser().parse_args()
    wanted = list(
        runs(
            programs=options.programs,
            changes=options.changes,
            severities=options.severities,
            seeds=options.seeds,
        )
    )
    if options.small:
        wanted = small(wanted)
    if not options.recorded_only:
        generate(wanted, options.cache, options.python, options.processes)
    lacking = set(missing(wanted, options.cache))
    outcomes, excluded = judge([run for run in wanted if run not in lacking], options.cache, options.processes)
    print(printed(outcomes, excluded))
    if options.details:
        options.details.write_text(json.dumps(details(outcomes), indent=1))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True, help="directory of the recorded runs")
    parser.add_argument("--python", default=sys.executable, help="interpreter with PyTorch, scikit-learn, pyarrow")
    parser.add_argument("--programs", nargs="*", default=(), help="these only")
    parser.add_argument("--changes", nargs="*", default=(), help="these faults and healthy variants only")
    parser.add_argument("--severities", nargs="*", type=int, choices=(1, 2, 3), default=(1, 2, 3))
    parser.add_argument("--seeds", nargs="*", type=int, default=(0,))
    parser.add_argument("--processes", type=int, default=1, help="at once")
    parser.add_argument("--small", action="store_true", help="one run in twelve")
    parser.add_argument("--recorded-only", action="store_true", help="judge what is recorded; train nothing")
    parser.add_argument("--details", type=Path, help="write what each detector said of each run, as JSON")
    return parser


def judge(recorded: Sequence[Run], cache: Path, processes: int) -> tuple[dict[str, list[Outcome]], list[Run]]:
    """By detector what it said; and the healthy runs that are left out as they overfit or learn nothing in truth."""
    noted = {run: json.loads((cache / run.name / "noted.json").read_text()) for run in recorded}
    plain = {(run.program, run.seed): noted[run] for run in recorded if run.change == "plain"}
    excluded = [
        run
        for run in recorded
        if not run.faulty
        and (overfits(noted[run]) or learns_little(noted[run], plain.get((run.program, run.seed))))
    ]
    judged = [run for run in recorded if run not in set(excluded)]
    with ProcessPoolExecutor(processes) as pool:
        said = pool.map(partial(_said, cache), judged, [noted[run] for run in judged], chunksize=4)
        outcomes: dict[str, list[Outcome]] = {detector.name: [] for detector in DETECTORS}
        for run, alarms in zip(judged, said, strict=True):
            costly = run.change in OF_MACHINES or harmed(noted[run], plain.get((run.program, run.seed)))
            harm = run.faulty and costly
            for detector in DETECTORS:
                of_run = alarms[detector.name]
                right = tuple(detector.right(alarm, run.change) for alarm in of_run)
                steps = tuple(alarm.step for alarm in of_run)
                rules = tuple(alarm.rule for alarm in of_run)
                outcomes[detector.name].append(Outcome(run, rules, steps, right, harm))
    return outcomes, excluded


def _said(cache: Path, run: Run, noted: dict[str, Any]) -> dict[str, Any]:
    directory = cache / run.name
    recorded = Recorded(directory, create_trial(str(directory / "trial")), noted)
    return {detector.name: list(detector.look(recorded)) for detector in DETECTORS}


if __name__ == "__main__":
    sys.exit(main())
