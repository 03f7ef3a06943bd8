"""Tables of what detectors found."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.faults.catalogue import Run
from benchmarks.faults.judging import Figures, Outcome, by_change, figures

_COLUMNS = {
    "precision": "precision",
    "recall": "recall of harmful faults",
    "recall_of_all": "of all",
    "false_alarm_rate": "healthy runs with alarm",
    "alarms_per_healthy_run": "alarms a healthy run",
    "balanced_accuracy": "balanced accuracy",
    "right_first": "right cause first",
    "right_any": "right cause named",
    "median_latency": "median latency, steps",
}
Outcomes = Mapping[str, Sequence[Outcome]]


def printed(outcomes: Outcomes, excluded: Sequence[Run]) -> str:
    """All tables, as Markdown."""
    parts = []
    for title, held_out in (("Held-out programs", True), ("Tuning programs", False)):
        chosen = {name: [one for one in of if one.run.held_out is held_out] for name, of in outcomes.items()}
        first = next(iter(chosen.values()))
        if not first:
            continue
        faulty = sum(one.run.faulty for one in first)
        parts += [f"{title}: {len(first) - faulty} healthy runs, {faulty} faulty", _totals(chosen)]
        parts += ["Faults: share detected / right cause first / median latency", _table(chosen, faulty=True)]
        parts += ["Healthy variants: share with an alarm", _table(chosen, faulty=False)]
    if excluded:
        parts.append(
            "Left out, as they overfit or learn little in truth: " + ", ".join(run.name for run in excluded)
        )
    return "\n\n".join(parts)


def _totals(outcomes: Outcomes) -> str:
    rows = [["detector", *_COLUMNS.values()]]
    for name, of in outcomes.items():
        found = figures(of)
        rows.append([name, *(_number(getattr(found, column)) for column in _COLUMNS)])
    return _markdown(rows)


def _table(outcomes: Outcomes, *, faulty: bool) -> str:
    groups = {name: by_change(one for one in of if one.run.faulty is faulty) for name, of in outcomes.items()}
    first = next(iter(groups.values()))
    rows = [["fault" if faulty else "variant", "runs", *(["harmful"] if faulty else []), *groups]]
    for change, runs in first.items():
        harmful = [str(sum(one.harmed for one in runs))] if faulty else []
        cells = [_cell(figures(of[change]), faulty) for of in groups.values()]
        rows.append([change, str(len(runs)), *harmful, *cells])
    return _markdown(rows)


def _cell(found: Figures, faulty: bool) -> str:
    if not faulty:
        return _number(found.false_alarm_rate)
    if not found.recall_of_all:
        return "0"
    return f"{_number(found.recall_of_all)} / {_number(found.right_first)} / {_number(found.median_latency)}"


def _number(value: float) -> str:
    if math.isnan(value):
        return "–"
    return f"{value:.0f}" if value >= 10 else f"{value:.2f}".rstrip("0").rstrip(".")


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|---" + "|---:" * (len(rows[0]) - 1) + "|", *lines[1:]])


def details(outcomes: Outcomes) -> list[dict[str, Any]]:
    """What each detector said of each run."""
    return [
        {
            "detector": name,
            "run": one.run.name,
            "held_out": one.run.held_out,
            "faulty": one.run.faulty,
            "harmed": one.harmed,
            "begins": one.run.begins,
            "alarms": [
                {"rule": rule, "step": step, "right": right}
                for rule, step, right in zip(one.rules, one.steps, one.right, strict=True)
            ],
        }
        for name, of in outcomes.items()
        for one in of
    ]
