"""A training's saved tensors, read while it runs or afterwards; names and meanings are smdebug's."""

import logging
import os
import re
import time
from bisect import bisect_left
from collections.abc import Collection as Names
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from epochwatch.debugger.collection import Collection, CollectionManager
from epochwatch.debugger.exceptions import (
    MissingCollectionFiles,
    NoMoreData,
    SMDebugTypeError,
    StepUnavailable,
    TensorUnavailable,
)
from epochwatch.debugger.mode_keys import ModeKeys, StepState
from epochwatch.debugger.source import Entries, Entry, Location, SavedStep, Source
from epochwatch.debugger.tensor import Tensor

_LOG = logging.getLogger(__name__)
PAUSE_SECONDS: Final = 0.5
PAUSES_BEFORE_WARNING: Final = 20
_NO_STEP: Final = -1


class Trial:
    """The tensors of one training. Opening it waits until all workers have written their collections."""

    def __init__(self, name: str, path: str, source: Source, cache: bool = False) -> None:
        self.name = name
        self.path = path
        self.source = source
        self.loaded_all_steps = False
        self.dynamic_refresh = True
        self.last_complete_step = _NO_STEP
        self.logger = _LOG
        self._cache = cache
        self._tensors: dict[str, Tensor] = {}
        self._saved: dict[int, dict[str, list[Entries]]] = {}
        self._tensors_of_mode: dict[ModeKeys, set[str]] = {}
        self._names_added: dict[ModeKeys, Names[str]] = {}
        self._mode_of_step: dict[int, tuple[ModeKeys, int]] = {}
        self._step_of_mode: dict[ModeKeys, dict[int, int]] = {}
        self._numbered: dict[ModeKeys, list[tuple[int, int]]] = {}
        self._window = int(os.environ.get("SMDEBUG_INCOMPLETE_STEP_WAIT_WINDOW", "1000"))
        self._workers, self.collection_manager = self._wait_for_collections()
        self.num_workers = self.collection_manager.num_workers
        self.refresh_data()

    def __repr__(self) -> str:
        return (
            f"Trial({self.name!r}, {self.path!r}, {len(self._mode_of_step)} steps, {len(self._tensors)} tensors)"
        )

    def __hash__(self) -> int:
        return hash((self.name, self.path))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Trial) and (self.name, self.path) == (other.name, other.path)

    def _wait_for_collections(self) -> tuple[set[str], CollectionManager]:
        pauses = 0
        while True:
            ended = self.source.ended()
            found = self.source.collections()
            first = found[min(found)] if found else None
            if first is not None and len(found) >= first.num_workers:
                return set(found), first
            if ended:
                raise MissingCollectionFiles
            pauses += 1
            if pauses == PAUSES_BEFORE_WARNING:
                _LOG.warning(
                    "still waiting for the collections of all workers below %s: is the path right?", self.path
                )
            time.sleep(PAUSE_SECONDS)

    # What has come

    def maybe_refresh(self, name: str | None = None) -> None:
        """Read what came since, unless everything is read or refreshing is off (``no_refresh``)."""
        if not self.loaded_all_steps and self.dynamic_refresh:
            self.refresh_data()

    def refresh_tensor(self, tname: str, steps: Sequence[int] | None = None) -> None:
        """Read what came since."""
        self.refresh_data()

    def refresh_data(self) -> None:
        """Read what came since. The end mark is looked for first, so that nothing written before it is missed."""
        ended = self.source.ended()
        for saved in self.source.news(self.last_complete_step):
            self._add(saved)
        self._give_up_on_old_steps()
        if ended and not self.loaded_all_steps:
            self.loaded_all_steps = True
            self.last_complete_step = max(self._mode_of_step, default=self.last_complete_step)

    def _add(self, saved: SavedStep) -> None:
        step, mode = saved.step, saved.mode
        if step not in self._mode_of_step:
            self._mode_of_step[step] = (mode, saved.mode_step)
            self._numbered.clear()
        if mode is not ModeKeys.GLOBAL:
            self._step_of_mode.setdefault(mode, {}).setdefault(saved.mode_step, step)
        if self._names_added.get(mode) is not saved.names:
            self._names_added[mode] = saved.names
            self._tensors_of_mode.setdefault(mode, set()).update(saved.names)
            for name in saved.names:
                if name not in self._tensors:
                    self._tensors[name] = Tensor(name, self, self._cache)
        workers = self._saved.setdefault(step, {})
        workers.setdefault(saved.worker, []).append(saved.entries)
        if len(workers) >= self.num_workers:
            self.last_complete_step = max(self.last_complete_step, step)

    def _give_up_on_old_steps(self) -> None:
        """A worker that stopped must not hold up the others for ever: of too many steps that wait, the older half
        counts as complete.
        """
        waiting = sorted(step for step in self._mode_of_step if step > self.last_complete_step)
        if len(waiting) > self._window:
            self.last_complete_step = waiting[self._window // 2 - 1]
            _LOG.warning("steps up to %d count as complete: not all workers wrote them", self.last_complete_step)

    def has_saved(self, tname: str, step: int) -> bool:
        """Whether any worker saved the tensor at a global step, as far as read."""
        return any(tname in saved for parts in self._saved.get(step, {}).values() for saved in parts)

    def entries(self, tname: str, step: int) -> dict[str, Entry]:
        """By worker what was saved of a tensor at a global step, as far as read; of something saved again, the
        latest.
        """
        found: dict[str, Entry] = {}
        for worker, parts in self._saved.get(step, {}).items():
            if saved := [part[tname] for part in parts if tname in part]:
                found[worker] = _together(saved)
        return found

    def saved(self, step: int, worker: str) -> dict[str, Entry]:
        """The same by tensor, of one worker at a global step."""
        parts = self._saved.get(step, {}).get(worker, [])
        names = dict.fromkeys(name for part in parts for name in part)
        return {name: _together([part[name] for part in parts if name in part]) for name in names}

    def locations(self, tnames: Sequence[str], step: int) -> Iterator[tuple[str, str, Location]]:
        """(tensor, worker, where its value is) of what was saved whole of some tensors at a global step, as far as
        read.
        """
        for worker, parts in sorted(self._saved.get(step, {}).items()):
            for name in tnames:
                location = None
                for part in parts:
                    location = part.location(name) or location
                if location is not None:
                    yield name, worker, location

    # Steps

    def numbered_steps(self, mode: ModeKeys) -> list[tuple[int, int]]:
        """(global step, step of the mode) of all that is known, ascending; reads nothing."""
        found = self._numbered.get(mode)
        if found is None:
            if mode is ModeKeys.GLOBAL:
                found = sorted((step, step) for step in self._mode_of_step)
            else:
                found = sorted(
                    ((step, shown) for shown, step in self._step_of_mode.get(mode, {}).items()),
                    key=lambda pair: pair[1],
                )
            self._numbered[mode] = found
        return found

    def is_complete(self, step: int) -> bool:
        """Whether all workers that will write this global step have."""
        return step <= self.last_complete_step

    def steps(self, mode: ModeKeys = ModeKeys.GLOBAL, show_incomplete_steps: bool = False) -> list[int]:
        """Steps of the mode, ascending; by default those that all workers have written."""
        self.maybe_refresh()
        numbered = self.numbered_steps(mode)
        return [shown for step, shown in numbered if show_incomplete_steps or self.is_complete(step)]

    def modes(self) -> list[ModeKeys]:
        """The modes that have steps; GLOBAL is none of them."""
        return list(self._step_of_mode)

    def known_global_step(self, mode: ModeKeys, mode_step: int) -> int:
        """The global step of a mode's step as far as read; -1 if unknown."""
        if mode is ModeKeys.GLOBAL:
            return mode_step
        return self._step_of_mode.get(mode, {}).get(mode_step, _NO_STEP)

    def global_step(self, mode: ModeKeys, mode_step: int) -> int | None:
        """The global step of a mode's step; None if it was not saved."""
        if self.known_global_step(mode, mode_step) == _NO_STEP:
            self.maybe_refresh()
        found = self.known_global_step(mode, mode_step)
        return None if found == _NO_STEP else found

    def mode_modestep(self, global_step: int) -> tuple[ModeKeys | None, int | None]:
        """(mode, its step) of a global step; (None, None) if it was not saved."""
        if global_step not in self._mode_of_step:
            self.maybe_refresh()
        return self._mode_of_step.get(global_step, (None, None))

    def mode_step(self, global_step: int) -> int | None:
        """The step within its mode."""
        return self.mode_modestep(global_step)[1]

    def mode(self, global_step: int) -> ModeKeys | None:
        """The mode of a global step."""
        return self.mode_modestep(global_step)[0]

    def has_passed_step(self, step: int, mode: ModeKeys = ModeKeys.GLOBAL) -> StepState:
        """Whether the step can be read, never will be, or may still come."""
        self.maybe_refresh()
        numbered = self.numbered_steps(mode)
        place = bisect_left(numbered, step, key=lambda pair: pair[1])
        if place == len(numbered):
            return StepState.UNAVAILABLE if self.loaded_all_steps else StepState.NOT_YET_AVAILABLE
        next_step, shown = numbered[place]
        if not self.is_complete(next_step):
            return StepState.NOT_YET_AVAILABLE
        return StepState.AVAILABLE if shown == step else StepState.UNAVAILABLE

    def wait_for_steps(self, required_steps: Iterable[int], mode: ModeKeys = ModeKeys.GLOBAL) -> None:
        """Return when all can be read. Raises StepUnavailable for one that was passed over, NoMoreData for one
        behind the training's end.
        """
        with refresh(self):
            for step in required_steps:
                while (state := self.has_passed_step(step, mode)) is not StepState.AVAILABLE:
                    if state is StepState.UNAVAILABLE:
                        raise self._unavailable(step, mode)
                    time.sleep(PAUSE_SECONDS)

    def _unavailable(self, step: int, mode: ModeKeys) -> Exception:
        known = self.steps(mode, show_incomplete_steps=True)
        last = known[-1] if known else _NO_STEP
        if self.loaded_all_steps and step > last:
            return NoMoreData(step, mode, last)
        return StepUnavailable(step, mode)

    # Tensors

    def has_tensor(self, tname: str) -> bool:
        """Whether the tensor was saved at any step."""
        if tname not in self._tensors:
            self.maybe_refresh(tname)
        return tname in self._tensors

    def tensor(self, tname: str) -> Tensor:
        """The tensor of this name. Raises TensorUnavailable."""
        if not self.has_tensor(tname):
            raise TensorUnavailable(tname)
        return self._tensors[tname]

    def tensors(self, **selection: Any) -> list[Tensor]:
        """The tensors that ``tensor_names`` names for the same arguments."""
        return [self._tensors[name] for name in self.tensor_names(**selection)]

    def tensor_names(
        self,
        show_prefixed_tensors: bool = False,
        *,
        step: int | None = None,
        mode: ModeKeys = ModeKeys.GLOBAL,
        regex: str | Sequence[Any] | None = None,
        collection: str | Collection | None = None,
    ) -> list[str]:
        """Sorted names: of a step of the mode, of the mode, or all; those that match one of the patterns anywhere, or
        belong to the collection. ``show_prefixed_tensors`` changes nothing, as in smdebug.
        """
        if regex is not None and collection is not None:
            raise ValueError("Only one of `regex` or `collection` can be passed to this method")
        self.maybe_refresh()
        names = self._names_of(step, mode)
        if regex is not None:
            names = _matching(names, regex)
        elif collection is not None:
            chosen = self._named_collection(collection)
            names = (names & chosen.tensor_names) | _matching(names, chosen.include_regex)
        return sorted(names)

    def known_names(self) -> list[str]:
        """All names in the order in which they were first saved, which is a model's own; reads nothing."""
        return list(self._tensors)

    def _names_of(self, step: int | None, mode: ModeKeys) -> set[str]:
        if step is not None:
            workers = self._saved.get(self.known_global_step(mode, step), {})
            return {name for parts in workers.values() for saved in parts for name in saved}
        return set(self._tensors) if mode is ModeKeys.GLOBAL else self._tensors_of_mode.get(mode, set())

    def _named_collection(self, collection: str | Collection) -> Collection:
        if isinstance(collection, Collection):
            return self.collection(collection.name)
        if isinstance(collection, str):
            return self.collection(collection)
        raise SMDebugTypeError(f"Invalid argument type for collection {type(collection)}")

    def workers(self) -> list[str]:
        """All workers, sorted."""
        self.maybe_refresh()
        return sorted(self._workers)

    def collections(self) -> dict[str, Collection]:
        """All collections by name."""
        return self.collection_manager.collections

    def collection(self, coll_name: str) -> Collection:
        """The collection of this name, empty if the training had none."""
        return self.collection_manager.get(coll_name)

    def inputs(self, step: int, mode: ModeKeys = ModeKeys.GLOBAL) -> list[Any]:
        """The values of collection ``inputs`` at a step, by the numbers at the ends of their names."""
        return self._ordered_values(step, mode, collection="inputs")

    def labels(self, step: int, mode: ModeKeys = ModeKeys.GLOBAL) -> list[Any]:
        """The values of the tensors named like labels at a step, in the same order."""
        return self._ordered_values(step, mode, regex="labels*")

    def predictions(self, step: int, mode: ModeKeys = ModeKeys.GLOBAL) -> list[Any]:
        """The values of the tensors named like predictions at a step, in the same order."""
        return self._ordered_values(step, mode, regex="predictions*")

    def _ordered_values(self, step: int, mode: ModeKeys, **selection: Any) -> list[Any]:
        names = sorted(self.tensor_names(step=step, mode=mode, **selection), key=_number_at_the_end)
        return [self._tensors[name].value(step, mode) for name in names]


def _together(entries: Sequence[Entry]) -> Entry:
    if len(entries) == 1:
        return entries[0]
    found = Entry()
    for entry in entries:
        found.add(entry)
    return found


def _matching(names: Iterable[str], regex: str | Sequence[Any]) -> set[str]:
    patterns = [re.compile(pattern) for pattern in _flat(regex)]
    return {name for name in names if any(pattern.search(name) for pattern in patterns)}


def _flat(regex: str | Sequence[Any]) -> Iterator[str]:
    if isinstance(regex, str):
        yield regex
    else:
        for one in regex:
            yield from _flat(one)


def _number_at_the_end(name: str) -> int:
    found = re.search(r"_(\d+)$", name)
    return int(found[1]) if found else 0


@contextmanager
def no_refresh(trials: Trial | list[Trial]) -> Iterator[Trial | list[Trial]]:
    """Within it the trials show what they knew when it began."""
    with _refreshing(trials, False):
        yield trials


@contextmanager
def refresh(trials: Trial | list[Trial]) -> Iterator[Trial | list[Trial]]:
    """Within it the trials read what comes, even inside ``no_refresh``."""
    with _refreshing(trials, True):
        yield trials


@contextmanager
def _refreshing(trials: Trial | list[Trial], wanted: bool) -> Iterator[None]:
    several = trials if isinstance(trials, list) else [trials]
    before = [trial.dynamic_refresh for trial in several]
    for trial in several:
        trial.dynamic_refresh = wanted
    try:
        yield
    finally:
        for trial, value in zip(several, before, strict=True):
            trial.dynamic_refresh = value
