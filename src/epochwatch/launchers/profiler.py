"""SageMaker Debugger's files of a host's system metrics and of its training's steps: where they are written, and their
copy in S3; and the configuration that a profiler within the training reads.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from epochwatch.agent.host.sampling import Sampling, read_wanted, write_sampling, write_wanted
from epochwatch.agent.profile import FOLDER as PROFILE
from epochwatch.agent.profile import keep_files
from epochwatch.agent.spool import Spool
from epochwatch.debugger.places import open_place
from epochwatch.launchers.artifacts import Checkpoints
from epochwatch.launchers.buckets import Buckets, Location
from epochwatch.launchers.contract import ML, PROFILER_CONFIG
from epochwatch.launchers.directory import HostDirectory
from epochwatch.launchers.plan import JobHost, Plan
from epochwatch.model.launch import TRAINING
from epochwatch.model.sampling import wanted_sampling
from epochwatch.profiler.hooks.place import CONFIG_VARIABLE, NODE_VARIABLE
from epochwatch.profiler.injection import profile_environment
from epochwatch.profiler.smdebug.export import Timelines
from epochwatch.profiler.store.reader import events_in

FOLDER = "output/profiler"
"""Below ``/opt/ml``."""


def profiler_variables(plan: Plan, host: JobHost, variables: Mapping[str, str]) -> dict[str, str]:
    """Variables with which the training's processes time their steps; none where the job has no profiler."""
    if not _times_steps(plan):
        return {}
    found = profile_environment(environment=variables)
    return found | {NODE_VARIABLE: host.name, CONFIG_VARIABLE: f"{ML}/{PROFILER_CONFIG}"}


def _times_steps(plan: Plan) -> bool:
    config = plan.request.get("ProfilerConfig")
    return plan.kind == TRAINING and config is not None and not config.get("DisableProfiler")


def prepare_sampling(spool: Spool, plan: Plan, host: JobHost, ml: Path) -> None:
    """Has the host of a training job sampled as its request says, until the server says otherwise."""
    if plan.kind != TRAINING:
        return
    write_sampling(spool.path, Sampling(smdebug_layout=str(ml / FOLDER), node=host.name))
    write_wanted(spool.path, wanted_sampling(plan.job, plan.request))
    if _times_steps(plan):
        keep_files(spool.path)


class StepFiles:
    """What the processes of a host did, as smdebug writes it."""

    def __init__(self, spool: Path, folder: Path, node: str) -> None:
        self._directory = spool / PROFILE
        self._timelines = Timelines(open_place(str(folder)), node)
        self._read: dict[str, int] = {}

    def write(self, *, last: bool) -> None:
        """Go on with what was recorded since; with ``last`` to its end."""
        for path in sorted(self._directory.glob("events-*")):
            if path.stat().st_size > self._read.get(path.name, 0):
                self._write(path)
        if last:
            self._timelines.close()

    def _write(self, path: Path) -> None:
        content = path.read_bytes()
        with suppress(ValueError):  # damaged: the server is told by the agent
            self._timelines.add(events_in(content, after=self._read.get(path.name, 0)))
        self._read[path.name] = len(content)


class ProfilerFiles:
    """The files and their copy, which is where the server last wanted it, and the configuration as it last was."""

    def __init__(self, plan: Plan, host: JobHost, directory: HostDirectory, buckets: Buckets) -> None:
        self._host = host
        self._steps: StepFiles | None = None
        self._directory = directory
        self._buckets = buckets
        self._configuration: Mapping[str, Any] = plan.request.get("ProfilerConfig") or {}
        self._output = ""
        self._copy: Checkpoints | None = None

    def send(self, *, last: bool = False) -> None:
        """As Checkpoints.send; nothing where no profiler ever ran."""
        spool = self._directory.spool()
        wanted = read_wanted(spool.path) if spool is not None else None
        if wanted is not None:
            self._configure(wanted.profiler)
        if spool is not None and self._configuration.get("ProfilingParameters"):
            if self._steps is None:
                self._steps = StepFiles(spool.path, self._directory.ml / FOLDER, self._host.name)
            self._steps.write(last=last)
        if wanted is not None and wanted.output not in ("", self._output):
            self._output = wanted.output
            self._copy = Checkpoints(self._directory.ml / FOLDER, Location.parse(wanted.output), self._buckets)
        if self._copy is not None:
            self._copy.send(last=last)

    def _configure(self, profiler: Mapping[str, Any]) -> None:
        """smdebug looks for changes of the file at each step."""
        if not profiler or profiler == self._configuration:
            return
        path = self._directory.ml / PROFILER_CONFIG
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(profiler))
        temporary.replace(path)
        self._configuration = profiler
