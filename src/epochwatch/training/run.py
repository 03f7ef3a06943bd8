"""The run object, shaped as users of W&B know it."""

import fnmatch
import math
import os
import struct
import sys
import time
from collections.abc import Iterator, Mapping, MutableMapping
from types import TracebackType
from typing import Any

import msgspec

from epochwatch.agent.spool import Notes, RunFile
from epochwatch.training.numbers import as_number
from epochwatch.training.recording import INTERRUPTED, Recording, exit_status
from epochwatch.training.values import scalars

NOTE_SECONDS = 1.0
"""How often at most a summary that changes by itself is written down."""


class Record(MutableMapping[str, Any]):
    """Named values of a run (its config or its summary), readable and writable as items or attributes."""

    def __init__(self, run: "Run", values: dict[str, Any]) -> None:
        object.__setattr__(self, "_run", run)
        object.__setattr__(self, "_values", values)

    def update(self, *others: Any, allow_val_change: bool = True, **values: Any) -> None:
        """Take over the items of mappings or the attributes of namespaces (``argparse``)."""
        for other in others:
            items = other if isinstance(other, Mapping) else vars(other)
            self._values.update({str(name): _plain(value) for name, value in items.items()})
        self._values.update({name: _plain(value) for name, value in values.items()})
        self._run.save_notes()

    def as_dict(self) -> dict[str, Any]:
        """A copy."""
        return dict(self._values)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self.update({name: value})

    def __delitem__(self, name: str) -> None:
        del self._values[name]
        self._run.forget(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __getattr__(self, name: str) -> Any:
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __repr__(self) -> str:
        return repr(self._values)


class Summary(Record):
    """Each metric's latest value, overlaid by what is set. What is set is kept with the job, where final and best
    values of every metric are kept anyway.
    """

    def __init__(self, run: "Run", values: dict[str, Any], latest: Mapping[str, float]) -> None:
        super().__init__(run, values)
        object.__setattr__(self, "_latest", latest)

    def as_dict(self) -> dict[str, Any]:
        """A copy."""
        return {**self._latest, **self._values}

    def __getitem__(self, name: str) -> Any:
        return self._values[name] if name in self._values else self._latest[name]

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self.as_dict())

    def __len__(self) -> int:
        return len(self.as_dict())

    def __repr__(self) -> str:
        return repr(self.as_dict())


class Run:
    """One run's values and what is known of it. Obtained from `init`; a context manager that finishes itself."""

    def __init__(self, recording: Recording | None, project: str | None = None) -> None:
        self._recording = recording
        self._notes = recording.notes if recording else Notes()
        self._journal = recording.journal if recording else None
        self._pid = os.getpid()
        self._step = 0
        self._rules: list[tuple[str, str | None, str | None]] = []
        self._said: set[str] = set()
        self.project = project
        self.group: str | None = None
        self.job_type: str | None = None
        self.start_time = time.time()
        self.config = Record(self, self._notes.config)
        self._latest: dict[str, float] = {}
        self.summary = Summary(self, self._notes.summary, self._latest)
        self._unsaved = False
        self._saved = 0.0
        self._finished = False

    # -- who it is --------------------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """32 hex digits; empty when the run is switched off."""
        return self._recording.spool.run_id if self._recording else ""

    @property
    def name(self) -> str:
        """The training job's name: the one the server gave, else the one asked for."""
        run = self._described()
        return (run.assigned or run.name) if run is not None else ""

    @property
    def url(self) -> str:
        """The run's console page; empty until the server has answered."""
        run = self._described()
        return run.console_url if run is not None else ""

    @property
    def dir(self) -> str:
        """The directory in which the run is kept until it is delivered."""
        return str(self._recording.spool.path) if self._recording else ""

    @property
    def finished(self) -> bool:
        """Whether `finish` was called."""
        return self._finished

    @property
    def notes(self) -> str | None:
        """Free text, kept as the tag ``notes``."""
        return self._notes.tags.get("notes")

    @notes.setter
    def notes(self, text: str) -> None:
        self._notes.tags["notes"] = str(text)
        self.save_notes()

    @property
    def step(self) -> int:
        """The step the next `log` without one will have."""
        return self._step

    @property
    def tags(self) -> tuple[str, ...]:
        """Free labels."""
        return tuple(self._notes.tags)

    @tags.setter
    def tags(self, tags: Any) -> None:
        kept = {name: value for name, value in self._notes.tags.items() if value}
        self._notes.tags = kept | {str(tag): "" for tag in tags}
        self.save_notes()

    # -- what it records --------------------------------------------------------------------------------------

    def log(self, data: Mapping[str, Any], step: int | None = None, commit: bool | None = None) -> None:
        """Record the numbers in ``data``, as of now, in any order of steps.

        Without ``step`` each call is a step of its own, from 0; ``commit=False`` stays at it. After a call with
        ``step`` the next one without has the same (the next one with ``commit=True``). A Histogram is recorded as its
        statistics.
        """
        if step is None:
            at = self._step
            if commit is None or commit:
                self._step = at + 1
        else:
            at = step if type(step) is int else self._whole(step)
            self._step = at + 1 if commit else at
        journal = self._journal
        if journal is None:
            self._off()
            return
        moment = time.time_ns() // 1000
        try:
            if self._rules or self._pid != os.getpid():
                self._log_by_rules(data, at, moment)
                return
            latest = self._latest
            for name, value in data.items():
                if type(value) is float and type(name) is str:
                    journal.write(name, value, at, moment)
                    latest[name] = value
                else:
                    for full, number in scalars({name: value}, self._skipped):
                        journal.write(full, number, at, moment)
                        latest[full] = number
            if self._unsaved:
                self._save_later()
        except struct.error:
            self.say_once("steps beyond 64 bits are not recorded")
        except Exception as error:  # noqa: BLE001 - whatever it is, the training goes on
            self._failed(data, error)

    def define_metric(
        self, name: str, step_metric: str | None = None, summary: str | None = None, **unknown: Any
    ) -> None:
        """Say how metrics whose names match ``name`` (``*`` is a wildcard) are to be taken: ``step_metric``'s
        value in the same `log` call is their step; ``summary`` (``min``, ``max``, ``last``) keeps that in the
        summary as ``<name>.<summary>``.
        """
        if summary not in (None, "min", "max", "last", "none"):
            self.say_once(f"define_metric(summary={summary!r}) is not known here: min, max, last or none are")
            summary = None
        if unknown:
            self.say_once(f"define_metric does nothing with {', '.join(sorted(unknown))}")
        self._rules.insert(0, (name, step_metric, summary))

    def alert(self, title: str, text: str = "", level: Any = "INFO", **_: Any) -> None:
        """Say it on standard error, and so in the job's log under `epochwatch run`. Nobody is notified."""
        name = getattr(level, "name", str(level))
        print(f"alert {name} {title}{': ' if text else ''}{text}", file=sys.stderr, flush=True)

    def finish(self, exit_code: int | None = None, quiet: bool | None = None) -> None:
        """End the run: what was logged is delivered by another process. Later calls do nothing.

        A run of its own is Completed, or Failed with an exit code; under `epochwatch run` the job ends with the
        command.
        """
        if self._finished:
            return
        self._finished = True
        self._journal = None
        if self._recording is not None and self._pid == os.getpid():
            try:
                self._recording.finish(exit_code or 0)
            except OSError as error:
                print(f"epochwatch: the end of the run could not be noted: {error}", file=sys.stderr)

    def forget(self, name: str) -> None:
        """Make known that ``name`` was removed from the config or the summary."""
        if self._recording is not None:
            self._recording.forget(name)
            self.save_notes()

    def save_notes(self) -> None:
        """Make config, summary and tags known to the server."""
        if self._recording is None or self._finished or self._pid != os.getpid():
            return
        try:
            self._unsaved = not self._recording.write_notes()
            self._saved = time.monotonic()
        except OSError as error:
            self.say_once(
                f"config and summary could not be written ({error.strerror}); values are recorded all the same"
            )

    def say_once(self, text: str) -> None:
        """Tell the user something, the first time only."""
        if text not in self._said:
            self._said.add(text)
            print(f"epochwatch: {text}", file=sys.stderr)

    def __enter__(self) -> "Run":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, SystemExit):
            self.finish(exit_status(error.code))
        else:
            self.finish(0 if error is None else INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1)

    # -- inside -----------------------------------------------------------------------------------------------

    def _described(self) -> RunFile | None:
        try:
            return self._recording.spool.run() if self._recording is not None else None
        except (OSError, ValueError):
            return None  # the spool is gone: it was delivered and has been cleaned away

    def _log_by_rules(self, data: Mapping[str, Any], step: int, moment: int) -> None:
        """The careful way: metrics with rules, and processes forked from the one that began the run."""
        if self._pid != os.getpid():
            self._follow_fork()
        journal = self._journal
        if journal is None:
            return
        numbers = dict(scalars(data, self._skipped))
        for name, number in numbers.items():
            step_metric, summary = self._rule(name)
            own = numbers.get(step_metric, self._latest.get(step_metric)) if step_metric else None
            journal.write(name, number, step if own is None or not math.isfinite(own) else int(own), moment)
            self._latest[name] = number
            if summary in ("min", "max", "last"):
                self._summarise(f"{name}.{summary}", summary, number)
        if self._unsaved:
            self._save_later()

    def _off(self) -> None:
        if self._finished:
            self.say_once("log() after finish(): the run is over, nothing more is recorded")

    def _save_later(self) -> None:
        if time.monotonic() - self._saved > NOTE_SECONDS:
            self.save_notes()

    def _rule(self, name: str) -> tuple[str | None, str | None]:
        for pattern, step_metric, summary in self._rules:
            if fnmatch.fnmatchcase(name, pattern) and name != step_metric:
                return step_metric, summary
        return None, None

    def _summarise(self, name: str, how: str, number: float) -> None:
        known = self._notes.summary.get(name)
        better = number < known if how == "min" and known is not None else known is None or number > known
        if how == "last" or (better and not math.isnan(number)):
            self._notes.summary[name] = number
            self._unsaved = True

    def _follow_fork(self) -> None:
        """A forked child writes a journal of its own into the same spool."""
        self._pid = os.getpid()
        if self._recording is not None:
            self._recording = Recording(self._recording.spool)
            self._notes = self._recording.notes
            self._journal = self._recording.journal

    def _whole(self, step: Any) -> int:
        number = as_number(step)
        if number is not None and math.isfinite(number):
            return int(step) if isinstance(step, int) else int(number)
        self.say_once(f"a step must be a whole number, not {step!r}: the next free one is taken")
        return self._step

    def _skipped(self, name: str, value: Any) -> None:
        self.say_once(f"'{name}' is no number but {type(value).__name__}: it is not recorded")

    def _failed(self, data: Any, error: Exception) -> None:
        if isinstance(data, Mapping):
            self._switch_off(error)
        else:
            self.say_once(
                f"log() takes a dictionary of numbers, not {type(data).__name__}: nothing is recorded of it"
            )

    def _switch_off(self, error: Exception) -> None:
        self._journal = None
        self.say_once(f"logging is off from here on ({type(error).__name__}: {error}); the training goes on")


def _plain(value: Any) -> Any:
    """``value`` as JSON can hold it; what cannot is kept as text."""
    try:
        msgspec.json.encode(value)
    except (TypeError, msgspec.MsgspecError, RecursionError, ValueError):
        return str(value)
    return value
