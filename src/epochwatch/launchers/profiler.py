"""SageMaker Debugger's files of a host's system metrics and of its training's steps: where they are written, and their
copy in S3; and the configuration that a profiler within the training reads.
"""

import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

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
from epochwatch.profiler.hooks.python_window import python_window
from epochwatch.profiler.hooks.windows import FOLDER as WINDOWS
from epochwatch.profiler.injection import profile_environment
from epochwatch.profiler.smdebug.layout import ENDS_OF_JOB, node_of, python_stats_path

if TYPE_CHECKING:
    from epochwatch.launchers.step_files import StepFiles

FOLDER = "output/profiler"
"""Below ``/opt/ml``."""
SAMPLER_SECONDS: Final = 10.0
"""How long a job waits for the last samples of a host."""
TICK_SECONDS: Final = 0.05
_FRAMEWORKS: Final = {"torch": "pytorch"}
"""Those that smdebug calls otherwise than ``import`` does."""
COPIES: Final = "profiler-copies"
"""A file of a host: the URIs that its profiler's files were copied to, the latest last."""


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
        for uri in _copies(directory):  # of a predecessor that was killed
            self._copy_to(uri)

    def send(self, *, last: bool = False) -> None:
        """As Checkpoints.send; nothing where no profiler ever ran."""
        spool = self._directory.spool()
        wanted = read_wanted(spool.path) if spool is not None else None
        if wanted is not None:
            self._configure(wanted.profiler)
        if spool is not None:
            self._write(spool, last=last)
        if wanted is not None and wanted.output not in ("", self._output):
            with open(self._directory.path / COPIES, "a") as file:
                file.write(f"{wanted.output}\n")
            self._copy_to(wanted.output)
        if self._copy is not None:
            if last and spool is not None:
                _await_sampler(spool)
            self._copy.send(last=last)

    def _write(self, spool: Spool, *, last: bool) -> None:
        """Steps from when they were first asked for to the end."""
        folder = self._directory.ml / FOLDER
        if self._steps is None and self._configuration.get("ProfilingParameters"):
            from epochwatch.launchers.step_files import StepFiles  # Arrow, which most jobs never need

            self._steps = StepFiles(spool.path, folder, self._host.name)
        if self._steps is not None:
            self._steps.write(last=last)
            copy_python_windows(spool.path, folder)

    def _copy_to(self, uri: str) -> None:
        self._output = uri
        self._copy = Checkpoints(self._directory.ml / FOLDER, Location.parse(uri), self._buckets)

    def _configure(self, profiler: Mapping[str, Any]) -> None:
        """smdebug looks for changes of the file at each step."""
        if not profiler or profiler == self._configuration:
            return
        path = self._directory.ml / PROFILER_CONFIG
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(profiler))
        temporary.replace(path)
        self._configuration = profiler


def copy_python_windows(spool: Path, folder: Path) -> None:
    """Put the windows of Python's functions where smdebug looks for them. Raises OSError."""
    place = open_place(str(folder))
    for path in sorted((spool / PROFILE / WINDOWS).glob("*.pstats")):
        window = python_window(path.name)
        if window is None:
            continue
        framework = _FRAMEWORKS.get(window.framework, window.framework)
        steps, span = (window.first_step, window.last_step), (window.start, window.end)
        name = python_stats_path(framework, node_of(window.number, window.node), steps, span)
        if not place.exists(name):
            place.write(name, [path.read_bytes()])


def end_profile(hosts: Iterable[HostDirectory], plan: Plan, buckets: Buckets) -> None:
    """Say that nothing more comes, of any host, wherever one has sent its files or would have. Raises
    TransferFailed.
    """
    if plan.kind != TRAINING:
        return
    wanted = wanted_sampling(plan.job, plan.request).output
    copies = {uri for host in hosts for uri in _copies(host)} | ({wanted} if wanted else set())
    for uri in sorted(copies):
        for name in ENDS_OF_JOB:
            buckets.put(b"", Location.parse(uri).below(name))


def _await_sampler(spool: Spool) -> None:
    """It writes its last samples when the training is over, and holds its lock until then."""
    deadline = time.monotonic() + SAMPLER_SECONDS
    with spool.lock("samples") as lock:
        while not lock.take(wait=False) and time.monotonic() < deadline:
            time.sleep(TICK_SECONDS)


def _copies(directory: HostDirectory) -> list[str]:
    path = directory.path / COPIES
    return path.read_text().splitlines() if path.exists() else []
