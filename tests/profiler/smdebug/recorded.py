"""Files of a training's profiler, in the shapes in which SageMaker has recorded them."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

BEGIN = 1_700_000_040_000_000
"""Unix microseconds at which it all begins: a full minute."""


def system(
    directory: Path, minute: int, lines: Iterable[str], node: str = "algo-1", hour: str = "2023111422"
) -> Path:
    """A minute of system metrics."""
    path = directory / "system" / "incremental" / hour / f"{minute}.{node}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(lines))
    return path


def line(kind: str, name: str | None, dimension: str, value: float, seconds: float, node: str = "algo-1") -> str:
    """One of its lines."""
    said: dict[str, Any] = {"Type": kind} | ({"Name": name} if name else {})
    said |= {"Dimension": dimension, "Value": value, "NodeId": node, "Timestamp": BEGIN / 1e6 + seconds}
    return json.dumps(said) + "\n"


def timeline(
    directory: Path,
    events: Iterable[dict[str, Any]],
    end: int,
    node: str = "905-algo-1",
    suffix: str = "pythontimeline.json",
) -> Path:
    """A file of events, each with the ``phase`` that it is of; phases are numbered from 1."""
    entries: list[dict[str, Any]] = [meta("process_name", 0, start_time_since_epoch_in_micros=BEGIN)]
    numbers: dict[str, int] = {}
    for event in events:
        phase = event.get("phase", event.get("name"))
        if phase not in numbers:
            numbers[phase] = len(numbers) + 1
            entries.append(meta("process_name", numbers[phase], name=phase))
        entries.append({**event, "pid": numbers[phase]})
        entries[-1].pop("phase", None)
    path = directory / "framework" / "pevents" / "2023111422" / f"{BEGIN + end}_{node}_{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("[\n" + ",\n".join(map(json.dumps, entries)) + "\n]\n")
    return path


def meta(what: str, pid: int, **args: Any) -> dict[str, Any]:
    """What describes a phase."""
    return {"name": what, "ph": "M", "pid": pid, "args": args}


def step(number: int, start: int, duration: int, mode: str = "TRAIN") -> dict[str, Any]:
    """A step, as smdebug counts them: those of each mode by themselves."""
    args = {"pid": 905, "step_num": str(number)}
    return {"name": f"Step:ModeKeys.{mode}", "ph": "X", "ts": start, "dur": duration, "args": args}


def part(phase: str, name: str, start: int, duration: int, **args: Any) -> dict[str, Any]:
    """Something else."""
    said = {"args": args} if args else {}
    return {"phase": phase, "name": name, "ph": "X", "ts": start, "dur": duration, **said}
