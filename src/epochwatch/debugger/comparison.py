"""Two trials beside each other: what only one has, where they part for the first time, their statistics and scalars."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from epochwatch.debugger.bulk import read_statistics
from epochwatch.debugger.exceptions import SMDebugValueError
from epochwatch.debugger.mode_keys import ModeKeys
from epochwatch.debugger.reductions import reduce
from epochwatch.debugger.source import Array, Entry
from epochwatch.debugger.trial import Trial, no_refresh

_KEYS: Final = ("tensor", "step", "worker")
_SCALAR: Final = "value"
_COMPUTED: Final = ("mean", "std", "min", "max", "l2")
"""Statistics of tensors that are saved whole without any."""
_PAIRS_AT_ONCE: Final = 32
"""So many tensors of each trial are held in memory."""

_SHOWN: Final = 10

_Key = tuple[str, int, str]


class Difference(NamedTuple):
    """Where a tensor is not the same in both trials: at which step, of which worker, and what. ``what`` is ``type``,
    ``shape``, ``value`` or a statistic's name; ``a`` and ``b`` are what the trials have, of a value the element that
    differs most. ``absolute`` and ``relative`` are the largest there are; NaN where nothing can be subtracted.
    ``elements`` differ by more than is tolerated.
    """

    tensor: str
    step: int
    worker: str
    what: str
    a: Any
    b: Any
    absolute: float = np.nan
    relative: float = np.nan
    elements: int = 1

    def __str__(self) -> str:
        text = f"{self.tensor}, step {self.step}, {self.worker}: {self.what} {self.a} in a, {self.b} in b"
        if np.isnan(self.absolute):
            return text
        more = f", {self.elements} elements" if self.elements > 1 else ""
        return f"{text} (apart by {self.absolute:.3g}, {self.relative:.2%}{more})"


class _Apart(NamedTuple):
    """Element by element: whether two arrays are the same, and how far apart they are."""

    same: Array
    absolute: Array
    relative: Array


class ScalarPair(NamedTuple):
    """A number that each of the trials keeps through all their common steps, such as a hyperparameter."""

    name: str
    a: float
    b: float


@dataclass(frozen=True)
class Comparison:
    """What ``compare`` found. ``differences`` has the first of each tensor, in order of steps and then of the model;
    ``statistics`` is an Arrow table with a row for each tensor, step and worker that both have, and for each statistic
    the columns ``<name>_a`` and ``<name>_b``. ``unpaired`` are tensors of both that have no step in common.
    """

    a: str
    b: str
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    unpaired: tuple[str, ...]
    steps: tuple[int, ...]
    steps_only_a: tuple[int, ...]
    steps_only_b: tuple[int, ...]
    differences: tuple[Difference, ...]
    constants: tuple[ScalarPair, ...]
    statistics: Any

    @property
    def first(self) -> Difference | None:
        """The first difference of all; None if everything that both have is the same."""
        return self.differences[0] if self.differences else None

    @property
    def same(self) -> bool:
        """Whether both have the same tensors at the same steps with the same content."""
        parts = (self.only_a, self.only_b, self.unpaired, self.steps_only_a, self.steps_only_b, self.differences)
        return not any(parts)

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"a: {self.a}"
        yield f"b: {self.b}"
        for name, only in (("a", self.only_a), ("b", self.only_b)):
            if only:
                yield f"{_count(len(only), 'tensor')} only in {name}: {_listed(only)}"
        if self.unpaired:
            yield f"{_count(len(self.unpaired), 'tensor')} without a step in common: {_listed(self.unpaired)}"
        for name, steps in (("a", self.steps_only_a), ("b", self.steps_only_b)):
            if steps:
                yield f"{_count(len(steps), 'step')} only in {name}: {_listed(map(str, steps))}"
        for pair in self.constants:
            if pair.a != pair.b:
                yield f"{pair.name} is always {pair.a:g} in a, {pair.b:g} in b"
        if self.first is None:
            yield f"no difference in {_count(len(self.steps), 'common step')}"
            return
        yield f"first difference: {self.first}"
        yield f"{_count(len(self.differences), 'tensor')} with differences in {_count(len(self.steps), 'common step')}"
        for difference in self.differences[1 : _SHOWN + 1]:
            yield f"  {difference}"
        if len(self.differences) > _SHOWN + 1:
            yield f"  and {len(self.differences) - _SHOWN - 1} more"


def compare(
    trial_a: Trial,
    trial_b: Trial,
    *,
    rtol: float = 1e-5,
    atol: float = 1e-8,
    mode: ModeKeys = ModeKeys.GLOBAL,
    regex: str | Sequence[str] | None = None,
    collection: str | None = None,
) -> Comparison:
    """Compare what both trials have saved so far, at the same steps of the mode, worker by worker. Numbers are the
    same if they are apart by no more than ``atol`` plus ``rtol`` times the larger one, and NaN is the same as NaN;
    tensors that one of the trials has as statistics only are compared by those. Raises SMDebugValueError for a
    tolerance that is negative or no number.
    """
    for name, given in (("rtol", rtol), ("atol", atol)):
        if not given >= 0:
            raise SMDebugValueError(f"{name} is a number from 0, not {given!r}")
    for trial in (trial_a, trial_b):
        trial.maybe_refresh()
    with no_refresh([trial_a, trial_b]):
        selection = {"regex": regex, "collection": collection}
        sides = [_Side(trial, mode, selection) for trial in (trial_a, trial_b)]
        return _Comparing(sides[0], sides[1], rtol, atol).result()


class _Side:
    """One of the trials, of which some tensors are looked at, at the steps of a mode."""

    def __init__(self, trial: Trial, mode: ModeKeys, selection: Mapping[str, Any]) -> None:
        self.trial = trial
        self._mode, self._selection = mode, selection
        chosen = set(trial.tensor_names(mode=mode, **selection))
        self.names = [name for name in trial.known_names() if name in chosen]
        self.steps = {shown: step for step, shown in trial.numbered_steps(mode) if trial.is_complete(step)}
        self.scalars: dict[str, set[float]] = {}
        self._computed: list[dict[str, Any]] = []

    def entries(self, shown: int) -> dict[_Key, Entry]:
        """What is saved at a step of the mode."""
        step = self.steps[shown]
        return {
            (name, shown, worker): entry
            for name in self.names
            for worker, entry in self.trial.entries(name, step).items()
        }

    def values(self, entries: Mapping[_Key, Entry]) -> Iterator[tuple[_Key, Array]]:
        """The arrays of those that are saved whole; statistics of them are noted where none are saved."""
        keys = [key for key, entry in entries.items() if entry.location is not None]
        for number, value in self.trial.source.each([entries[key].location for key in keys]):
            key = keys[number]
            self._note(key, entries[key], value)
            yield key, value

    def _note(self, key: _Key, entry: Entry, value: Array) -> None:
        if value.dtype.kind not in "fiub" or not value.size:
            return
        row = dict(zip(_KEYS, key, strict=True))
        if value.size == 1:
            number = float(value.reshape(()))
            self.scalars.setdefault(key[0], set()).add(number)
            self._computed.append(row | {_SCALAR: number})
        elif not entry.reductions:
            with np.errstate(all="ignore"):
                self._computed.append(row | {name: float(reduce(name, value)) for name in _COMPUTED})

    def statistics(self, suffix: str, steps: Sequence[int]) -> Any:
        """A table of the keys and each statistic: as it is saved, or else computed."""
        saved = read_statistics(self.trial, mode=self._mode, **self._selection)
        step = saved["step" if self._mode is ModeKeys.GLOBAL else "mode_step"]
        names = [name for name in saved.column_names if name not in (*_KEYS, "mode", "mode_step", "time")]
        keys = {"tensor": saved["tensor"], "step": step, "worker": saved["worker"]}
        whole = _table(keys | {name: saved[name] for name in names})
        if self._computed:
            columns = (*_KEYS, _SCALAR, *_COMPUTED)
            computed = _table({name: [row.get(name) for row in self._computed] for name in columns})
            computed = computed.join(whole.select(_KEYS), list(_KEYS), join_type="left anti")
            whole = pa.concat_tables([whole, computed], promote_options="default")
        whole = whole.filter(pc.is_in(whole["step"], pa.array(steps, pa.int64())))
        kept = [name for name in whole.column_names if name in _KEYS or whole[name].null_count < len(whole)]
        return whole.select(kept).rename_columns([n if n in _KEYS else f"{n}_{suffix}" for n in kept])


def _table(columns: Mapping[str, Any]) -> Any:
    types = {"tensor": pa.string(), "step": pa.int64(), "worker": pa.string()}
    return pa.table({name: _column(values, types.get(name, pa.float64())) for name, values in columns.items()})


def _column(values: Any, kind: Any) -> Any:
    return pa.array(values, kind) if isinstance(values, list) else values.cast(kind)


class _Comparing:
    def __init__(self, a: _Side, b: _Side, rtol: float, atol: float) -> None:
        self._a, self._b = a, b
        self._rtol, self._atol = rtol, atol
        self._by_value: set[_Key] = set()
        self._paired: set[str] = set()
        self._found: dict[str, Difference] = {}

    def result(self) -> Comparison:
        a, b = self._a, self._b
        common = set(a.names) & set(b.names)
        steps = sorted(set(a.steps) & set(b.steps))
        for step in steps:
            self._compare_values(step)
        table = a.statistics("a", steps).join(b.statistics("b", steps), list(_KEYS), join_type="inner")
        table = table.sort_by([(name, "ascending") for name in _KEYS])
        self._compare_statistics(table)
        order = {name: place for place, name in enumerate(a.names)}
        return Comparison(
            a.trial.path,
            b.trial.path,
            tuple(name for name in a.names if name not in common),
            tuple(name for name in b.names if name not in common),
            tuple(name for name in a.names if name in common - self._paired),
            tuple(steps),
            tuple(sorted(set(a.steps) - set(b.steps))),
            tuple(sorted(set(b.steps) - set(a.steps))),
            tuple(sorted(self._found.values(), key=lambda found: (found.step, order[found.tensor]))),
            tuple(_constants(a.scalars, b.scalars)),
            table,
        )

    def _compare_values(self, step: int) -> None:
        entries_a, entries_b = self._a.entries(step), self._b.entries(step)
        pairs = [key for key in entries_a if key in entries_b]
        self._paired.update(key[0] for key in pairs)
        for first in range(0, len(pairs), _PAIRS_AT_ONCE):
            some = pairs[first : first + _PAIRS_AT_ONCE]
            values = dict(self._a.values(_worth_reading(some, entries_a, entries_b)))
            for key, value in self._b.values(_worth_reading(some, entries_b, entries_a)):
                if key in values:
                    self._by_value.add(key)
                    self._add(self._difference(key, values[key], value))

    def _add(self, difference: Difference | None) -> None:
        if difference is not None:
            known = self._found.get(difference.tensor)
            if known is None or difference.step < known.step:
                self._found[difference.tensor] = difference

    def _difference(self, key: _Key, a: Array, b: Array) -> Difference | None:
        if a.dtype != b.dtype:
            return Difference(*key, "type", str(a.dtype), str(b.dtype))
        if a.shape != b.shape:
            return Difference(*key, "shape", a.shape, b.shape)
        if a.dtype.kind not in "fiubc":
            differing = np.flatnonzero(a.ravel() != b.ravel())
            if not len(differing):
                return None
            place = differing[0]
            return Difference(*key, "value", a.flat[place], b.flat[place], elements=len(differing))
        return self._numeric_difference(key, np.ravel(a), np.ravel(b))

    def _numeric_difference(self, key: _Key, a: Array, b: Array) -> Difference | None:
        if np.array_equal(a, b):
            return None
        a, b = (side.astype(np.complex128 if side.dtype.kind == "c" else np.float64) for side in (a, b))
        apart = self._apart(a, b)
        differing = np.flatnonzero(~apart.same)
        if not len(differing):
            return None
        sizes = apart.absolute[differing]
        most = differing[np.argmax(np.where(np.isnan(sizes), np.inf, sizes))]
        absolute = float(apart.absolute[most])
        relative = float(np.max(apart.relative[differing])) if np.isfinite(absolute) else np.nan
        return Difference(*key, "value", a[most].item(), b[most].item(), absolute, relative, len(differing))

    def _apart(self, a: Array, b: Array, spread: Array | float = 0.0) -> _Apart:
        """``spread`` is a size to which ``rtol`` refers where the numbers are smaller."""
        with np.errstate(all="ignore"):
            equal = (a == b) | (np.isnan(a) & np.isnan(b))
            absolute = np.where(equal, 0.0, np.abs(a - b))
            size = np.maximum(np.abs(a), np.abs(b))
            tolerated = self._atol + self._rtol * np.fmax(size, spread)
            same = equal | (np.isfinite(absolute) & (absolute <= tolerated))
            return _Apart(same, absolute, np.where(equal, 0.0, absolute / size))

    def _compare_statistics(self, table: Any) -> None:
        """What was not compared by value is compared by its statistics."""
        if not len(table):
            return
        keys = list(zip(*(table[name].to_pylist() for name in _KEYS), strict=True))
        open_rows = np.array([key not in self._by_value for key in keys])
        names = [name.removesuffix("_a") for name in table.column_names if name.endswith("_a")]
        for name in names:
            if f"{name}_b" in table.column_names:
                a, b = (table[f"{name}_{side}"].to_numpy() for side in "ab")
                both = pc.and_(table[f"{name}_a"].is_valid(), table[f"{name}_b"].is_valid()).to_numpy()
                rows = np.flatnonzero(open_rows & both)
                self._compare_statistic(
                    name, [keys[row] for row in rows], a[rows], b[rows], _spread(name, table)[rows]
                )

    def _compare_statistic(self, name: str, keys: Sequence[_Key], a: Array, b: Array, spread: Array) -> None:
        apart = self._apart(a, b, spread)
        for row in np.flatnonzero(~apart.same).tolist():
            if keys[row][0] not in self._found or keys[row][1] < self._found[keys[row][0]].step:
                absolute, relative = float(apart.absolute[row]), float(apart.relative[row])
                self._add(Difference(*keys[row], name, float(a[row]), float(b[row]), absolute, relative))


def _worth_reading(
    pairs: Iterable[_Key], entries: Mapping[_Key, Entry], others: Mapping[_Key, Entry]
) -> dict[_Key, Entry]:
    """Those that the other has whole, too, or that have no statistics to compare."""
    return {key: entries[key] for key in pairs if others[key].location is not None or not entries[key].reductions}


def _spread(name: str, table: Any) -> Array:
    """The size of the numbers behind a mean near 0: it is what is left of them, and of their rounding."""
    found = np.zeros(len(table))
    if name == "mean":
        for column in {"std_a", "std_b"} & set(table.column_names):
            found = np.fmax(found, table[column].to_numpy())
    return found


def _constants(a: Mapping[str, set[float]], b: Mapping[str, set[float]]) -> Iterator[ScalarPair]:
    for name in a:
        if len(a[name]) == len(b.get(name, ())) == 1:
            yield ScalarPair(name, next(iter(a[name])), next(iter(b[name])))


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
