"""``python -m epochwatch.launchers.runner JOB_DIRECTORY``: sees a job through, whatever becomes of the server.

It starts the hosts, tells the server the job's state, ends what is to be ended, starts again what was interrupted, and
uploads what is left. It can be killed and started again at any point: all it knows is in the directory.
"""

import contextlib
import signal
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from epochwatch.agent.diagnosis import DiagnosisReader
from epochwatch.launchers.artifacts import clear, collect
from epochwatch.launchers.buckets import Buckets, Location, TransferFailed
from epochwatch.launchers.directory import (
    DELIVERED,
    ENDED,
    PREPARING,
    HostDirectory,
    HostState,
    JobDirectory,
    taken,
)
from epochwatch.launchers.hosts import HostProcesses
from epochwatch.launchers.outbox import Outbox
from epochwatch.launchers.plan import Plan
from epochwatch.launchers.processing import outputs as outputs_of
from epochwatch.launchers.profiler import end_profile
from epochwatch.launchers.tensors import end_tensors
from epochwatch.model.created_job import ENDS
from epochwatch.model.launch import PROCESSING, JobProgress

TICK_SECONDS: Final = 0.1
GRACE_OF_THE_OTHERS_SECONDS: Final = 10.0
"""How long the other hosts of a job may take to end when one has failed."""
RESTART_SECONDS: Final = 1.0
LONGEST_MESSAGE: Final = 1024
"""Characters of a processing job's exit message."""
_OUTCOMES: Final = {"stop": "Stopped", "max-runtime": "MaxRuntimeExceeded", "max-wait": "MaxWaitTimeExceeded"}


class Runner:
    """One job, from its start to its end."""

    def __init__(self, job: JobDirectory, plan: Plan) -> None:
        self._job = job
        self._plan = plan
        self._state = job.state()
        self._outbox = Outbox(job, plan)
        self._processes = HostProcesses(job, plan)
        credentials = job.credentials()
        self._buckets = Buckets(
            plan.s3_endpoint, plan.region, credentials["access_key_id"], credentials["secret_access_key"]
        )

    def run(self) -> bool:
        """Whether the server knows the end."""
        self._outbox.start()
        if self._state.secondary_status not in ENDS:
            while self._attempt() == "interrupt":
                self._restart()
            self._finish()
        told = self._outbox.finish()
        if told:
            self._clear()
        return told

    # -- one attempt --------------------------------------------------------------------------------------

    def _attempt(self) -> str:
        """Until all hosts have ended; why they were ended, if they were."""
        if self._state.billable_since is None:
            self._state.billable_since = time.time()
        while True:
            self._consider_ending()
            if not self._state.terminating:
                self._processes.keep(self._state.attempt)
            states = self._host_states()
            self._tell_phase(states)
            if self._ended(states):
                if self._state.terminating == "interrupt" and all(state.exit_code == 0 for state in states):
                    self._state.terminating = ""  # it was through before it heard of it
                return self._state.terminating
            self._end_hosts()
            time.sleep(TICK_SECONDS)

    def _ended(self, states: Sequence[HostState]) -> bool:
        """A host that never began, because the job is being ended, counts as ended."""
        for host, state in zip(self._hosts(), states, strict=True):
            if state.phase in (ENDED, DELIVERED):
                continue
            if not self._state.terminating or host.running() or self._processes.running(host):
                return False
            if host.spool() is not None:  # its training may go on: somebody has to see to it
                self._processes.keep(self._state.attempt)
                return False
        return True

    def _tell_phase(self, states: Sequence[HostState]) -> None:
        phases = {state.phase for state in states}
        if self._state.terminating:
            return
        if not phases & {PREPARING}:
            if self._state.training_since is None:
                self._state.training_since = time.time()
                self._tell("Training")
        elif self._state.secondary_status not in ("Downloading", "Training"):
            self._tell("Downloading")

    def _consider_ending(self) -> None:
        if self._state.terminating:
            if self._state.terminating == "interrupt" and self._job.asked("stop"):
                self._state.terminating = "stop"
                self._job.write_state(self._state)
            return
        reason = self._reason_to_end()
        if not reason:
            return
        self._state.terminating, self._state.terminating_since = reason, time.time()
        self._job.write_state(self._state)
        if reason == "stop":
            self._tell("Stopping")

    def _reason_to_end(self) -> str:
        now = time.time()
        if self._job.asked("stop"):
            return "stop"
        if self._plan.max_wait is not None and now - self._plan.created > self._plan.max_wait:
            return "max-wait"
        if self._trained(now) > self._plan.max_runtime:
            return "max-runtime"
        if any(_failed(state) for state in self._host_states()):
            return "failed"
        return "interrupt" if self._job.asked("interrupt") else ""

    def _end_hosts(self) -> None:
        reason = self._state.terminating
        if not reason:
            return
        grace = GRACE_OF_THE_OTHERS_SECONDS if reason == "failed" else self._plan.grace_seconds
        what = "kill" if time.time() - self._state.terminating_since > grace else "terminate"
        for host in self._hosts():
            if host.path.exists() and not host.asked(what):
                host.ask(what)

    # -- between attempts ---------------------------------------------------------------------------------

    def _restart(self) -> None:
        """As after a spot interruption: the next attempt finds the checkpoints that the last one left."""
        now = time.time()
        self._close_attempt(now)
        self._tell("Interrupted")
        self._job.answered("interrupt")
        time.sleep(RESTART_SECONDS)
        self._state.attempt += 1
        self._state.terminating = ""
        self._tell("Restarting")

    def _close_attempt(self, now: float) -> None:
        state = self._state
        if state.training_since is not None:
            state.trained_before += now - state.training_since
        if state.billable_since is not None:
            state.billed_before += now - state.billable_since
        state.training_since = state.billable_since = None

    def _trained(self, now: float) -> float:
        since = self._state.training_since
        return self._state.trained_before + (now - since if since is not None else 0.0)

    # -- the end ------------------------------------------------------------------------------------------

    def _finish(self) -> None:
        states = self._host_states()
        outcome, reason = self._outcome(states)
        try:
            if self._plan.kind == PROCESSING:
                self._upload_outputs()
            else:
                self._upload(keep_model=outcome != "Failed")
        except (TransferFailed, OSError) as error:
            outcome, reason = "Failed", f"ClientError: Artifact upload failed: {error}"
        self._end_saved()
        self._await_delivery()
        self._close_attempt(time.time())
        codes = [state.exit_code for state in states if state.exit_code is not None]
        self._tell(outcome, failure_reason=reason, exit_code=max(codes, key=abs) if codes else None)

    def _outcome(self, states: Sequence[HostState]) -> tuple[str, str]:
        """The last secondary status, and the failure reason."""
        ending = self._state.terminating
        if ending in _OUTCOMES:
            return _OUTCOMES[ending], ""
        failed = [state for state in states if _failed(state)]
        if not failed:
            return "Completed", ""
        told = [state for state in failed if state.failure and not state.lost] or failed
        # Of several the first whose own training failed: the others were ended because of it.
        own = [state for state in told if state.exit_code not in (143, 137)] or told
        return "Failed", own[0].failure or f"AlgorithmError: , exit code: {own[0].exit_code}"

    def _upload(self, *, keep_model: bool) -> None:
        if self._state.artifacts or self._state.output:
            return
        hosts = self._hosts()
        if not any((host.ml / "model").exists() for host in hosts):
            return
        configuration = self._plan.request.get("OutputDataConfig") or {}
        if not configuration.get("S3OutputPath"):
            return
        if self._state.terminating != "stop":
            self._tell("Uploading")
        gzip = configuration.get("CompressionType", "GZIP") != "NONE"
        place = Location.parse(configuration["S3OutputPath"]).below(self._plan.job, "output")
        names = ("model.tar.gz", "output.tar.gz") if gzip else ("model", "data")
        into = self._job.path / "upload"
        if keep_model:
            models = [host.ml / "model" for host in hosts]
            self._state.artifacts = collect(models, into, place.below(names[0]), self._buckets, gzip=gzip)
        outputs = [host.ml / "output" / "data" for host in hosts]
        self._state.output = collect(outputs, into, place.below(names[1]), self._buckets, gzip=gzip)
        self._job.write_state(self._state)

    def _upload_outputs(self) -> None:
        """Of a processing job: each output's files as they are; what it says of its end is the exit message."""
        outputs = outputs_of(self._plan)
        if outputs and self._state.terminating != "stop":
            self._tell("Uploading")
        for output in outputs:
            folders = [host.ml / output.folder for host in self._hosts()]
            collect(folders, self._job.path / "upload", Location.parse(output.uri), self._buckets, gzip=False)
        for host in self._hosts():
            with contextlib.suppress(OSError):
                message = (host.ml / "output" / "message").read_text(errors="replace")
                self._state.output = message[:LONGEST_MESSAGE]
                break

    def _end_saved(self) -> None:
        """Tensors and profiles are complete. A bucket that is not there is no reason for a training to fail."""
        hosts = [host for attempt in range(1, self._state.attempt + 1) for host in self._hosts(attempt)]
        for what, end in (("tensors", end_tensors), ("profile", partial(end_profile, hosts))):
            try:
                end(self._plan, self._buckets)
            except TransferFailed as error:
                print(f"{what}: {error}", file=sys.stderr, flush=True)

    def _await_delivery(self) -> None:
        """The end is told only when the server has all lines and values: clients stop reading there."""
        for attempt in range(1, self._state.attempt + 1):
            while any(not _delivered(host) for host in self._hosts(attempt)):
                self._processes.keep(attempt, only_started=True)
                time.sleep(TICK_SECONDS)

    def _clear(self) -> None:
        """Copies of data and models are not kept: what counts is in S3. Tensors are there until they were looked at."""
        for attempt in range(1, self._state.attempt + 1):
            for host in self._hosts(attempt):
                spool = host.spool()
                if spool is not None:
                    DiagnosisReader(spool).await_end()
                clear(host.ml)
                clear(host.path / "environment")

    # -- what is told -------------------------------------------------------------------------------------

    def _tell(self, status: str, *, failure_reason: str = "", exit_code: int | None = None) -> None:
        """Kept first, then sent: a runner that is killed in between tells it when it is started again."""
        state = self._state
        state.sequence += 1
        state.secondary_status = status
        billed = state.billed_before
        if state.billable_since is not None:
            billed += time.time() - state.billable_since
        progress = JobProgress(
            account=self._plan.account,
            region=self._plan.region,
            job=self._plan.job,
            attempt=state.attempt,
            sequence=state.sequence,
            secondary_status=status,
            time=time.time(),
            failure_reason=failure_reason,
            exit_code=exit_code,
            artifacts=state.artifacts,
            output=state.output,
            kind=self._plan.kind,
            billable_seconds=max(1, round(billed)),
        )
        self._job.tell(progress)
        self._job.write_state(state)
        self._outbox.wake()

    def _hosts(self, attempt: int | None = None) -> list[HostDirectory]:
        number = self._state.attempt if attempt is None else attempt
        return [self._job.host(host.name, number) for host in self._plan.hosts]

    def _host_states(self) -> list[HostState]:
        return [host.state() for host in self._hosts()]


def _failed(state: HostState) -> bool:
    return (
        bool(state.failure)
        or state.lost
        or (state.phase in (ENDED, DELIVERED) and state.exit_code not in (0, None))
    )


def _delivered(host: HostDirectory) -> bool:
    return host.state().phase == DELIVERED or host.spool() is None


def main(arguments: Sequence[str]) -> int:
    """Sees one job through, unless another runner is at it."""
    job = JobDirectory(Path(arguments[0]))
    plan = job.plan()
    if plan is None:
        return 1
    with job.lock() as lock:
        if not taken(lock):
            return 0
        signal.signal(signal.SIGTERM, lambda *_: job.ask("stop"))
        return 0 if Runner(job, plan).run() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
