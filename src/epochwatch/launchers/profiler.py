"""SageMaker Debugger's files of a host's system metrics: where its sampler writes them, and their copy in S3; and the
configuration that a profiler within the training reads.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from epochwatch.agent.host.sampling import Sampling, read_wanted, write_sampling, write_wanted
from epochwatch.agent.spool import Spool
from epochwatch.launchers.artifacts import Checkpoints
from epochwatch.launchers.buckets import Buckets, Location
from epochwatch.launchers.contract import PROFILER_CONFIG
from epochwatch.launchers.directory import HostDirectory
from epochwatch.launchers.plan import JobHost, Plan
from epochwatch.model.launch import TRAINING
from epochwatch.model.sampling import wanted_sampling

FOLDER = "output/profiler"
"""Below ``/opt/ml``."""


def prepare_sampling(spool: Spool, plan: Plan, host: JobHost, ml: Path) -> None:
    """Has the host of a training job sampled as its request says, until the server says otherwise."""
    if plan.kind != TRAINING:
        return
    write_sampling(spool.path, Sampling(smdebug_layout=str(ml / FOLDER), node=host.name))
    write_wanted(spool.path, wanted_sampling(plan.job, plan.request))


class ProfilerFiles:
    """The files and their copy, which is where the server last wanted it, and the configuration as it last was."""

    def __init__(self, plan: Plan, directory: HostDirectory, buckets: Buckets) -> None:
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
