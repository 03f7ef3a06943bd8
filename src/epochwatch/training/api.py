"""The module-level functions a script calls, and the one current run behind them."""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from epochwatch.agent.spool import Notes
from epochwatch.training.recording import begin, join
from epochwatch.training.run import Record, Run

_current: Run | None = None


def init(
    project: str | None = None,
    name: str | None = None,
    config: Any = None,
    *,
    tags: Iterable[str] | None = None,
    notes: str | None = None,
    group: str | None = None,
    job_type: str | None = None,
    mode: str | None = None,
    reinit: Any = None,
    **unknown: Any,
) -> Run:
    """Begin a run, or take part in the `epochwatch run` around this process; the current run if there is one.

    ``config`` is a mapping, a namespace or the path of a JSON file. ``mode="disabled"`` records nothing. Never
    raises: if the run cannot be recorded, that is said once and the calls do nothing.
    """
    global _current  # noqa: PLW0603 - the current run is a process-wide fact
    if _current is not None and reinit not in (True, "finish_previous", "create_new"):
        return _current
    if _current is not None:
        _current.finish()
    labels = {str(tag): "" for tag in tags or ()}
    known = {"project": project, "group": group, "job_type": job_type, "notes": notes, "run_name": name}
    labels |= {key: str(value) for key, value in known.items() if value is not None}
    run = _open(mode, name or project, labels, project)
    run.group, run.job_type = group, job_type
    if config is not None:
        run.config.update(_config(config))
    if unknown:
        run.say_once(f"init does nothing with {', '.join(sorted(unknown))}")
    _current = run
    return run


def _open(mode: str | None, name: str | None, labels: dict[str, str], project: str | None) -> Run:
    if mode == "disabled":
        return Run(None, project)
    try:
        recording = join()
        if recording is None:
            recording = begin(name, Notes(tags=labels))
        else:
            recording.notes.tags |= labels
            recording.write_notes()
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
        run = init()
    run.log(data, step, commit)


def finish(exit_code: int | None = None, quiet: bool | None = None) -> None:
    """End the current run, if there is one."""
    global _current  # noqa: PLW0603
    if _current is not None:
        _current.finish(exit_code)
        _current = None


def define_metric(name: str, step_metric: str | None = None, summary: str | None = None, **unknown: Any) -> None:
    """`Run.define_metric` of the current run."""
    init().define_metric(name, step_metric, summary, **unknown)


def alert(title: str, text: str = "", level: Any = "INFO", **unknown: Any) -> None:
    """`Run.alert` of the current run."""
    init().alert(title, text, level, **unknown)


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
    return _current


def current_config() -> Record:
    """The current run's config; begins a run if there is none."""
    return init().config


def current_summary() -> Record:
    """The current run's summary; begins a run if there is none."""
    return init().summary


def _unbuilt(what: str, *_: Any, **__: Any) -> None:
    init().say_once(f"{what} is not built yet: nothing is kept of it")


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
