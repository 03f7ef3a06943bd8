"""The module-level functions a script calls, and the one current run behind them."""

import sys
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from epochwatch.errors import UsageError
from epochwatch.training.recording import begin, job_name, join
from epochwatch.training.run import Record, Run

MODES = ("online", "offline", "disabled")

_current: Run | None = None
_beginning = threading.RLock()


def init(
    project: str | None = None,
    name: str | None = None,
    config: Any = None,
    *,
    tags: Iterable[str] | Mapping[str, str] | None = None,
    notes: str | None = None,
    group: str | None = None,
    job_type: str | None = None,
    mode: str | None = None,
    reinit: Any = None,
    **unknown: Any,
) -> Run:
    """Begin a run, or take part in the `epochwatch run` around this process; the current run if there is one.

    ``config`` is a mapping, a namespace or the path of a JSON file. ``project``, ``group``, ``job_type``, ``notes``
    and ``tags`` become tags of the job. ``mode``: ``online``; ``offline`` keeps what is logged until `epochwatch sync`;
    ``disabled`` records nothing. Raises UsageError for another mode; if the run cannot be recorded, that is said once
    and the calls do nothing.
    """
    global _current  # noqa: PLW0603 - the current run is a process-wide fact
    if mode not in (None, *MODES):
        raise UsageError(f"mode must be one of {', '.join(MODES)}, not {mode!r}")
    with _beginning:
        if _current is not None and not _current.finished:
            if reinit not in (True, "finish_previous", "create_new"):
                return _current
            _current.finish()
        known = {"project": project, "group": group, "job_type": job_type, "notes": notes, "run_name": name}
        labels = {key: str(value) for key, value in known.items() if value is not None} | _labels(tags)
        run = _open(mode, name or project, labels, project)
        run.group, run.job_type = group, job_type
        if config is not None:
            run.config.update(_config(config))
        if unknown:
            run.say_once(f"init does nothing with {', '.join(sorted(unknown))}")
        _current = run
        return run


def _labels(tags: Iterable[str] | Mapping[str, str] | None) -> dict[str, str]:
    if isinstance(tags, Mapping):
        return {str(tag): str(value) for tag, value in tags.items()}
    return {str(tag): "" for tag in ([tags] if isinstance(tags, str) else tags or ())}


def _open(mode: str | None, name: str | None, labels: dict[str, str], project: str | None) -> Run:
    if mode == "disabled":
        return Run(None, project)
    try:
        recording = join()
        if recording is None:
            recording = begin(name, labels, ship=mode != "offline")
            wanted = recording.spool.run().name
            changed = " (a job's name has letters, digits and hyphens)" if name not in (None, wanted) else ""
            termlog(
                f"recording as {wanted}{changed}" + ("; `epochwatch sync` sends it" if mode == "offline" else "")
            )
        else:
            recording.notes.tags |= labels
            recording.write_notes()
            if name is not None and job_name(name) != recording.spool.run().name:
                termlog(f"this is part of job {recording.spool.run().name}: the name '{name}' is a tag")
        return Run(recording, project)
    except Exception as error:  # noqa: BLE001 - whatever it is, the training goes on
        print(f"epochwatch: nothing is recorded ({type(error).__name__}: {error})", file=sys.stderr)
        return Run(None, project)


def _config(config: Any) -> Any:
    if isinstance(config, (str, Path)):
        import json

        return json.loads(Path(config).read_text(encoding="utf-8"))
    return config


def log(data: Mapping[str, Any], step: int | None = None, commit: bool | None = None) -> None:
    """Record numbers: ``log({"loss": 0.3}, step=10)``. Begins a run if there is none. About a microsecond a call.

    Nested mappings become ``outer/inner``; NaN and infinities are kept; what is no number is named once and skipped.
    """
    run = _current
    if run is None:
        run = _begin()
    run.log(data, step, commit)


def _begin() -> Run:
    with _beginning:  # one run, whichever thread is first
        return _current if _current is not None else init()


def finish(exit_code: int | None = None, quiet: bool | None = None) -> None:
    """End the current run, if there is one."""
    if _current is not None:
        _current.finish(exit_code)


def define_metric(name: str, step_metric: str | None = None, summary: str | None = None, **unknown: Any) -> None:
    """`Run.define_metric` of the current run."""
    _begin().define_metric(name, step_metric, summary, **unknown)


def alert(title: str, text: str = "", level: Any = "INFO", **unknown: Any) -> None:
    """`Run.alert` of the current run."""
    _begin().alert(title, text, level, **unknown)


def login(*_: Any, **__: Any) -> bool:
    """There is nothing to log in to: True."""
    return True


def termlog(text: str = "", **_: Any) -> None:
    """Print to standard error."""
    print(f"epochwatch: {text}", file=sys.stderr)


def termwarn(text: str = "", **_: Any) -> None:
    """Print a warning to standard error."""
    termlog(f"warning: {text}")


def termerror(text: str = "", **_: Any) -> None:
    """Print an error to standard error."""
    termlog(f"error: {text}")


def current_run() -> Run | None:
    """The current run; None before `init` and after `finish`."""
    return _current if _current is not None and not _current.finished else None


def current_config() -> Record:
    """The current run's config; begins a run if there is none."""
    return _begin().config


def current_summary() -> Record:
    """The current run's summary; begins a run if there is none."""
    return _begin().summary


_unbuilt_named: set[str] = set()


def _unbuilt(what: str) -> None:
    if what not in _unbuilt_named:
        _unbuilt_named.add(what)
        termlog(f"{what} is not built yet: nothing is kept of it")


def watch(*_: Any, **__: Any) -> None:
    """Not built yet; says so once."""
    _unbuilt("watch()")


def save(*_: Any, **__: Any) -> None:
    """Not built yet; says so once."""
    _unbuilt("save()")


def log_artifact(*_: Any, **__: Any) -> None:
    """Not built yet; says so once."""
    _unbuilt("log_artifact()")


def log_code(*_: Any, **__: Any) -> None:
    """Not built yet; says so once."""
    _unbuilt("log_code()")
