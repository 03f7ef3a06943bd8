"""``python -m epochwatch.launchers.enter HOST_DIRECTORY``: becomes the training.

In mount and host name spaces of its own: the host's directory is ``/opt/ml``, the job's hosts have addresses and the
machine is called ``algo-n``. Nothing of that is seen outside. Where the kernel refuses, the paths are rewritten.
"""

import contextlib
import ctypes
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

NEWNS, NEWUTS, NEWUSER = 0x00020000, 0x04000000, 0x10000000
_BIND, _RECURSIVE, _PRIVATE = 4096, 16384, 1 << 18
ML: Final = "/opt/ml"
EXIT_CODE_OF_REQUIREMENTS: Final = 1


class TrainingLaunch(msgspec.Struct, omit_defaults=True):
    """``launch.json``."""

    host: str
    command: list[str]
    environment: dict[str, str]
    working_directory: str = ML
    addresses: dict[str, str] = {}
    """Address by host name."""
    install: list[str] = []
    """A command to run first, such as the installation of requirements."""
    namespaces: bool = True


def main(arguments: Sequence[str]) -> int:
    """Returns only where the training cannot be started."""
    directory = Path(arguments[0])
    launch = msgspec.json.decode((directory / "launch.json").read_bytes(), type=TrainingLaunch)
    (directory / "training.pid").write_text(str(os.getpid()))
    os.dup2(1, 2)  # one stream, in the order printed, as a container's
    environment = launch.environment | _own(os.environ)
    base = ML
    if launch.namespaces:
        try:
            enter(directory, launch.host, launch.addresses)
        except OSError as error:
            base = str(directory / "ml")
            print(
                f"epochwatch: no mount namespace here ({error.strerror}): {ML} is {base} in this job", flush=True
            )
            environment = {name: rewritten(value, base) for name, value in environment.items()}
            environment["SAGEMAKER_BASE_DIR"] = base
            _rewrite_configuration(Path(base))
    command = [rewritten(word, base) for word in launch.command]
    with contextlib.suppress(OSError):
        os.chdir(rewritten(launch.working_directory, base))
    if launch.install and not _installed(launch.install, environment, base):
        return EXIT_CODE_OF_REQUIREMENTS
    os.environ.clear()
    os.environ.update(environment)
    try:
        os.execvpe(command[0], command, environment)  # noqa: S606
    except OSError as error:
        print(f"epochwatch: cannot run '{command[0]}': {error.strerror}", flush=True)
        return 127 if isinstance(error, FileNotFoundError) else 126


def rewritten(text: str, base: str) -> str:
    """``text`` with ``/opt/ml`` where it is now."""
    return text if base == ML else text.replace(ML, base)


def _rewrite_configuration(ml: Path) -> None:
    """Of the files in which hooks find where to write."""
    for name in ("debughookconfig.json", "profilerconfig.json"):
        path = ml / "input" / "config" / name
        if path.exists():
            path.write_text(rewritten(path.read_text(), str(ml)))


def enter(directory: Path, host: str, addresses: Mapping[str, str]) -> None:
    """Leave the machine's view of files and names for the host's own. Raises OSError where that is refused."""
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.getuid(), os.getgid()
    _check(libc.unshare(NEWNS | NEWUTS | (0 if uid == 0 else NEWUSER)))
    if uid:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    _mount(libc, "none", "/", _RECURSIVE | _PRIVATE)
    ml = directory / "ml"
    if not os.path.isdir(ML):
        _make_room(libc)
    _mount(libc, str(ml), ML, _BIND | _RECURSIVE)
    hosts = directory / "hosts"
    lines = [f"{address} {name}" for name, address in addresses.items()]
    with contextlib.suppress(OSError):
        lines.append(Path("/etc/hosts").read_text())
    hosts.write_text("\n".join(lines) + "\n")
    if os.path.exists("/etc/hosts"):
        _mount(libc, str(hosts), "/etc/hosts", _BIND)
    with contextlib.suppress(OSError):
        socket.sethostname(host)


def _make_room(libc: ctypes.CDLL) -> None:
    """A mount point /opt/ml where there is none: a memory file system takes the place of /opt, with all that is in
    /opt mounted into it. The machine's own /opt does not change.
    """
    room = Path(tempfile.mkdtemp(prefix="epochwatch-opt-"))
    try:
        _mount(libc, "tmpfs", str(room), 0, kind="tmpfs")
        for entry in Path("/opt").iterdir():
            place = room / entry.name
            if entry.is_symlink():
                place.symlink_to(os.readlink(entry))
                continue
            place.mkdir() if entry.is_dir() else place.touch()
            _mount(libc, str(entry), str(place), _BIND | _RECURSIVE)
        (room / "ml").mkdir()
        _mount(libc, str(room), "/opt", _BIND | _RECURSIVE)
        _check(libc.umount2(str(room).encode(), 2))
    finally:
        with contextlib.suppress(OSError):
            room.rmdir()


def _mount(libc: ctypes.CDLL, source: str, target: str, flags: int, kind: str | None = None) -> None:
    _check(libc.mount(source.encode(), target.encode(), kind.encode() if kind else None, flags, None))


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _own(environment: Mapping[str, str]) -> dict[str, str]:
    """Where ``epochwatch.log`` of the training writes to."""
    return {
        name: environment[name]
        for name in ("EPOCHWATCH_RUN_DIR", "EPOCHWATCH_JOB", "EPOCHWATCH_HOME")
        if name in environment
    }


def _installed(command: Sequence[str], environment: Mapping[str, str], base: str) -> bool:
    """Install what the code requires, within the training's own output. Tells why the job failed if it does."""
    words = [rewritten(word, base) for word in command]
    print(json.dumps({"epochwatch": "installing requirements", "command": words}), flush=True)
    done = subprocess.run(words, env=dict(environment), check=False)
    if done.returncode:
        failure = Path(base) / "output" / "failure"
        failure.write_text(
            f'InstallRequirementsError:\nExitCode {done.returncode}\nErrorMessage "the requirements could not be '
            f'installed; the log tells why"\nCommand "{" ".join(words)}"'
        )
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
