"""Small trials on disk, and a built-in rule run over all their steps."""

from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from epochwatch.debugger import Collection, ModeKeys, SmdebugWriter, Statistics, StoreWriter, Trial, create_trial
from epochwatch.debugger.exceptions import RuleEvaluationConditionMet
from epochwatch.debugger.rules.builtin import BuiltinRule, built_rule

COLLECTIONS = [
    Collection("gradients", ["^gradient"]),
    Collection("weights", ["^(?!gradient).*weight"]),
    Collection("losses", ["[Ll]oss"]),
    Collection("labels", ["^labels"]),
    Collection("predictions", ["^predictions"]),
]
Step = Mapping[str, Any]


def values_trial(
    path: Path, steps: Sequence[Step] | Mapping[int, Step], modes: Mapping[int, ModeKeys] | None = None
) -> Trial:
    """A trial in smdebug's layout with the values of each step; ``modes`` by global step, GLOBAL without."""
    numbered = steps if isinstance(steps, Mapping) else dict(enumerate(steps))
    writer = SmdebugWriter(str(path), collections=COLLECTIONS)
    counts = {mode: count() for mode in ModeKeys}
    for step, tensors in numbered.items():
        mode = (modes or {}).get(step, ModeKeys.GLOBAL)
        mode_step = step if mode is ModeKeys.GLOBAL else next(counts[mode])
        arrays = {name: np.asarray(value) for name, value in tensors.items()}
        writer.write_step(step, arrays, mode=mode, mode_step=mode_step)
    writer.end_training()
    return create_trial(str(path))


def statistics_trial(path: Path, steps: Sequence[Mapping[str, Mapping[str, float]]]) -> Trial:
    """A trial in our own format with nothing but statistics, by tensor and column."""
    writer = StoreWriter(str(path), collections=COLLECTIONS)
    for step, tensors in enumerate(steps):
        columns = {
            name: np.array([one[name] for one in tensors.values()]) for name in next(iter(tensors.values()))
        }
        writer.write_step(step, statistics=Statistics(list(tensors), columns))
    writer.end_training()
    return create_trial(str(path))


def reductions_trial(path: Path, steps: Sequence[Mapping[str, Mapping[tuple[str, bool], float]]]) -> Trial:
    """A trial in smdebug's layout with nothing but reductions, by tensor and (name, of absolute values)."""
    writer = SmdebugWriter(str(path), collections=COLLECTIONS)
    for step, reductions in enumerate(steps):
        wanted = {name: {key: np.float32(one) for key, one in found.items()} for name, found in reductions.items()}
        writer.write_step(step, {}, reductions=wanted)
    writer.end_training()
    return create_trial(str(path))


def run(
    name: str, trial: Trial, other_trials: Sequence[Trial] = (), **parameters: Any
) -> tuple[BuiltinRule, list[int]]:
    """The rule after all steps, and the steps at which it fired."""
    rule = built_rule(name, parameters, trial, other_trials)
    fired = []
    for step in trial.steps():
        try:
            rule.invoke(step)
        except RuleEvaluationConditionMet:
            fired.append(step)
    return rule, fired


def fired(name: str, trial: Trial, **parameters: Any) -> list[int]:
    """The steps at which a rule fired."""
    return run(name, trial, **parameters)[1]
