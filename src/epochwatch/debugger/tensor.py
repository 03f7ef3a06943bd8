"""A tensor of a trial through its steps."""

from bisect import bisect_right
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from epochwatch.debugger import reductions
from epochwatch.debugger.exceptions import (
    InvalidWorker,
    ShapeUnavailableForStep,
    StepNotYetAvailable,
    StepUnavailable,
    TensorUnavailableForStep,
)
from epochwatch.debugger.mode_keys import ModeKeys, StepState
from epochwatch.debugger.reductions import Reduction
from epochwatch.debugger.source import Array, Entry, Location

if TYPE_CHECKING:
    from epochwatch.debugger.trial import Trial


class Tensor:
    """The values and reductions of one name. Without ``worker`` it is the first that saved the step."""

    def __init__(self, name: str, trial: "Trial", cache: bool = False) -> None:
        self.name = name
        self.trial = trial
        self._cache: dict[Location, Array] | None = {} if cache else None

    def __repr__(self) -> str:
        return f"Tensor({self.name!r})"

    @property
    def original_name(self) -> str | None:
        """The name in the framework's own graph, where it differs and a shape was saved."""
        for step in self.steps(show_incomplete_steps=True):
            for entry in self.trial.entries(self.name, step).values():
                if entry.original_name:
                    return entry.original_name
        return None

    def steps(self, mode: ModeKeys = ModeKeys.GLOBAL, show_incomplete_steps: bool = False) -> list[int]:
        """Steps of the mode at which it was saved, ascending; by default those that all workers have written."""
        self.trial.maybe_refresh()
        return [
            shown
            for step, shown in self.trial.numbered_steps(mode)
            if self.trial.has_saved(self.name, step) and (show_incomplete_steps or self.trial.is_complete(step))
        ]

    def prev_steps(self, step: int, n: int | None = None, mode: ModeKeys = ModeKeys.GLOBAL) -> list[int]:
        """The last ``n`` steps (all without) up to ``step``, itself included."""
        before = self.steps(mode)
        before = before[: bisect_right(before, step)]
        return before[-n:] if n else before

    def workers(self, step_num: int, mode: ModeKeys = ModeKeys.GLOBAL) -> list[str]:
        """Who saved it at the step. Raises TensorUnavailableForStep."""
        found = self._known(step_num, mode)
        if not found:
            raise TensorUnavailableForStep(self.name, step_num, mode)
        return sorted(found)

    def value(self, step_num: int, mode: ModeKeys = ModeKeys.GLOBAL, worker: str | None = None) -> Array:
        """The array. Raises TensorUnavailableForStep, StepUnavailable, StepNotYetAvailable, InvalidWorker."""
        entry = self.entry(step_num, mode, worker)
        if entry.location is None:
            raise TensorUnavailableForStep(self.name, step_num, mode, bool(entry.reductions))
        return self._read(entry.location, step_num, mode)

    def values(self, mode: ModeKeys = ModeKeys.GLOBAL, worker: str | None = None) -> dict[int, Array]:
        """The array of each complete step, read together."""
        steps = self.steps(mode)
        entries = [self.entry(step, mode, worker) for step in steps]
        for step, entry in zip(steps, entries, strict=True):
            if entry.location is None:
                raise TensorUnavailableForStep(self.name, step, mode, bool(entry.reductions))
        found = self.trial.source.values([entry.location for entry in entries])
        return dict(zip(steps, found, strict=True))

    def shape(self, step_num: int, mode: ModeKeys = ModeKeys.GLOBAL, worker: str | None = None) -> tuple[int, ...]:
        """Its shape, as saved or of its value. Raises ShapeUnavailableForStep if there is neither."""
        entry = self.entry(step_num, mode, worker)
        if entry.shape is not None:
            return entry.shape
        if entry.location is None:
            raise ShapeUnavailableForStep(self.name, step_num, mode)
        return tuple(self._read(entry.location, step_num, mode).shape)

    def shapes(self, mode: ModeKeys = ModeKeys.GLOBAL, worker: str | None = None) -> dict[int, tuple[int, ...]]:
        """Its shape at each complete step."""
        return {step: self.shape(step, mode, worker) for step in self.steps(mode)}

    def reduction_value(
        self,
        step_num: int,
        reduction_name: str,
        mode: ModeKeys = ModeKeys.GLOBAL,
        worker: str | None = None,
        abs: bool = False,
    ) -> Any:
        """A reduction, as saved or else computed from the value. Raises TensorUnavailableForStep if there is
        neither, SMDebugValueError for a name that is no reduction.
        """
        entry = self.entry(step_num, mode, worker)
        saved = entry.reductions.get((reduction_name, abs))
        if saved is not None:
            return self._read(saved, step_num, mode)
        if entry.location is None:
            raise TensorUnavailableForStep(reduction_name, step_num, mode)
        return reductions.reduce(reduction_name, self._read(entry.location, step_num, mode), abs)

    def reduction_values(
        self, step_num: int, mode: ModeKeys = ModeKeys.GLOBAL, worker: str | None = None
    ) -> dict[Reduction, Any]:
        """The reductions saved at the step, by (name, of absolute values)."""
        saved: Mapping[Reduction, Location] = self.entry(step_num, mode, worker).reductions
        return dict(zip(saved, self.trial.source.values(list(saved.values())), strict=True))

    def entry(self, step_num: int, mode: ModeKeys = ModeKeys.GLOBAL, worker: str | None = None) -> Entry:
        """What is saved of a step, still unread. Raises as ``value``."""
        found = self._known(step_num, mode)
        if not found:
            self.trial.maybe_refresh(self.name)
            found = self._known(step_num, mode)
        if not found:
            raise self._absence(step_num, mode)
        if worker is None:
            return found[min(found)]
        if worker not in found:
            raise InvalidWorker(worker)
        return found[worker]

    def _known(self, step_num: int, mode: ModeKeys) -> dict[str, Entry]:
        return self.trial.entries(self.name, self.trial.known_global_step(mode, step_num))

    def _absence(self, step_num: int, mode: ModeKeys) -> Exception:
        state = self.trial.has_passed_step(step_num, mode)
        if state is StepState.AVAILABLE:
            return TensorUnavailableForStep(self.name, step_num, mode)
        if state is StepState.NOT_YET_AVAILABLE:
            return StepNotYetAvailable(step_num, mode)
        return StepUnavailable(step_num, mode)

    def _read(self, location: Location, step_num: int, mode: ModeKeys) -> Array:
        if self._cache is not None and location in self._cache:
            return self._cache[location]
        try:
            value = self.trial.source.values([location])[0]
        except FileNotFoundError as error:
            raise TensorUnavailableForStep(self.name, step_num, mode) from error
        if self._cache is not None:
            self._cache[location] = value
        return value
