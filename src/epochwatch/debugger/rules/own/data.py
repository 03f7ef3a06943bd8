"""Faults in what the model is fed, from the statistics of inputs and labels or from the arrays themselves."""

from collections import Counter, deque
from dataclasses import dataclass, field
from statistics import median

import numpy as np

from epochwatch.debugger.mode_keys import ModeKeys
from epochwatch.debugger.rules.finding import Finding
from epochwatch.debugger.rules.own.effects import ANYTHING, OUTCOMES
from epochwatch.debugger.rules.own.once import OnceRule
from epochwatch.debugger.rules.own.signals import Chosen, is_input, is_labels, is_table
from epochwatch.debugger.rules.stream import StepStatistics
from epochwatch.debugger.source import Array

_FINGERPRINT = ("std", "min", "max", "l2")


@dataclass
class _Fed(OnceRule):
    """Looks at what is fed while the model trains."""

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        return self.judge(step) if step.mode in (ModeKeys.TRAIN, ModeKeys.GLOBAL) else None

    def judge(self, step: StepStatistics) -> Finding | None:
        """What there is to say of a step that trains."""
        raise NotImplementedError


def _inputs() -> Chosen:
    return Chosen(lambda name, _: is_input(name))


def _labels() -> Chosen:
    return Chosen(lambda name, _: is_labels(name))


def _fingerprint(step: StepStatistics, places: Array) -> tuple[str, ...]:
    """Equal for equal batches, in whatever order their rows are, and hardly for others. Empty for those of zeros and
    ones, whose statistics are often the same.
    """
    values = {name: step.column(name)[places] for name in (*_FINGERPRINT, "mean", "size")}
    binary = (values["min"] == 0) & (values["max"] == 1)
    if (binary & (np.abs(values["l2"] ** 2 - values["mean"] * values["size"]) < 1e-3 * values["size"])).all():
        return ()
    return tuple(f"{value:.5g}" for name in _FINGERPRINT for value in values[name])


class _Batches:
    """What came last, and whether it was ever another thing."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, object]] = []
        self.others = False

    def add(self, step: int, found: object, most: int) -> None:
        self.others = self.others or bool(self.seen and self.seen[-1][1] != found)
        self.seen = [*self.seen[1 - most :], (step, found)]


@dataclass
class RepeatedBatches(_Fed):
    """The same batch comes ``times`` times in a row, or few different ones over and over: at most ``few`` in
    ``window`` samples. A training that never had another is perhaps one over all data at once: a remark, unless it
    has at most ``tiny`` rows. Labels that were saved whole tell, too, where they are not all alike.
    """

    times: int = 5
    few: int = 4
    window: int = 30
    tiny: int = 64
    cause = (
        "The iterator is made anew at each step, the sampler has a fixed seed, or the data set is far "
        "smaller than thought."
    )
    remedy = "Make the loader once per epoch; look at len(dataset) and at the sampler's seed."
    leads_to = OUTCOMES
    _chosen: Chosen = field(default_factory=_inputs, init=False)
    _labels: Chosen = field(default_factory=_labels, init=False)
    _batches: _Batches = field(default_factory=_Batches, init=False)
    _label_batches: _Batches = field(default_factory=_Batches, init=False)

    def judge(self, step: StepStatistics) -> Finding | None:
        """See ``_Fed``."""
        places = self._chosen.of(step)
        if len(places) and np.isfinite(step.column("mean")[places]).all():
            fingerprint = _fingerprint(step, places)
            found = (
                self._repeated(step, self._batches, fingerprint, step.names[places[0]]) if fingerprint else None
            )
            if found is not None:
                return found
        name, labels = self._whole_labels(step)
        if labels is None or len(np.unique(labels)) < 2 or labels.size < 8:
            return None
        return self._repeated(step, self._label_batches, labels.tobytes(), name, of_labels=True)

    def _whole_labels(self, step: StepStatistics) -> tuple[str, Array | None]:
        places = self._labels.of(step)
        name = step.names[places[0]] if len(places) else ""
        return name, step.raw.get(name) if name else None

    def _repeated(
        self, step: StepStatistics, batches: _Batches, found: object, name: str, *, of_labels: bool = False
    ) -> Finding | None:
        batches.add(step.step, found, self.window)
        seen = batches.seen
        recent = {one for _, one in seen}
        if not batches.others:
            rows = (*step.shapes.get(name, ()), self.tiny + 1)[0]
            if of_labels or len(seen) < (self.times if rows <= self.tiny else self.window):
                return None
            evidence = f"{name} was the same at all {len(seen)} samples by its statistics"
            return self._found(step, seen[0][0], evidence, name, only=rows > self.tiny)
        last = seen[-self.times :]
        if len({one for _, one in last}) == 1:
            evidence = f"{name} is the same at {self.times} samples in a row by its statistics"
            return self._found(step, last[0][0], evidence, name)
        if len(seen) == self.window and len(recent) <= self.few:
            evidence = f"{len(recent)} different batches in the last {self.window} samples, by {name}"
            return self._found(step, seen[0][0], evidence, name)
        return None

    def _found(self, step: StepStatistics, began: int, evidence: str, name: str, *, only: bool = False) -> Finding:
        return self.finding(
            step.step, began, evidence, kind="information" if only else "problem", confidence=0.5 if only else 0.9,
            tensors=[name],
        )  # fmt: skip


@dataclass
class NotShuffled(_Fed):
    """Means of the labels of more than ``share`` of ``window`` batches are further than ``errors`` standard
    errors from the mean over all, that is, batches do not have the mixture of the whole.
    """

    errors: float = 5.0
    share: float = 0.5
    window: int = 20
    cause = "Data come in the order in which they lie on the disk, by class or by time."
    remedy = "Shuffle: shuffle=True in the loader, a larger shuffle buffer, or a random permutation on the disk."
    leads_to = ANYTHING | {"ClassImbalance", "RepeatedBatches"}
    _chosen: Chosen = field(default_factory=_labels, init=False)
    _batches: list[tuple[float, float, float]] = field(default_factory=list, init=False)
    _steps: list[int] = field(default_factory=list, init=False)

    def judge(self, step: StepStatistics) -> Finding | None:
        """See ``_Fed``."""
        places = self._chosen.of(step)
        if not len(places):
            return None
        size, mean, std = (float(step.column(name)[places[0]]) for name in ("size", "mean", "std"))
        if not np.isfinite([size, mean, std]).all() or size < 4:
            return None
        self._batches.append((size, mean, std))
        self._steps.append(step.step)
        if len(self._batches) < self.window:
            return None
        sizes, means, stds = np.array(self._batches).T
        whole = float(np.average(means, weights=sizes))
        spread = float(np.sqrt(np.average(stds**2 + (means - whole) ** 2, weights=sizes)))
        if spread <= 0:
            return None
        away = np.abs(means - whole) / (spread / np.sqrt(sizes))
        far = int((away[-self.window :] > self.errors).sum())
        if far <= self.share * self.window:
            return None
        evidence = (
            f"the mean label of {far} of the last {self.window} batches is more than {self.errors:.0f} "
            "standard errors from "
            f"that of all; within a batch labels spread by {median(stds):.3g}, over all by {spread:.3g}"
        )
        return self.finding(step.step, self._steps[-self.window], evidence, tensors=[step.names[places[0]]])


@dataclass
class ClassImbalance(_Fed):
    """One class has more than ``ratio`` times the labels of the others in the mean and more than ``share`` of all,
    after ``least`` labels and 50 of each class in the mean. Needs labels that were saved whole, or of two classes.
    Labels of words, pixels and the like, of which a row of the inputs has many, are uneven by nature.
    """

    ratio: float = 10.0
    share: float = 0.8
    least: int = 500
    most_classes: int = 1000
    cause = "The data have far more of some classes than of others."
    remedy = "Weigh the loss by class, sample by class, or judge by a metric that counts classes alike."
    leads_to = OUTCOMES
    _chosen: Chosen = field(default_factory=_labels, init=False)
    _counts: Counter[int] = field(default_factory=Counter, init=False)
    _began: int | None = field(default=None, init=False)
    _of_two: bool = field(default=True, init=False)
    _given: Chosen = field(default_factory=_inputs, init=False)
    _of_parts: bool = field(default=False, init=False)

    def judge(self, step: StepStatistics) -> Finding | None:
        """See ``_Fed``."""
        places = self._chosen.of(step)
        counted = self._count(step, int(places[0])) if len(places) else None
        if counted is None:
            return None
        given = self._given.of(step)
        if len(given) and step.names[given[0]] in step.shapes:
            rows = (*step.shapes[step.names[given[0]]], 1)[0]
            self._of_parts = self._of_parts or bool(step.column("size")[places[0]] > rows)
        if self._of_parts:
            return None
        self._began = step.step if self._began is None else self._began
        self._counts.update(counted)
        total = self._counts.total()
        if total < max(self.least, 50 * len(self._counts)) or not 2 <= len(self._counts) <= self.most_classes:
            return None
        most, many = self._counts.most_common()[0]
        others = (total - many) / (len(self._counts) - 1)
        if many <= self.ratio * others or many <= self.share * total:
            return None
        evidence = (
            f"of {total:,} labels {many:,} are of class {most}, {many / others:.0f} times as many as of another"
        )
        return self.finding(step.step, self._began, evidence, tensors=[step.names[places[0]]], confidence=0.8)

    def _count(self, step: StepStatistics, place: int) -> dict[int, int] | None:
        labels = step.raw.get(step.names[place])
        if labels is not None:
            if labels.dtype.kind not in "iub" or labels.ndim != 1:
                return None
            classes, counts = np.unique(labels, return_counts=True)
            return dict(zip(classes.tolist(), counts.tolist(), strict=True))
        least, most = step.column("min")[place], step.column("max")[place]
        size, zeros = step.column("size")[place], step.column("zeros")[place]
        ones = step.column("mean")[place] * size
        if least < 0 or most > 1 or not np.isfinite([zeros, ones]).all() or abs(ones + zeros - size) > 1e-3 * size:
            self._of_two = False
        if not self._of_two:
            return None
        return {label: count for label, count in ((0, int(zeros)), (1, round(float(ones)))) if count}


@dataclass
class InputScale(_Fed):
    """Inputs are not normalised: a mean beyond ``mean`` or a deviation beyond ``most`` or below ``least``, at three
    samples in a row; or three ``within`` that many samples are not what they were at first: a deviation ``times``
    larger or smaller, or zeros in half of the elements that had none.
    """

    mean: float = 5.0
    most: float = 20.0
    least: float = 1e-3
    times: float = 5.0
    within: int = 20
    learned_from: int = 3
    cause = "Inputs are not normalised as the model expects."
    remedy = "Subtract the mean and divide by the deviation of the training data; the same when evaluating."
    leads_to = ANYTHING | {"PoorInitialLoss"}
    _chosen: Chosen = field(default_factory=_inputs, init=False)
    _off: list[int] = field(default_factory=list, init=False)
    _far: deque[tuple[int, int]] = field(default_factory=deque, init=False)
    _before: list[tuple[float, float]] = field(default_factory=list, init=False)
    _samples: int = field(default=0, init=False)

    def judge(self, step: StepStatistics) -> Finding | None:
        """See ``_Fed``."""
        places = self._chosen.of(step)
        if not len(places):
            return None
        place = int(places[0])
        size, mean, std, zeros = (float(step.column(name)[place]) for name in ("size", "mean", "std", "zeros"))
        if not np.isfinite([size, mean, std]).all() or size < 8 or self._are_tokens(step, place):
            return None
        self._samples += 1
        what = self._changed(std, zeros / size)
        far = what is not None
        what = what or self._unusual(mean, std)
        if what is None:
            self._off.clear()
            if len(self._before) < 20:
                self._before.append((std, zeros / size))
            return None
        self._off.append(step.step)
        if far:
            self._far.append((self._samples, step.step))
        while self._far and self._samples - self._far[0][0] >= self.within:
            self._far.popleft()
        if max(len(self._off), len(self._far)) < 3:
            return None
        name = step.names[place]
        began = self._off[0] if len(self._off) >= 3 else self._far[0][1]
        return self.finding(step.step, began, f"{name} {what}", tensors=[name], confidence=0.85)

    def _changed(self, std: float, zero: float) -> str | None:
        if len(self._before) < self.learned_from:
            return None
        usual, zeros = (median(values) for values in zip(*self._before, strict=True))
        if std > self.times * usual or self.times * std < usual:
            return f"has a standard deviation of {std:.3g}, where it had {usual:.3g} at first"
        if zero > zeros + 0.5:
            return f"is zero in {zero:.0%} of its elements, where it was in {zeros:.0%} at first"
        return None

    def _unusual(self, mean: float, std: float) -> str | None:
        if abs(mean) <= self.mean and self.least <= std <= self.most:
            return None
        return f"has a mean of {mean:.3g} and a standard deviation of {std:.3g}"

    @staticmethod
    def _are_tokens(step: StepStatistics, place: int) -> bool:
        """Whole numbers that a table is looked up by are no quantities."""
        whole = step.raw.get(step.names[place])
        if whole is not None:
            return whole.dtype.kind in "iu"
        ends = step.column("min")[place], step.column("max")[place]
        return all(float(end).is_integer() for end in ends) and any(is_table(name) for name in step.names)
