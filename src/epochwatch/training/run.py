"""The run object, shaped as users of W&B know it."""

import fnmatch
import math
import os
import sys
import time
from collections.abc import Iterator, Mapping, MutableMapping
from types import TracebackType
from typing import Any

import msgspec

from epochwatch.agent.spool import Notes
from epochwatch.training.recording import Recording
from epochwatch.training.values import scalars


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
        self._run.save_notes()

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
        self.summary = Record(self, self._notes.summary)

    # -- who it is --------------------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """32 hex digits; empty when the run is switched off."""
        return self._recording.spool.run_id if self._recording else ""

    @property
    def name(self) -> str:
        """The training job's name: the one the server gave, else the one asked for."""
        if self._recording is None:
            return ""
        run = self._recording.spool.run()
        return run.assigned or run.name

    @property
    def url(self) -> str:
        """The run's console page; empty until the server has answered."""
        return self._recording.spool.run().console_url if self._recording else ""

    @property
    def dir(self) -> str:
        """The directory in which the run is kept until it is delivered."""
        return str(self._recording.spool.path) if self._recording else ""

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
        """Record numbers. Without ``step`` each call is a step of its own; ``commit=False`` stays at the step."""
        journal = self._journal
        if journal is None:
            return
        if step is None:
            step = self._step
            if commit is not False:
                self._step = step + 1
        else:
            self._step = step if commit is False else step + 1
        moment = time.time_ns() // 1000
        try:
            if self._rules or self._pid != os.getpid():
                self._log_by_rules(data, step, moment)
                return
            for name, value in data.items():
                if type(value) is float or type(value) is int:
                    journal.write(name, value, step, moment)
                else:
                    for full, number in scalars({name: value}, self._skipped):
                        journal.write(full, number, step, moment)
        except Exception as error:  # noqa: BLE001 - whatever it is, the training goes on
            self._switch_off(error)

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
        """Put an alert into the run's log (standard error)."""
        name = getattr(level, "name", str(level))
        print(f"alert {name} {title}{': ' if text else ''}{text}", file=sys.stderr, flush=True)

    def finish(self, exit_code: int | None = None, quiet: bool | None = None) -> None:
        """End the run: what was logged is delivered by another process. Later calls do nothing."""
        recording, self._recording, self._journal = self._recording, None, None
        if recording is not None and self._pid == os.getpid():
            try:
                recording.finish(exit_code or 0)
            except OSError as error:
                print(f"epochwatch: the end of the run could not be noted: {error}", file=sys.stderr)

    def save_notes(self) -> None:
        """Make config, summary and tags known to the server."""
        if self._recording is None or self._pid != os.getpid():
            return
        try:
            self._recording.write_notes()
        except OSError as error:
            self._switch_off(error)

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
        self.finish(exit_code=0 if kind is None else 1)

    # -- inside -----------------------------------------------------------------------------------------------

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
            own = numbers.get(step_metric) if step_metric else None
            journal.write(name, number, step if own is None or not math.isfinite(own) else int(own), moment)
            if summary in ("min", "max", "last"):
                self._summarise(f"{name}.{summary}", summary, number)

    def _rule(self, name: str) -> tuple[str | None, str | None]:
        for pattern, step_metric, summary in self._rules:
            if fnmatch.fnmatchcase(name, pattern) and name != step_metric:
                return step_metric, summary
        return None, None

    def _summarise(self, name: str, how: str, number: float) -> None:
        known = self._notes.summary.get(name)
        better = known is None or (number < known if how == "min" else number > known)
        if how == "last" or better:
            self._notes.summary[name] = number

    def _follow_fork(self) -> None:
        """A forked child writes a journal of its own into the same spool."""
        self._pid = os.getpid()
        if self._recording is not None:
            self._recording = Recording(self._recording.spool, self._notes)
            self._journal = self._recording.journal

    def _skipped(self, name: str, value: Any) -> None:
        self.say_once(f"'{name}' is no number but {type(value).__name__}: it is not recorded")

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
