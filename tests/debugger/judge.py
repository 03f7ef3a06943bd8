"""smdebug itself, in an environment of its own: what it writes and what it reads."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.peers import peer_python


def smdebug(script: str, *arguments: str | Path, environment: Mapping[str, str] | None = None) -> Any:
    """What ``script`` prints as JSON in its last line; ``sys.argv[1:]`` are the arguments."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SMDEBUG_"))}
    done = subprocess.run(
        [peer_python("smdebug"), "-c", script, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=kept | {"SMDEBUG_LOG_LEVEL": "off"} | dict(environment or {}),
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


READ_ALL = """
import json, sys
from smdebug.trials import create_trial
from smdebug.core.modes import ModeKeys
trial = create_trial(sys.argv[1])
found = {"steps": trial.steps(), "workers": trial.workers(), "collections": {}, "tensors": {}}
found["modes"] = {mode.name: trial.steps(mode=mode) for mode in trial.modes()}
for name, collection in trial.collections().items():
    found["collections"][name] = trial.tensor_names(collection=name)
def shown(value):
    return [str(value.dtype), list(value.shape), value.tolist()]
for name in trial.tensor_names():
    tensor = trial.tensor(name)
    found["tensors"][name] = {}
    for step in tensor.steps():
        for worker in sorted(tensor.workers(step)):
            at = found["tensors"][name].setdefault(str(step), {}).setdefault(worker, {})
            for (reduction, absolute), value in tensor.reduction_values(step, worker=worker).items():
                at[("abs_" if absolute else "") + reduction] = value.item()
            for what, read in ("value", tensor.value), ("shape", tensor.shape):
                try:
                    found_at = read(step, worker=worker)
                except Exception:
                    continue
                at[what] = shown(found_at) if what == "value" else list(found_at)
                break
print(json.dumps(found))
"""
"""Everything of a trial, as smdebug reads it."""


def read_all(trial: Any) -> Any:
    """The same of a trial of ours."""

    def shown(value: Any) -> list[Any]:
        return [str(value.dtype), list(value.shape), value.tolist()]

    tensors: dict[str, Any] = {}
    for name in trial.tensor_names():
        tensor = trial.tensor(name)
        tensors[name] = {}
        for step in tensor.steps():
            for worker in tensor.workers(step):
                at = tensors[name].setdefault(str(step), {}).setdefault(worker, {})
                for (reduction, absolute), value in tensor.reduction_values(step, worker=worker).items():
                    at[("abs_" if absolute else "") + reduction] = value.item()
                entry = tensor.entry(step, worker=worker)
                if entry.location is not None:
                    at["value"] = shown(tensor.value(step, worker=worker))
                elif entry.shape is not None:
                    at["shape"] = list(tensor.shape(step, worker=worker))
    found = {
        "steps": trial.steps(),
        "workers": trial.workers(),
        "collections": {name: trial.tensor_names(collection=name) for name in trial.collections()},
        "tensors": tensors,
        "modes": {mode.name: trial.steps(mode=mode) for mode in trial.modes()},
    }
    return found
