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
    from epochwatch.client.jobs import Job, job, jobs
    from epochwatch.errors import EpochwatchError
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
    from epochwatch.training.run import Record, Run

    config: Record
    run: Run | None
    summary: Record

_HOMES = {
    "EpochwatchError": "epochwatch.errors",
    "Job": "epochwatch.client.jobs",
    "Run": "epochwatch.training.run",
    "TrainingJobAnalytics": "epochwatch.client.analytics",
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
    "save": "epochwatch.training.api",
    "termerror": "epochwatch.training.api",
    "termlog": "epochwatch.training.api",
    "termwarn": "epochwatch.training.api",
    "watch": "epochwatch.training.api",
}
_CURRENT = {"config": "current_config", "run": "current_run", "summary": "current_summary"}
"""Names that stand for something of the current run: looked up at each use."""

__all__ = [
    "EpochwatchError",
    "Job",
    "Run",
    "TrainingJobAnalytics",
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
