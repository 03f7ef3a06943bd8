"""A real cluster of Slurm on this machine: munged, slurmctld and slurmd with files and ports of their own."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from tests.servers import free_port

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol")
START_SECONDS = 30
CONFIGURATION = """
ClusterName=epochwatch
SlurmctldHost={host}
AuthType=auth/munge
AuthInfo=socket={home}/munge/socket
SlurmUser=root
SlurmdUser=root
StateSaveLocation={home}/state
SlurmdSpoolDir={home}/spool/%n
SlurmctldPidFile={home}/slurmctld.pid
SlurmdPidFile={home}/slurmd-%n.pid
SlurmctldLogFile={home}/slurmctld.log
SlurmdLogFile={home}/slurmd-%n.log
SlurmctldPort={controller}
SlurmdPort={daemon}
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_min_interval=100000
ReturnToService=2
MpiDefault=none
KillWait=1
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def unavailable() -> str:
    """Why there can be no cluster here; empty where there can."""
    missing = [program for program in PROGRAMS if shutil.which(program, path=_path()) is None]
    if missing:
        return f"not installed: {', '.join(missing)} (Debian: slurm-wlm, munge)"
    return "" if os.geteuid() == 0 else "Slurm's daemons need root"


class SlurmCluster:
    """Use as a context manager; ``environment`` is what Slurm's commands need."""

    def __init__(self, nodes: int = 1, cpus: int | None = None) -> None:
        """``cpus`` of each node are only said to be there."""
        self._nodes = nodes
        self._cpus = cpus
        self.home = Path(
            tempfile.mkdtemp(prefix="slurm-", dir="/tmp")
        )  # munge wants a short path below what is root's
        self.environment = {"SLURM_CONF": str(self.home / "slurm.conf"), "PATH": _path()}
        self._processes: list[subprocess.Popen[bytes]] = []

    def submit(self, *words: str) -> str:
        """``sbatch``; the job's id."""
        return self._command("sbatch", "--parsable", *words).strip()

    def cancel(self, job: str) -> None:
        self._command("scancel", job)

    def __enter__(self) -> "SlurmCluster":
        host = socket.gethostname().split(".")[0]
        for name in ("munge", "state", "spool"):
            (self.home / name).mkdir()
        self.home.chmod(0o755)
        key = self.home / "munge" / "key"
        key.touch(0o600)
        key.write_bytes(os.urandom(1024))
        configuration = CONFIGURATION.format(
            host=host, home=self.home, controller=free_port(), daemon=free_port(), nodes=self._node_lines(host)
        )
        (self.home / "slurm.conf").write_text(configuration)
        munge = self.home / "munge"
        files = [f"--key-file={key}", f"--socket={munge}/socket", f"--pid-file={munge}/pid"]
        self._start(
            "munged", "--foreground", "--force", *files, f"--log-file={munge}/log", f"--seed-file={munge}/seed"
        )
        self._until((munge / "socket").exists)
        self._start("slurmctld", "-D")
        for name in self._node_names(host):
            self._start("slurmd", "-D", "-N", name)
        idle = ["sinfo", "--noheader", "--Node", "--states=idle"]
        self._until(lambda: len(self._command(*idle, check=False).splitlines()) == self._nodes)
        return self

    def _node_names(self, host: str) -> list[str]:
        return [host] if self._nodes == 1 else [f"node{number}" for number in range(1, self._nodes + 1)]

    def _node_lines(self, host: str) -> str:
        """Several nodes are daemons of one machine, told apart by port."""
        lines = []
        if self._cpus is not None:
            lines.append("SlurmdParameters=config_overrides")
        for name in self._node_names(host):
            place = "" if name == host else f" NodeHostname={host} Port={free_port()}"
            lines.append(f"NodeName={name}{place} CPUs={self._cpus or os.cpu_count()} State=UNKNOWN")
        return "\n".join(lines)

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.home, ignore_errors=True)

    def _start(self, *command: str) -> None:
        with open(self.home / "said.log", "ab") as said:
            self._processes.append(
                subprocess.Popen(
                    command, env=os.environ | self.environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said
                )
            )

    def _command(self, *command: str, check: bool = True) -> str:
        done = subprocess.run(
            command, env=os.environ | self.environment, capture_output=True, text=True, check=False, cwd=self.home
        )
        assert done.returncode == 0 or not check, done.stderr
        return done.stdout

    def _until(self, condition: object) -> None:
        assert callable(condition)
        deadline = time.monotonic() + START_SECONDS
        while not condition():
            assert time.monotonic() < deadline, (self.home / "said.log").read_text()
            time.sleep(0.1)


def _path() -> str:
    return os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
