"""The part of a hook that knows no framework: counts steps, says what is wanted, and writes it in the background.

Nothing here raises into the training: whatever goes wrong turns the recorder off, with one message.
"""

import atexit
import fcntl
import logging
import os
import queue
import re
import threading
import time as clock
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, NamedTuple

from epochwatch.debugger.collection import Collection
from epochwatch.debugger.exceptions import InvalidCollectionConfiguration, SMDebugValueError
from epochwatch.debugger.hooks.config import DEFAULT_NAMES, CollectionConfig, HookConfig
from epochwatch.debugger.hooks.later import Later, now
from epochwatch.debugger.hooks.resumption import counts_there
from epochwatch.debugger.mode_keys import ModeKeys
from epochwatch.debugger.places import open_place
from epochwatch.debugger.smdebug import layout
from epochwatch.debugger.source import Array
from epochwatch.debugger.store.safetensors import Bfloat16
from epochwatch.debugger.store.writer import Statistics, StoreWriter

_LOG = logging.getLogger(__name__)
_WAITING_BYTES: Final = 256 * 2**20
_WAITING_STEPS: Final = 4096


class Wanted(NamedTuple):
    """What is saved of a tensor at a step; false where it is nothing."""

    statistics: bool = False
    raw: bool = False
    shape: bool = False
    reductions: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.statistics or self.raw or self.shape or bool(self.reductions)


@dataclass
class _Step:
    """What is known of the step that is now."""

    scalars: dict[str, Later[float]] = field(default_factory=dict)
    statistics: list[Later[Statistics]] = field(default_factory=list)
    tensors: dict[str, Later[Array | Bfloat16]] = field(default_factory=dict)
    shapes: dict[str, Sequence[int]] = field(default_factory=dict)
    nbytes: int = 0


class _Numbered(NamedTuple):
    step: int
    mode: ModeKeys
    mode_step: int
    time: float
    saved: _Step


class Guard:
    """A context that lets no error out into the training."""

    def __init__(self, fail: Callable[[Exception], None]) -> None:
        self._fail = fail

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(error, Exception):
            self._fail(error)
            return True
        return False


class Recorder:
    """Steps of one worker, to a trial, after those that a training which was killed has left there. Calls come from
    the training's thread; a step's values belong to the step that ``end_step`` ends. ``defaults`` are the framework's
    own collections. Raises InvalidCollectionConfiguration for a collection that says nothing and is none of them,
    SMDebugValueError for a pattern that is none.
    """

    def __init__(
        self,
        config: HookConfig,
        *,
        worker: str = "worker_0",
        num_workers: int = 1,
        defaults: Sequence[Collection] = (),
    ) -> None:
        self.config = config
        self._failed = False
        self.guard = Guard(self.fail)
        self.active = self.writes = False
        """Whether values are taken, and whether they are written."""
        self._thread: threading.Thread | None = None
        self.identify(worker, num_workers)
        known = {collection.name: collection for collection in defaults}
        self._collections = [
            _with_patterns(one, known)
            for one in config.collections
            if one.name in known or one.name not in DEFAULT_NAMES or one.include_regex
        ]
        if config.save_all:
            self._collections.append(CollectionConfig("all", (".*",), save_raw_tensor=True))
        self._patterns = [re.compile("|".join(one.include_regex)) for one in self._collections]
        self._listed = [
            *(one for one in defaults if one.name not in {given.name for given in self._collections}),
            *(self._to_list(one) for one in self._collections),
        ]
        self._members: dict[str, tuple[int, ...]] = {}
        self._mode = ModeKeys.TRAIN
        self._step, self._mode_steps = 0, dict.fromkeys(ModeKeys, 0)
        self.begun = False
        """Whether a step has ended in this process."""
        with self.guard:
            self._step, self._mode_steps = counts_there(open_place(config.out_dir))
        self._due: tuple[bool, ...] | None = None
        self._now = _Step()
        self._ended_at: tuple[ModeKeys, float] | None = None
        self._process = os.getpid()
        self._queue: queue.SimpleQueue[_Numbered | threading.Event | None] = queue.SimpleQueue()
        self._put_bytes = self._written_bytes = 0  # each changed by one thread
        self._left_out = 0

    def identify(self, worker: str, num_workers: int) -> None:
        """Say which worker of how many this is, where that is known only after the recorder was made; before its
        first step ends.
        """
        if self._thread is None:
            all_write = self.config.include_workers == "all"
            self.active = self.writes = not self._failed and (worker == "worker_0" or all_write)
            self._worker, self._num_workers = worker, num_workers if all_write else 1

    def take_part(self) -> None:
        """Take values also where this worker writes none: what comes later is made by all workers together."""
        self.active = not self._failed

    def _to_list(self, one: CollectionConfig) -> Collection:
        reductions = ",".join(_smdebug_reduction(name) for name in one.reductions)
        saves = {mode: self.config.save_of(one, mode) for mode in ModeKeys}
        return Collection(
            one.name,
            list(one.include_regex),
            reduction_config={
                "save_raw_tensor": one.save_raw_tensor,
                "reductions": reductions,
                "save_shape": one.save_shape,
            },
            save_config={
                mode.name: {
                    "save_interval": save.save_interval,
                    "save_steps": list(save.save_steps),
                    "start_step": save.start_step,
                    "end_step": save.end_step,
                }
                for mode, save in saves.items()
            },
        )

    @property
    def mode(self) -> ModeKeys:
        """The phase that the step which is now belongs to; TRAIN at first."""
        return self._mode

    def set_mode(self, mode: ModeKeys) -> None:
        """Another phase begins. What was recorded and no ``end_step`` ended belongs to its first step."""
        if mode is not self._mode:
            self._mode, self._due = mode, None

    @property
    def step(self) -> int:
        """The global number of the step that is now."""
        return self._step

    @property
    def mode_step(self) -> int:
        """Its number in its phase."""
        return self._mode_steps[self._mode]

    def _due_now(self) -> tuple[bool, ...]:
        if self._due is None:
            step = self.mode_step
            self._due = tuple(self.config.save_of(one, self._mode).due(step) for one in self._collections)
        return self._due

    def due(self, collection: str | None = None) -> bool:
        """Whether anything of a collection, or of any, is saved at the step that is now. All workers of a training
        say the same, also those that write nothing.
        """
        due = self._due_now()
        if collection is None:
            return True in due
        return any(now and one.name == collection for now, one in zip(due, self._collections, strict=True))

    def wanted(self, name: str) -> Wanted:
        """What of a tensor is saved at the step that is now: by all collections that have it and are due."""
        members = self._members.get(name)
        if members is None:
            found = (number for number, pattern in enumerate(self._patterns) if pattern.search(name))
            members = self._members[name] = tuple(found)
        due = self._due_now()
        chosen = [self._collections[number] for number in members if due[number]]
        return Wanted(
            any(one.statistics for one in chosen),
            any(one.save_raw_tensor for one in chosen),
            any(one.save_shape for one in chosen),
            tuple(dict.fromkeys(name for one in chosen for name in one.reductions)),
        )

    def has_member(self, *names: str) -> bool:
        """Whether any of these tensors is in a collection that is saved, at whichever step."""
        return any(pattern.search(name) for name in names for pattern in self._patterns)

    def scalars(self, values: Mapping[str, Later[float]]) -> None:
        """Numbers of the step that is now, by name; saved at each step."""
        if self.active:
            self._now.scalars.update(values)

    def statistics(self, statistics: Later[Statistics], shapes: Mapping[str, Sequence[int]] | None = None) -> None:
        """Statistics of the step that is now, and shapes of tensors that are not saved whole."""
        if self.active:
            self._now.statistics.append(statistics)
            self._now.shapes.update(shapes or {})

    def tensors(self, values: Mapping[str, Later[Array | Bfloat16]], nbytes: int | None = None) -> None:
        """Tensors of the step that is now, which nobody changes any more; ``nbytes`` where they come later."""
        if self.active:
            self._now.tensors.update(values)
            self._now.nbytes += _bytes(values) if nbytes is None else nbytes

    def end_step(self) -> None:
        """The step that is now ends; what was recorded of it is written by a thread of its own. Where that falls
        behind by 256 MB of tensors, or 4,096 steps, tensors, or steps, are left out.
        """
        if self.active:
            with self.guard:
                self._take_step()
        self._now, self._due = _Step(), None
        self._mode_steps[self._mode] += 1
        self._step += 1
        self.begun = True

    def _take_step(self) -> None:
        if os.getpid() != self._process:  # a child that was forked has no thread, and the files are its parent's
            self.active = False
            return
        now = clock.monotonic()
        if self._ended_at is not None and self._ended_at[0] is self._mode:
            self._now.scalars.setdefault("step_seconds", now - self._ended_at[1])
        self._ended_at = self._mode, now
        saved = self._now
        if saved.nbytes and 0 < self._put_bytes - self._written_bytes > _WAITING_BYTES - saved.nbytes:
            self._left_out += 1
            saved = replace(saved, tensors={}, nbytes=0)
        if self._queue.qsize() >= _WAITING_STEPS:
            self._left_out += 1
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._write_all, name="epochwatch-tensors", daemon=True)
            self._thread.start()
            atexit.register(self.close)
        self._put_bytes += saved.nbytes
        self._queue.put(_Numbered(self._step, self._mode, self.mode_step, clock.time(), saved))

    def close(self) -> None:
        """Write what waits, also of a step that did not end, and say that this worker's training is over. Calls after
        the first do nothing.
        """
        if self.active and (self._now.scalars or self._now.statistics or self._now.tensors):
            self.end_step()
        self.active = False
        thread, self._thread = self._thread, None
        if thread is None or os.getpid() != self._process:
            return
        atexit.unregister(self.close)
        self._queue.put(None)
        thread.join()
        if self._left_out:
            _LOG.warning(
                "the disk was too slow for the tensors: at %d steps something was left out", self._left_out
            )

    def drain(self, timeout: float = 60.0) -> None:
        """Wait until what was recorded so far is written, at most ``timeout`` seconds."""
        if self._thread is not None and os.getpid() == self._process:
            done = threading.Event()
            self._queue.put(done)
            done.wait(timeout)

    def fail(self, error: Exception) -> None:
        """Off for good, with one message."""
        self.active = False
        if not self._failed:
            self._failed = True
            _LOG.warning("no more tensors are saved: %s: %s", type(error).__name__, error)

    # -- on the writing thread ----------------------------------------------------------------------------

    def _write_all(self) -> None:
        writer: StoreWriter | None = None
        claim: IO[bytes] | None = None
        while (one := self._queue.get()) is not None:
            if isinstance(one, threading.Event):
                one.set()
                continue
            with self.guard:
                if writer is None and self.writes:
                    claim = claim or _claimed(self.config.out_dir, self._worker)
                    writer = StoreWriter(
                        self.config.out_dir, self._worker, self._listed, num_workers=self._num_workers
                    )
                _write(writer, one)
            self._written_bytes += one.saved.nbytes
        if writer is not None:
            with self.guard:
                writer.end_worker(self._num_workers)
        if claim is not None:
            claim.close()


def _claimed(out_dir: str, worker: str) -> IO[bytes] | None:
    """A lock on a worker's part of a trial, which ends with this process. Raises SMDebugValueError where another
    process writes it, or the trial has its end. In S3 nothing is locked.
    """
    if open_place(out_dir).exists(layout.END_OF_JOB):
        raise SMDebugValueError(f"the trial in {out_dir} has ended: give another directory")
    if out_dir.startswith("s3://"):
        return None
    path = Path(out_dir).expanduser() / "claims" / worker
    path.parent.mkdir(parents=True, exist_ok=True)
    claim = open(path, "wb")  # noqa: SIM115 - held until the end
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        claim.close()
        raise SMDebugValueError(f"another process writes {worker} of the trial in {out_dir}") from None
    return claim


def _write(writer: StoreWriter | None, one: _Numbered) -> None:
    """What comes later is made in the same order on all workers, also on those that write nothing."""
    saved = one.saved
    statistics = [now(statistics) for statistics in saved.statistics]
    scalars = {name: now(value) for name, value in saved.scalars.items()}
    if writer is not None:
        writer.write_step(
            one.step,
            statistics=statistics,
            scalars=scalars,
            tensors={name: now(value) for name, value in saved.tensors.items()},
            shapes=saved.shapes,
            mode=one.mode,
            mode_step=one.mode_step,
            time=one.time,
        )


def _bytes(values: Mapping[str, Any]) -> int:
    arrays = [value.bits if isinstance(value, Bfloat16) else value for value in values.values()]
    return sum(getattr(array, "nbytes", 0) for array in arrays)


def _with_patterns(one: CollectionConfig, known: Mapping[str, Collection]) -> CollectionConfig:
    if one.include_regex:
        return one
    if one.name not in known:
        raise InvalidCollectionConfiguration(one.name)
    return replace(one, include_regex=tuple(known[one.name].include_regex))


def _smdebug_reduction(name: str) -> str:
    return f"{name}_norm" if name.endswith(("l1", "l2")) else name
