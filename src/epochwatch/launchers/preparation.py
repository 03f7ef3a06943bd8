"""What a host does before its training: ``/opt/ml`` filled, the code fetched, the command found."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil

from epochwatch.debugger.injection import debug_environment
from epochwatch.launchers import algorithms, channels, container, pipes, processing
from epochwatch.launchers.artifacts import Checkpoints, SentMeanwhile, unpack
from epochwatch.launchers.buckets import Buckets, Location, TransferFailed
from epochwatch.launchers.channels import Channel
from epochwatch.launchers.contract import (
    DEFAULT_MODE,
    ML,
    debugger_configuration,
    environment,
    hyperparameters,
    input_data_config,
    resource_config,
    training_job_config,
)
from epochwatch.launchers.directory import HostDirectory
from epochwatch.launchers.enter import TrainingLaunch
from epochwatch.launchers.environment import overlay, path_of, requirements_environment
from epochwatch.launchers.plan import JobHost, Plan
from epochwatch.launchers.profiler import profiler_variables
from epochwatch.launchers.tensors import prepare_tensors, tensor_files
from epochwatch.launchers.toolkit import CODE, Machine, Script, script_of
from epochwatch.model.launch import PROCESSING

FOLDERS = (
    "config",
    "input/config",
    "input/data",
    "model",
    "output/data",
    "output/intermediate",
    "code",
    "checkpoints",
)


class Preparation:
    """One host of a job, on its way to its training. Raises TransferFailed and ValueError with the reason."""

    def __init__(
        self,
        plan: Plan,
        host: JobHost,
        directory: HostDirectory,
        buckets: Buckets,
        credentials: Mapping[str, str],
        interface: str,
    ) -> None:
        self._plan = plan
        self._host = host
        self._directory = directory
        self._buckets = buckets
        self._credentials = credentials
        self._interface = interface
        self.channels: list[Channel] = []
        self.checkpoints = self._checkpoints()

    def fill(self, interrupted: Callable[[], bool] = lambda: False) -> None:
        """Configuration, channels and checkpoints; ends early when ``interrupted``."""
        if self._plan.checkpoints is not None and self.checkpoints is None:
            local = self._plan.checkpoints[1]
            raise ValueError(f"ClientError: CheckpointConfig.LocalPath must be below {ML} here, not {local}")
        for folder in FOLDERS:
            (self._directory.ml / folder).mkdir(parents=True, exist_ok=True)
        for path, content in self._configuration().items():
            (self._directory.ml / path).write_text(json.dumps(content))
        for folder, entry in self._inputs():
            if interrupted():
                return
            self._fetch(self._directory.ml / folder, entry)
        for output in processing.outputs(self._plan):
            (self._directory.ml / output.folder).mkdir(parents=True, exist_ok=True)
        prepare_tensors(self._plan, self._directory)
        if self.checkpoints is not None:
            self.checkpoints.restore()

    def sent_meanwhile(self) -> list[SentMeanwhile]:
        """What is copied to S3 while the job runs: checkpoints, tensors, and outputs that are to be."""
        tensors = tensor_files(self._plan, self._directory, self._buckets)
        found: list[SentMeanwhile] = [one for one in (self.checkpoints, tensors) if one is not None]
        for output in processing.outputs(self._plan):
            if output.continuous:
                folder = self._directory.ml / output.folder
                found.append(Checkpoints(folder, Location.parse(output.uri), self._buckets))
        return found

    def _inputs(self) -> list[tuple[str, dict[str, Any]]]:
        """The folder of each channel, and the channel."""
        if self._plan.kind == PROCESSING:
            return processing.inputs(self._plan)
        return [("input/data", entry) for entry in self._plan.request.get("InputDataConfig") or []]

    def _fetch(self, folder: Path, entry: dict[str, Any]) -> None:
        number = [one.name for one in self._plan.hosts].index(self._host.name)
        default = self._plan.application.get("TrainingInputMode", DEFAULT_MODE)
        channel = channels.resolve(entry, default, number, len(self._plan.hosts), self._buckets)
        self.channels.append(channel)
        if channel.mode == "Pipe":
            pipes.make(channel, folder)
        else:
            channels.fetch(channel, folder, self._buckets)

    def _checkpoints(self) -> Checkpoints | None:
        """The checkpoints' folder and its copy; None where the job has none."""
        found = self._plan.checkpoints
        if found is None:
            return None
        uri, local = found
        if not below_ml(local):
            return None
        return Checkpoints(self._directory.ml / local[len(ML) + 1 :], Location.parse(uri), self._buckets)

    def launch(self, addresses: Mapping[str, str]) -> TrainingLaunch:
        """What is to be executed."""
        if self._plan.image.launcher == "container":
            return self._container(addresses)
        script = self._script()
        variables = environment(self._plan, self._host, self._credentials, os.environ)
        directory, install = ML, list[str]()
        if script is not None:
            self._fetch_code(script)
            directory = CODE
            variables = script.environment() | variables
            variables["PYTHONPATH"] = os.pathsep.join(filter(None, [CODE, variables.get("PYTHONPATH", "")]))
        if self._plan.image.python:
            binaries, install = self._environment(script)
            variables["PATH"] = path_of(binaries, self._plan.image.python, variables.get("PATH", os.defpath))
        if self._plan.tensors is not None:
            variables |= debug_environment(self._plan.tensors[1], environment=variables)
        variables |= profiler_variables(self._plan, self._host, variables)
        return TrainingLaunch(
            host=self._host.name,
            command=self._command(script),
            environment=variables,
            working_directory=directory,
            addresses=dict(addresses),
            install=install,
        )

    def _container(self, addresses: Mapping[str, str]) -> TrainingLaunch:
        """The same in a container, which brings its own toolkit; only the job's own variables go into it."""
        inside = environment(self._plan, self._host, self._credentials, {})
        words = container.command(container.runtime(), self._plan, self._host, self._directory, inside, addresses)
        return TrainingLaunch(self._host.name, words, dict(os.environ) | inside, namespaces=False)

    def _configuration(self) -> dict[str, Any]:
        """Content by path below ``/opt/ml``."""
        if self._plan.kind == PROCESSING:
            return {
                "config/processingjobconfig.json": processing.configuration(self._plan),
                "config/resourceconfig.json": self._resources(),
            }
        return {
            "input/config/hyperparameters.json": hyperparameters(self._plan),
            "input/config/inputdataconfig.json": input_data_config(self._plan),
            "input/config/resourceconfig.json": self._resources(),
            "input/config/trainingjobconfig.json": training_job_config(self._plan),
            **debugger_configuration(self._plan),
        }

    def _resources(self) -> dict[str, Any]:
        return resource_config(self._plan.hosts, self._host, self._interface)

    def _script(self) -> Script | None:
        if self._plan.application.get("ContainerEntrypoint"):
            return None
        machine = Machine(psutil.cpu_count() or 1, len(self._host.gpus))
        inputs = input_data_config(self._plan)
        image = self._plan.image
        return script_of(
            hyperparameters(self._plan), self._resources(), inputs, self._plan.job, machine, image.framework
        )

    def _command(self, script: Script | None) -> list[str]:
        algorithm = self._plan.application
        arguments = list(algorithm.get("ContainerArguments") or [])
        entry = list(algorithm.get("ContainerEntrypoint") or [])
        if entry:
            return entry + arguments
        if script is not None:
            return script.command()
        if self._plan.image.command:
            return self._plan.image.command + (arguments or ["train"])
        if self._plan.image.algorithm:
            return self._algorithm(self._plan.image.algorithm)
        raise ValueError(
            f"ClientError: there is nothing to run for the image '{self._plan.image.name}': give the job a "
            "ContainerEntrypoint or an entry point script, or the image a command in images.toml"
        )

    def _algorithm(self, name: str) -> list[str]:
        algorithms.require(name, hyperparameters(self._plan), input_data_config(self._plan))
        return algorithms.command_of(name)

    def _fetch_code(self, script: Script) -> None:
        code = self._directory.ml / "code"
        place = script.submit_directory
        archive = code.parent / "sourcedir.tar.gz"
        if place.startswith("s3://"):
            self._buckets.download(Location.parse(place), archive)
        elif place.startswith(f"{ML}/") and place.endswith(".tar.gz"):
            archive = self._directory.ml / place[len(ML) + 1 :]
        elif not place.startswith(ML):
            raise TransferFailed(f"ClientError: sagemaker_submit_directory '{place}' is neither in S3 nor in {ML}")
        if archive.exists():
            unpack(archive, code)

    def _environment(self, script: Script | None) -> tuple[Path, list[str]]:
        """Its ``bin``, and the command that fills it with what the script requires."""
        python = self._plan.image.python
        requirements = self._directory.ml / "code" / "requirements.txt"
        if script is not None and requirements.exists():
            return requirements_environment(python, requirements, Path(self._plan.home))
        return overlay(python, self._directory.path / "environment"), []


def below_ml(path: str) -> bool:
    """Whether a path of the training is in what the host keeps for it."""
    return path.startswith(f"{ML}/") and ".." not in path.split("/")
