"""A host's training in a container: docker or podman, whichever answers."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

from epochwatch.launchers.contract import ML
from epochwatch.launchers.directory import HostDirectory
from epochwatch.launchers.plan import JobHost, Plan
from epochwatch.model.launch import TRAINING

RUNTIMES: Final = ("docker", "podman")
_SECONDS: Final = 30


class NoRuntime(ValueError):
    """Neither runtime answers. The message is a failure reason."""


@cache
def runtime() -> str:
    """The runtime's program. Raises NoRuntime."""
    for name in RUNTIMES:
        path = shutil.which(name)
        if path is None:
            continue
        try:
            done = subprocess.run([path, "info"], capture_output=True, check=False, timeout=_SECONDS)
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0:
            return path
    raise NoRuntime(
        "ClientError: neither docker nor podman answers here: start one, or run the image as a process"
    )


def command(
    program: str,
    plan: Plan,
    host: JobHost,
    directory: HostDirectory,
    variables: Mapping[str, str],
    addresses: Mapping[str, str],
) -> list[str]:
    """What runs the host's container. Variables are named only: their values come from the runtime's own."""
    words = [
        program, "run", "--rm", f"--name={name_of(plan, directory)}", f"--hostname={host.name}", "--network=host",
        f"--volume={directory.ml}:{ML}",
    ]  # fmt: skip
    words += [f"--add-host={name}:{address}" for name, address in addresses.items()]
    words += [f"--env={name}" for name in sorted(variables)]
    words += _volumes(directory)
    if host.gpus:
        words += _devices(program, host.gpus)
    words += plan.image.options
    return words + _image_and_arguments(plan)


def name_of(plan: Plan, directory: HostDirectory) -> str:
    """The container's name: one for each host and attempt."""
    return f"epochwatch-{plan.account}-{plan.job}-{directory.path.parent.name}-{directory.path.name}"


def kill(plan: Plan, directory: HostDirectory) -> None:
    """End the container at once: the end of the runtime's client would leave it running."""
    subprocess.run(
        [runtime(), "kill", name_of(plan, directory)], capture_output=True, check=False, timeout=_SECONDS
    )


def _image_and_arguments(plan: Plan) -> list[str]:
    algorithm = plan.application
    entry = list(algorithm.get("ContainerEntrypoint") or plan.image.command)
    arguments = list(algorithm.get("ContainerArguments") or [])
    image = plan.image.container
    if entry:
        return [f"--entrypoint={entry[0]}", image, *entry[1:], *arguments]
    return [image, *(arguments or (["train"] if plan.kind == TRAINING else []))]


def _volumes(directory: HostDirectory) -> list[str]:
    """Channels that are folders of this machine are links, which lead nowhere in the container."""
    data = directory.ml / "input" / "data"
    links = [path for path in data.iterdir() if path.is_symlink()] if data.exists() else []
    return [f"--volume={link.resolve()}:{ML}/input/data/{link.name}:ro" for link in links]


def _devices(program: str, gpus: Sequence[str]) -> list[str]:
    if program.endswith("podman"):
        return [f"--device=nvidia.com/gpu={gpu}" for gpu in gpus]
    return ["--gpus", f'"device={",".join(gpus)}"']
