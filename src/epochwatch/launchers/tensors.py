"""Tensors that a training saves for its rules: where its hook writes them, and their copy in S3, which grows too."""

from pathlib import Path
from typing import Final

from epochwatch.debugger.smdebug.layout import END_OF_JOB
from epochwatch.launchers.artifacts import Mark, marks_of
from epochwatch.launchers.buckets import Buckets, Location
from epochwatch.launchers.contract import ML
from epochwatch.launchers.directory import HostDirectory
from epochwatch.launchers.plan import JobHost, Plan

_GROWING: Final = "log/"
"""Files below it are appended to; all others appear whole."""
_UNFINISHED: Final = (".tmp", "claim.smd")


class TensorFiles:
    """A host's tensors and their copy. No file is there before those that it refers to."""

    def __init__(self, folder: Path, uri: str, buckets: Buckets) -> None:
        self._folder = folder
        self._uri = uri
        self._buckets = buckets
        self._sent: dict[str, Mark] = {}

    def send(self, *, last: bool = False) -> None:
        """Send what is new, a file that grows as far as it went before the others were looked at."""
        location = Location.parse(self._uri)
        growing = marks_of(self._folder, _GROWING)
        whole = {name: mark for name, mark in marks_of(self._folder).items() if not name.startswith(_GROWING)}
        for name, mark in sorted(whole.items(), key=lambda one: one[1].modified):
            if self._sent.get(name) != mark and name != END_OF_JOB and not name.endswith(_UNFINISHED):
                self._send(name, mark, location)
        for name, mark in growing.items():
            if self._sent.get(name) != mark:
                self._send(name, mark, location)

    def _send(self, name: str, mark: Mark, location: Location) -> None:
        try:
            if name.startswith(_GROWING):
                with open(self._folder / name, "rb") as file:
                    self._buckets.put(file.read(mark.size), location.below(name))
            else:
                self._buckets.upload(self._folder / name, location.below(name))
        except FileNotFoundError:
            return  # a log that was sealed meanwhile: the next look finds what took its place
        self._sent[name] = mark


def tensor_files(plan: Plan, directory: HostDirectory, buckets: Buckets) -> TensorFiles | None:
    """Those of a host; None where the job saves none."""
    if plan.tensors is None:
        return None
    uri, local = plan.tensors
    return TensorFiles(_folder(directory, local), uri, buckets)


def prepare_tensors(plan: Plan, directory: HostDirectory) -> None:
    """Make the folder; at a later attempt it holds what the one before has saved, as the training goes on there."""
    if plan.tensors is None:
        return
    folder = _folder(directory, plan.tensors[1])
    number = int(directory.path.name.rpartition("-")[2])
    before = _folder(HostDirectory(directory.path.with_name(f"attempt-{number - 1}")), plan.tensors[1])
    folder.parent.mkdir(parents=True, exist_ok=True)
    if before.exists() and not folder.exists():
        before.rename(folder)
        (folder / END_OF_JOB).unlink(missing_ok=True)
    folder.mkdir(exist_ok=True)


def followed_tensors(plan: Plan, host: JobHost, directory: HostDirectory) -> str:
    """Where a host finds the tensors by which the job is diagnosed: its own files, or in S3 those of all hosts; empty
    where there are none, or another host does it.
    """
    if plan.tensors is None or host.name != plan.hosts[0].name:
        return ""
    uri, local = plan.tensors
    return str(_folder(directory, local)) if len(plan.hosts) == 1 else uri


def end_tensors(plan: Plan, buckets: Buckets) -> None:
    """Say that nothing more comes, of any host. Raises TransferFailed."""
    if plan.tensors is not None:
        buckets.put(b"", Location.parse(plan.tensors[0]).below(END_OF_JOB))


def _folder(directory: HostDirectory, local: str) -> Path:
    return directory.ml / local[len(ML) + 1 :]
