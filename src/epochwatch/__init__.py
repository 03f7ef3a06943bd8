"""epochwatch: watch training runs live.

In a training script::

    import epochwatch

    epochwatch.log({"loss": loss}, step=step)

Afterwards, anywhere::

    epochwatch.job("my-run").dataframe()

Names are loaded when they are first used: importing this module imports nothing but the standard library.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from epochwatch.client.analytics import TrainingJobAnalytics
    from epochwatch.client.jobs import Job, Point, job, jobs
    from epochwatch.client.queries import query
    from epochwatch.errors import EpochwatchError, UsageError
    from epochwatch.training.api import (
        alert,
        define_metric,
        finish,
        init,
        log,
        log_artifact,
        log_code,
        login,
        save,
        termerror,
        termlog,
        termwarn,
        watch,
    )
    from epochwatch.training.media import Audio, Histogram, Html, Image, Table, Video
    from epochwatch.training.run import Record, Run

    config: Record
    run: Run | None
    summary: Record

_HOMES = {
    "Audio": "epochwatch.training.media",
    "EpochwatchError": "epochwatch.errors",
    "Histogram": "epochwatch.training.media",
    "Html": "epochwatch.training.media",
    "Image": "epochwatch.training.media",
    "Job": "epochwatch.client.jobs",
    "Point": "epochwatch.client.jobs",
    "Run": "epochwatch.training.run",
    "Table": "epochwatch.training.media",
    "TrainingJobAnalytics": "epochwatch.client.analytics",
    "UsageError": "epochwatch.errors",
    "Video": "epochwatch.training.media",
    "alert": "epochwatch.training.api",
    "define_metric": "epochwatch.training.api",
    "finish": "epochwatch.training.api",
    "init": "epochwatch.training.api",
    "job": "epochwatch.client.jobs",
    "jobs": "epochwatch.client.jobs",
    "log": "epochwatch.training.api",
    "log_artifact": "epochwatch.training.api",
    "log_code": "epochwatch.training.api",
    "login": "epochwatch.training.api",
    "query": "epochwatch.client.queries",
    "save": "epochwatch.training.api",
    "termerror": "epochwatch.training.api",
    "termlog": "epochwatch.training.api",
    "termwarn": "epochwatch.training.api",
    "watch": "epochwatch.training.api",
}
_CURRENT = {"config": "current_config", "run": "current_run", "summary": "current_summary"}
"""Names that stand for something of the current run: looked up at each use."""

__all__ = [
    "Audio",
    "EpochwatchError",
    "Histogram",
    "Html",
    "Image",
    "Job",
    "Point",
    "Run",
    "Table",
    "TrainingJobAnalytics",
    "UsageError",
    "Video",
    "alert",
    "config",
    "define_metric",
    "finish",
    "init",
    "job",
    "jobs",
    "log",
    "log_artifact",
    "log_code",
    "login",
    "query",
    "run",
    "save",
    "summary",
    "termerror",
    "termlog",
    "termwarn",
    "watch",
]


def __getattr__(name: str) -> Any:
    if name in _CURRENT:
        return getattr(import_module("epochwatch.training.api"), _CURRENT[name])()
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'epochwatch' has no attribute '{name}'")
    found = globals()[name] = getattr(import_module(home), name)
    return found


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
