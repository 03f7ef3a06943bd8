"""Hyperparameter tuning: which values to try next, which trainings to give up, and when it is enough.

Values are texts, as hyperparameters are. What comes next is a function of the seed and of what was tried, so that a
tuning that goes on after a restart does what it would have done.
"""

import itertools
import math
import random
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

IMPROVEMENT: Final = 0.01
"""By what share the best value must get better to count as an improvement."""
CONVERGED_AFTER: Final = 10
"""Trainings without an improvement after which a tuning has converged."""
CURVES_TO_JUDGE_BY: Final = 3
REDUCTION: Final = 3
"""Of the trainings at a rung of Hyperband, one in so many goes on."""
MOST_EPOCHS: Final = 20_000
_EPOCH_NAMES: Final = ("epochs", "numepochs", "n-epochs", "n_epochs", "num_epochs")
_WIDE: Final = 100.0
"""From which ratio of its ends on an automatic scale is logarithmic."""
_STARTUP: Final = 10
"""Trainings with values at random before a model is trusted."""

Values = Mapping[str, str]


class InvalidTuning(Exception):
    """Why a tuning cannot be as it was asked for."""


@dataclass(frozen=True, slots=True)
class NumberRange:
    """Numbers from ``low`` to ``high``, both included, evenly on a scale."""

    name: str
    low: float
    high: float
    scaling: str
    """``Linear``, ``Logarithmic`` or ``ReverseLogarithmic``."""
    whole: bool

    def at(self, position: float) -> str:
        """The value at a position from 0 to 1 on the scale."""
        low, high = self._scaled(self.low), self._scaled(self.high)
        scaled = low + (high - low) * position
        value = scaled
        if self.scaling == "Logarithmic":
            value = math.exp(scaled)
        elif self.scaling == "ReverseLogarithmic":
            value = 1 - math.exp(-scaled)
        value = min(max(value, self.low), self.high)
        return str(round(value)) if self.whole else repr(value)

    def position(self, text: str) -> float:
        """The position of a value; of one outside, that of the nearer end. Raises ValueError for no number."""
        low, high = self._scaled(self.low), self._scaled(self.high)
        value = min(max(float(text), self.low), self.high)
        return 0.0 if high == low else (self._scaled(value) - low) / (high - low)

    def _scaled(self, value: float) -> float:
        if self.scaling == "Logarithmic":
            return math.log(value)
        return -math.log(1 - value) if self.scaling == "ReverseLogarithmic" else value


@dataclass(frozen=True, slots=True)
class ChoiceRange:
    """One of some values."""

    name: str
    choices: tuple[str, ...]


Space = Sequence[NumberRange | ChoiceRange]


@dataclass(frozen=True, slots=True)
class Trial:
    """A training: its values, and what came of it."""

    values: Values
    objective: float | None
    """The final value of the objective metric; None while it runs, and where there is none."""
    ended: bool


def space_of(ranges: Mapping[str, Any]) -> list[NumberRange | ChoiceRange]:
    """The ranges of a request's ``ParameterRanges``. Raises InvalidTuning."""
    space: list[NumberRange | ChoiceRange] = []
    for given in ranges.get("IntegerParameterRanges", []):
        space.append(_number_range(given, whole=True))
    for given in ranges.get("ContinuousParameterRanges", []):
        space.append(_number_range(given, whole=False))
    for given in ranges.get("CategoricalParameterRanges", []):
        space.append(ChoiceRange(given["Name"], tuple(dict.fromkeys(given["Values"]))))
    for given in ranges.get("AutoParameters", []):
        space.append(_around(given["Name"], given["ValueHint"]))
    names = [one.name for one in space]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidTuning(f"The hyperparameter {twice} has more than one range.")
    return space


def grid(space: Space) -> Iterator[dict[str, str]]:
    """Every combination of choices. Raises InvalidTuning for a range of numbers."""
    for one in space:
        if isinstance(one, NumberRange):
            raise InvalidTuning(
                f"Grid search only supports categorical hyperparameters: {one.name} has a range of numbers."
            )
    choices = [one.choices for one in space if isinstance(one, ChoiceRange)]
    for combination in itertools.product(*choices):
        yield {one.name: value for one, value in zip(space, combination, strict=True)}


def grid_size(space: Space) -> int:
    """How many combinations a grid has. Raises InvalidTuning for a range of numbers."""
    next(grid(space), None)
    return math.prod(len(one.choices) for one in space if isinstance(one, ChoiceRange))


def next_values(
    strategy: str, space: Space, trials: Sequence[Trial], *, maximize: bool, seed: int, count: int
) -> list[dict[str, str]]:
    """Up to ``count`` combinations to try next; fewer where a grid has no more."""
    if strategy == "Grid":
        tried = [dict(trial.values) for trial in trials]
        return list(itertools.islice((one for one in grid(space) if one not in tried), count))
    if strategy == "Random" or len(trials) + count <= _STARTUP or not space:
        return _at_random(space, trials, seed, count)
    return _by_model(space, trials, maximize, seed, count)


def falls_behind(curve: Sequence[float], others: Iterable[Sequence[float]], *, maximize: bool) -> bool:
    """Whether a training's newest value is worse than the median, over those that have ended, of their mean up to the
    same epoch: SageMaker's rule to stop a training early.
    """
    epoch = len(curve)
    if not epoch:
        return False
    means = [statistics.fmean(other[:epoch]) for other in others if len(other) >= epoch]
    if len(means) < CURVES_TO_JUDGE_BY:
        return False
    median = statistics.median(means)
    return curve[-1] < median if maximize else curve[-1] > median


def halved_away(
    curve: Sequence[float], others: Sequence[Sequence[float]], *, maximize: bool, least: int, most: int
) -> bool:
    """Hyperband's decision: a training stops at ``most`` values, and at each rung (``least``, three times as many, ...)
    where it is not among the best third of all that came so far.
    """
    if len(curve) >= most:
        return True
    rung = least
    while rung <= len(curve):
        peers = [other[rung - 1] for other in others if len(other) >= rung]
        here = curve[rung - 1]
        better = sum(peer > here if maximize else peer < here for peer in peers)
        if len(peers) + 1 >= REDUCTION and better >= max(1, (len(peers) + 1) // REDUCTION):
            return True
        rung *= REDUCTION
    return False


def resources_of(config: Mapping[str, Any], fixed: Values) -> tuple[int, int]:
    """Hyperband's least and most epochs. Raises InvalidTuning where the most cannot be told."""
    hyperband = config.get("StrategyConfig", {}).get("HyperbandStrategyConfig", {})
    least, most = hyperband.get("MinResource", 1), hyperband.get("MaxResource")
    if most is None:
        found = (fixed[name].strip('"') for name in _EPOCH_NAMES if name in fixed)
        most = next((int(text) for text in found if text.isdigit()), None)
    if most is None:
        raise InvalidTuning(
            "MaxResource of HyperbandStrategyConfig is required: it cannot be inferred, as StaticHyperParameters has"
            f" none of {', '.join(_EPOCH_NAMES)}."
        )
    if not least <= most <= MOST_EPOCHS:
        raise InvalidTuning(f"MinResource must not exceed MaxResource, and MaxResource not {MOST_EPOCHS}.")
    return int(least), int(most)


def not_improving(objectives: Sequence[float], *, maximize: bool) -> int:
    """How many of the newest objectives did not improve the best one by at least 1 %."""
    best, since = None, 0
    for value in objectives:
        if best is None:
            best = value
            continue
        gain = value - best if maximize else best - value
        if gain > 0 and gain >= IMPROVEMENT * abs(best):
            best, since = value, 0
        else:
            since += 1
    return since


def best_of(objectives: Mapping[str, float], *, maximize: bool) -> str | None:
    """The name with the best objective, the first of equals; None for none."""
    if not objectives:
        return None
    choose = max if maximize else min
    return choose(objectives, key=lambda name: objectives[name])


def reached(objectives: Iterable[float], target: float, *, maximize: bool) -> bool:
    """Whether an objective is at least as good as the target."""
    return any(value >= target if maximize else value <= target for value in objectives)


def _number_range(given: Mapping[str, str], *, whole: bool) -> NumberRange:
    name, scaling = given["Name"], given.get("ScalingType", "Auto")
    try:
        low, high = float(given["MinValue"]), float(given["MaxValue"])
    except ValueError:
        low = high = math.nan
    if (
        not math.isfinite(low)
        or not math.isfinite(high)
        or (whole and not (low.is_integer() and high.is_integer()))
    ):
        kind = "whole numbers" if whole else "numbers"
        raise InvalidTuning(f"MinValue and MaxValue of hyperparameter {name} must be {kind}.")
    if low > high:
        raise InvalidTuning(f"MinValue of hyperparameter {name} must not be greater than its MaxValue.")
    if scaling == "Auto":
        scaling = "Logarithmic" if low > 0 and high / low >= _WIDE else "Linear"
    if scaling == "Logarithmic" and low <= 0:
        raise InvalidTuning(f"Logarithmic scaling of hyperparameter {name} needs a MinValue greater than 0.")
    if scaling == "ReverseLogarithmic" and (whole or not (low >= 0 and high < 1)):
        raise InvalidTuning(
            f"ReverseLogarithmic scaling of hyperparameter {name} needs a continuous range within 0 <= x < 1.0."
        )
    return NumberRange(name, low, high, scaling, whole)


def _around(name: str, hint: str) -> NumberRange | ChoiceRange:
    """The range of a hyperparameter of which only a hint is given: a tenth to ten times a number, else the hint."""
    try:
        value = float(hint)
    except ValueError:
        return ChoiceRange(name, (hint,))
    whole = hint.strip().lstrip("+-").isdigit()
    ends = sorted((value / 10, value * 10)) if value else [0.0, 1.0]
    low, high = (math.ceil(ends[0]), math.floor(ends[1])) if whole else ends
    return NumberRange(name, float(low), float(high), "Logarithmic" if low > 0 else "Linear", whole)


def _at_random(space: Space, trials: Sequence[Trial], seed: int, count: int) -> list[dict[str, str]]:
    tried = [dict(trial.values) for trial in trials]
    found: list[dict[str, str]] = []
    for index in range(len(trials), len(trials) + count):
        draw = random.Random(f"{seed}:{index}")  # noqa: S311
        for _ in range(100):  # a space may have fewer combinations than there are to be trainings
            values = {one.name: _drawn(one, draw) for one in space}
            if values not in tried and values not in found:
                break
        found.append(values)
    return found


def _drawn(one: NumberRange | ChoiceRange, draw: random.Random) -> str:
    if isinstance(one, ChoiceRange):
        return draw.choice(one.choices)
    if one.whole and one.scaling == "Linear":
        return str(draw.randint(int(one.low), int(one.high)))
    return one.at(draw.random())


def _by_model(
    space: Space, trials: Sequence[Trial], maximize: bool, seed: int, count: int
) -> list[dict[str, str]]:
    """By a tree-structured Parzen estimator over positions on the scales; trainings that run count as if they turned
    out badly, so that the next ones keep away from them.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    distributions: dict[str, Any] = {
        one.name: optuna.distributions.CategoricalDistribution(one.choices)
        if isinstance(one, ChoiceRange)
        else optuna.distributions.FloatDistribution(0.0, 1.0)
        for one in space
    }
    sampler = optuna.samplers.TPESampler(
        seed=(seed + len(trials)) % 2**32, n_startup_trials=_STARTUP, constant_liar=True
    )
    study = optuna.create_study(sampler=sampler, direction="maximize" if maximize else "minimize")
    states = optuna.trial.TrialState
    for trial in trials:
        place = _place(space, trial.values)
        state = states.COMPLETE if trial.objective is not None else states.FAIL if trial.ended else states.RUNNING
        if place is not None:
            study.add_trial(
                optuna.trial.create_trial(
                    state=state, value=trial.objective, params=place, distributions=distributions
                )
            )
    found = []
    for _ in range(count):
        asked = study.ask(distributions).params
        found.append(
            {
                one.name: asked[one.name] if isinstance(one, ChoiceRange) else one.at(asked[one.name])
                for one in space
            }
        )
    return found


def _place(space: Space, values: Values) -> dict[str, Any] | None:
    """Where values are in the space; None for those of another space, as an earlier tuning may have."""
    place: dict[str, Any] = {}
    for one in space:
        text = values.get(one.name)
        if text is None:
            return None
        if isinstance(one, ChoiceRange):
            if text not in one.choices:
                return None
            place[one.name] = text
        else:
            try:
                place[one.name] = one.position(text)
            except ValueError:
                return None
    return place
