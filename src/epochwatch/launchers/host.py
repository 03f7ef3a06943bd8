"""``python -m epochwatch.launchers.host JOB_DIRECTORY HOST ATTEMPT``: one host of a job.

Prepares ``/opt/ml``, runs the training under the agent, and stays until the server has all it printed. It can be
killed and started again at any point: a training that was started is never started twice.
"""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from epochwatch.agent.failure import LastLines
from epochwatch.agent.headless import ship_alone
from epochwatch.agent.session import RunOptions, Session
from epochwatch.agent.spool import Exit, Spool
from epochwatch.launchers import container, pipes
from epochwatch.launchers.artifacts import SentMeanwhile
from epochwatch.launchers.buckets import Buckets, TransferFailed
from epochwatch.launchers.directory import (
    DELIVERED,
    ENDED,
    PREPARING,
    TRAINING,
    HostState,
    JobDirectory,
    taken,
    write,
)
from epochwatch.launchers.enter import TrainingLaunch
from epochwatch.launchers.network import interface, own_address
from epochwatch.launchers.plan import JobHost, Plan
from epochwatch.launchers.preparation import Preparation
from epochwatch.launchers.profiler import ProfilerFiles, prepare_sampling
from epochwatch.launchers.tensors import followed_tensors
from epochwatch.model.launch import PROCESSING
from epochwatch.settings import load

TICK_SECONDS: Final = 0.2
CHECKPOINT_SECONDS: Final = 5.0
ADDRESS_SECONDS: Final = 600.0
_TAIL_BYTES: Final = 128 * 1024
_LONGEST_FAILURE: Final = 1024
_OF_THE_CUSTOMER: Final = "Customer Error"
"""How built-in algorithms begin what the user can mend."""


class Host:
    """One host at one attempt. ``alone``: all hosts are on this machine."""

    def __init__(self, job: JobDirectory, plan: Plan, host: JobHost, attempt: int, *, alone: bool) -> None:
        self._job = job
        self._plan = plan
        self._host = host
        self._alone = alone
        self._directory = job.host(host.name, attempt)
        self._credentials = job.credentials()
        self._buckets = Buckets(
            plan.s3_endpoint,
            plan.region,
            self._credentials["access_key_id"],
            self._credentials["secret_access_key"],
            patience=self._patient,
        )
        self._preparation = Preparation(
            plan, host, self._directory, self._buckets, self._credentials, "lo" if alone else interface()
        )
        self._signals: set[str] = set()
        self._attending = False
        self._over = threading.Event()
        self._checkpoint_thread: threading.Thread | None = None

    def run(self) -> None:
        """Returns when the server has everything of this host."""
        state = self._directory.state()
        if state.phase == DELIVERED:
            return
        spool = self._directory.spool()
        if spool is None and state.phase != ENDED:
            if not self._prepare_and_train():
                return
        elif spool is not None:
            self._follow(spool)
        self._deliver()

    # -- the training -------------------------------------------------------------------------------------

    def _prepare_and_train(self) -> bool:
        """False where the training could not be started."""
        try:
            self._directory.write_state(HostState(PREPARING))
            self._preparation.fill(self._leaving)
            launch = self._preparation.launch(self._addresses())
        except (TransferFailed, ValueError, OSError) as error:
            reason = (
                str(error) if isinstance(error, TransferFailed | ValueError) else f"InternalServerError: {error}"
            )
            self._directory.write_state(HostState(DELIVERED, exit_code=None, failure=reason))
            return False
        if self._leaving():
            self._directory.write_state(HostState(DELIVERED))
            return False
        write(self._directory.path / "launch.json", launch)
        self._directory.write_state(HostState(TRAINING))
        self._train(launch)
        return True

    def _train(self, launch: TrainingLaunch) -> None:
        os.environ.update(self._agent_variables())
        definitions = list(self._plan.definitions)
        processing = self._plan.kind == PROCESSING
        options = RunOptions(
            command=[sys.executable, "-m", "epochwatch.launchers.enter", str(self._directory.path)],
            name=self._plan.job,
            definitions=definitions,
            auto=not definitions and not processing,
            pty=False,
            quiet=True,
            start_server=False,
            job=f"processing-job/{self._plan.job}" if processing else self._plan.job,
            host=self._host.name,
            shown=launch.command,
            tensors=self._plan.tensors[0] if self._plan.tensors else "",
            trial=followed_tensors(self._plan, self._host, self._directory),
            prepare=lambda spool: prepare_sampling(spool, self._plan, self._host, self._directory.ml),
            attend=self._attend,
        )
        Session(options, load()).run()
        self._settle()

    def _follow(self, spool: Spool) -> None:
        """A training that a predecessor started, to its end."""
        os.environ.update(self._agent_variables())
        while spool.exit() is None and spool.being_recorded():
            self._attend()
            time.sleep(TICK_SECONDS)
        self._settle()

    def _settle(self) -> None:
        """The training is over: its checkpoints are sent, and the runner is told how it went."""
        self._over.set()
        running = self._directory.state().phase != ENDED
        if self._checkpoint_thread is not None:
            self._checkpoint_thread.join()
        elif running:  # it ended after a predecessor of ours was killed
            self._keep(self._kept())
        spool = self._directory.spool()
        end = spool.exit() if spool is not None else None
        if running:
            self._directory.write_state(self._ended(spool, end))

    def _ended(self, spool: Spool | None, end: Exit | None) -> HostState:
        if spool is None or end is None or end.exit_code is None:
            return HostState(ENDED, failure="InternalServerError: the training vanished", lost=True)
        if end.exit_code == 0:
            return HostState(ENDED, exit_code=0)
        return HostState(ENDED, exit_code=end.exit_code, failure=self._failure(spool, end.exit_code))

    def _failure(self, spool: Spool, exit_code: int) -> str:
        with contextlib.suppress(OSError):
            said = (self._directory.ml / "output" / "failure").read_text(errors="replace").strip()
            if said.startswith(_OF_THE_CUSTOMER):
                return said.replace(_OF_THE_CUSTOMER, "ClientError", 1)[:_LONGEST_FAILURE]
            if said:
                return f"AlgorithmError: {said}"[:_LONGEST_FAILURE]
        last = LastLines()
        for name in spool.run().outputs:
            last.add(name, _tail(spool.path / name))
        return last.reason(exit_code, spool.run().command)

    def _deliver(self) -> None:
        """Until the server has all lines and values, or will never take them."""
        spool = self._directory.spool()
        while spool is not None and not spool.state().finished and not spool.state().refused:
            if not ship_alone(spool):
                time.sleep(TICK_SECONDS)
        state = self._directory.state()
        state.phase = DELIVERED
        self._directory.write_state(state)

    # -- meanwhile ----------------------------------------------------------------------------------------

    def _attend(self) -> None:
        if not self._attending:
            self._attending = True
            self._begin()
        for what, number in (("terminate", signal.SIGTERM), ("kill", signal.SIGKILL)):
            if what not in self._signals and self._directory.asked(what) and self._signal(number):
                self._signals.add(what)

    def _begin(self) -> None:
        """Threads start only here: the agent has forked."""
        for channel in self._preparation.channels:
            if channel.mode == "Pipe":
                pipes.feed(channel, self._directory.ml / "input" / "data", self._buckets)
        self._checkpoint_thread = threading.Thread(
            target=self._keep, args=(self._kept(),), name="checkpoints", daemon=True
        )
        self._checkpoint_thread.start()

    def _kept(self) -> list[SentMeanwhile]:
        profiler = ProfilerFiles(self._plan, self._host, self._directory, self._buckets)
        return [*self._preparation.sent_meanwhile(), profiler]

    def _keep(self, kept: Sequence[SentMeanwhile]) -> None:
        over = False
        while not over:
            over = self._over.wait(CHECKPOINT_SECONDS)
            for folder in kept:
                try:
                    folder.send(last=over)
                except (TransferFailed, OSError) as error:
                    print(f"checkpoints: {error}", file=sys.stderr, flush=True)

    def _signal(self, number: int) -> bool:
        """False while there is no training yet that could be told."""
        pid = self._directory.training_pid
        if pid is None:
            return False
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if number == signal.SIGKILL:
                os.killpg(pid, number)
            else:
                os.kill(pid, number)
        if number == signal.SIGKILL and self._plan.image.launcher == "container":
            container.kill(self._plan, self._directory)
        return True

    def _patient(self) -> bool:
        """Input is given up when the job is being ended; checkpoints are sent however long the server stays away."""
        return self._over.is_set() or self._attending or not self._leaving()

    def _leaving(self) -> bool:
        return self._directory.asked("terminate") or self._directory.asked("kill")

    def _addresses(self) -> dict[str, str]:
        """Where the job's hosts are: each has an address of its own on this machine, or tells its machine's."""
        if self._alone:
            return {host.name: f"127.0.0.{number}" for number, host in enumerate(self._plan.hosts, 1)}
        (self._directory.path / "address").write_text(own_address(self._plan.endpoint))
        attempt = self._directory.path.name
        deadline = time.monotonic() + ADDRESS_SECONDS
        found: dict[str, str] = {}
        while len(found) < len(self._plan.hosts):
            if time.monotonic() > deadline or self._leaving():
                missing = [host.name for host in self._plan.hosts if host.name not in found]
                raise ValueError(f"InternalServerError: no word of the hosts {', '.join(missing)}")
            for host in self._plan.hosts:
                with contextlib.suppress(FileNotFoundError):
                    text = (self._job.path / host.name / attempt / "address").read_text()
                    found |= {host.name: text} if text else {}
            time.sleep(TICK_SECONDS)
        return found

    def _agent_variables(self) -> dict[str, str]:
        """For the agent's processes: the spool is in the host's directory, server and S3 where the plan says."""
        return {
            "EPOCHWATCH_HOME": str(self._directory.path),
            "EPOCHWATCH_URL": self._plan.endpoint,
            "EPOCHWATCH_REGION": self._plan.region,
            "EPOCHWATCH_ACCOUNT": self._plan.account,
            "EPOCHWATCH_ACCESS_KEY_ID": self._credentials["access_key_id"],
            "EPOCHWATCH_SECRET_ACCESS_KEY": self._credentials["secret_access_key"],
            "AWS_ENDPOINT_URL_S3": self._plan.s3_endpoint,
            "AWS_REGION": self._plan.region,
            "AWS_ACCESS_KEY_ID": self._credentials["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": self._credentials["secret_access_key"],
        }


def _tail(path: Path) -> list[str]:
    with contextlib.suppress(OSError), open(path, "rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL_BYTES))
        return file.read().decode(errors="replace").splitlines()
    return []


def main(arguments: Sequence[str]) -> int:
    """Runs one host, unless another process is at it."""
    job = JobDirectory(Path(arguments[0]))
    name, attempt = arguments[1], int(arguments[2])
    plan = job.plan()
    if plan is None:
        return 1
    directory = job.host(name, attempt)
    directory.path.mkdir(parents=True, exist_ok=True)
    with directory.lock() as lock:
        if not taken(lock):
            return 0
        # The agent's keeper is a fork of ours: it must not hold the lock on when we are killed.
        os.register_at_fork(after_in_child=lock.close)
        host = next(one for one in plan.hosts if one.name == name)
        Host(job, plan, host, attempt, alone=plan.image.launcher != "slurm").run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
