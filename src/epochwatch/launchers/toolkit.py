"""Script mode: the environment and command of SageMaker's training toolkit, for the framework images. Pure.

A job is in script mode when its hyperparameters name a program (``sagemaker_program``).
"""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from epochwatch.launchers.contract import ML, in_order

CODE: Final = f"{ML}/code"
MASTER_PORT: Final = "7777"
_OWN: Final = "sagemaker_"
_NOT_FOR_THE_SCRIPT: Final = ("_tuning_objective_metric",)
_LAUNCHED_BY_TORCHRUN: Final = (
    "sagemaker_torch_distributed_enabled",
    "sagemaker_pytorch_ddp_enabled",
    "sagemaker_distributed_dataparallel_enabled",
)


@dataclass(frozen=True)
class Machine:
    """What the toolkit counts on a host."""

    cpus: int
    gpus: int


@dataclass(frozen=True)
class Script:
    """A job in script mode, on one host."""

    hyperparameters: Mapping[str, str]
    resources: Mapping[str, Any]
    """``resourceconfig.json``."""
    inputs: Mapping[str, Mapping[str, str]]
    """``inputdataconfig.json``."""
    job: str
    machine: Machine
    framework: str = ""
    base: str = ML
    decoded: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "decoded", {name: _decoded(text) for name, text in self.hyperparameters.items()})

    @property
    def program(self) -> str:
        """The entry point, relative to the code."""
        return str(self.decoded["sagemaker_program"])

    @property
    def submit_directory(self) -> str:
        """Where the code archive is: an S3 URI, or a path."""
        return str(self.decoded.get("sagemaker_submit_directory") or f"{self.base}/code")

    @property
    def for_the_script(self) -> dict[str, Any]:
        """The hyperparameters that are the user's."""
        return {
            name: value
            for name, value in self.decoded.items()
            if not name.startswith(_OWN) and name not in _NOT_FOR_THE_SCRIPT
        }

    def arguments(self) -> list[str]:
        """``--name value`` for each hyperparameter, sorted by name; one dash for names of one letter."""
        words: list[str] = []
        for name, value in sorted(self.for_the_script.items()):
            words += [f"-{name}" if len(name) == 1 else f"--{name}", str(value)]
        return words

    def command(self) -> list[str]:
        """What runs in the code's directory. Raises ValueError for a way of distribution there is not here."""
        if self.decoded.get("sagemaker_mpi_enabled"):
            raise ValueError(
                "distribution by MPI is not available here: use torch_distributed, or your own launcher"
            )
        if self.decoded.get("sagemaker_parameter_server_enabled"):
            raise ValueError(
                "parameter servers are not available here: use MultiWorkerMirroredStrategy by TF_CONFIG"
            )
        arguments = self.arguments()
        if any(self.decoded.get(name) for name in _LAUNCHED_BY_TORCHRUN):
            return [*self._torchrun(), self.program, *arguments]
        if self.program.endswith(".py"):
            return ["python3", self.program, *arguments]
        if self.program.endswith(".sh"):
            return ["/bin/sh", "-c", shlex.join([f"./{self.program}", *arguments])]
        return ["python3", "-m", self.program, *arguments]

    def environment(self) -> dict[str, str]:
        """The ``SM_`` variables, ``PYTHONPATH`` left to the caller."""
        base, resources = self.base, self.resources
        groups = resources["instance_groups"]
        current = next(one for one in groups if one["instance_group_name"] == resources["current_group_name"])
        values: dict[str, Any] = {
            "HOSTS": resources["hosts"],
            "NETWORK_INTERFACE_NAME": resources["network_interface_name"],
            "HPS": self.for_the_script,
            "USER_ENTRY_POINT": self.program,
            "FRAMEWORK_PARAMS": {key: value for key, value in self.decoded.items() if key.startswith(_OWN)},
            "RESOURCE_CONFIG": resources,
            "INPUT_DATA_CONFIG": self.inputs,
            "OUTPUT_DATA_DIR": f"{base}/output/data",
            "CHANNELS": sorted(self.inputs),
            "CURRENT_HOST": resources["current_host"],
            "CURRENT_INSTANCE_TYPE": resources["current_instance_type"],
            "CURRENT_INSTANCE_GROUP": resources["current_group_name"],
            "CURRENT_INSTANCE_GROUP_HOSTS": current["hosts"],
            "INSTANCE_GROUPS": [one["instance_group_name"] for one in groups],
            "INSTANCE_GROUPS_DICT": {one["instance_group_name"]: one for one in groups},
            "DISTRIBUTION_INSTANCE_GROUPS": self.decoded.get("sagemaker_distribution_instance_groups", []),
            "IS_HETERO": len(groups) > 1,
            "MODULE_NAME": self.program.removesuffix(".py"),
            "LOG_LEVEL": self.decoded.get("sagemaker_container_log_level", 20),
            "FRAMEWORK_MODULE": f"sagemaker_{self.framework}_container.training:main" if self.framework else "",
            "INPUT_DIR": f"{base}/input",
            "INPUT_CONFIG_DIR": f"{base}/input/config",
            "OUTPUT_DIR": f"{base}/output",
            "NUM_CPUS": self.machine.cpus,
            "NUM_GPUS": self.machine.gpus,
            "NUM_NEURONS": 0,
            "MODEL_DIR": f"{base}/model",
            "MODULE_DIR": self.submit_directory,
            "USER_ARGS": self.arguments(),
            "OUTPUT_INTERMEDIATE_DIR": f"{base}/output/intermediate",
        }
        values |= {f"CHANNEL_{name.upper()}": f"{base}/input/data/{name}" for name in self.inputs}
        values |= {f"HP_{name.upper()}": value for name, value in self.for_the_script.items()}
        values["TRAINING_ENV"] = self._training_env(values)
        found = {f"SM_{name}": _encoded(value) for name, value in values.items()}
        return found | {"MASTER_ADDR": in_order(resources["hosts"])[0], "MASTER_PORT": MASTER_PORT}

    def _torchrun(self) -> list[str]:
        hosts: Sequence[str] = self.resources["hosts"]
        return [
            "python3", "-m", "torch.distributed.run",
            "--nnodes", str(len(hosts)),
            "--nproc_per_node", str(self.machine.gpus or 1),
            "--master_addr", in_order(hosts)[0],
            "--master_port", MASTER_PORT,
            "--node_rank", str(in_order(hosts).index(self.resources["current_host"])),
        ]  # fmt: skip

    def _training_env(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The same in one JSON object, under the toolkit's own names."""
        names = {
            "channel_input_dirs": {name: f"{self.base}/input/data/{name}" for name in self.inputs},
            "hyperparameters": values["HPS"],
            "additional_framework_parameters": values["FRAMEWORK_PARAMS"],
            "job_name": self.job,
            "master_hostname": in_order(values["HOSTS"])[0],
            "is_master": in_order(values["HOSTS"])[0] == values["CURRENT_HOST"],
            "user_entry_point": values["USER_ENTRY_POINT"],
        }
        same = (
            "HOSTS", "NETWORK_INTERFACE_NAME", "RESOURCE_CONFIG", "INPUT_DATA_CONFIG", "OUTPUT_DATA_DIR",
            "CURRENT_HOST", "CURRENT_INSTANCE_TYPE", "CURRENT_INSTANCE_GROUP", "CURRENT_INSTANCE_GROUP_HOSTS",
            "INSTANCE_GROUPS",
            "INSTANCE_GROUPS_DICT", "DISTRIBUTION_INSTANCE_GROUPS", "IS_HETERO", "MODULE_NAME", "LOG_LEVEL",
            "FRAMEWORK_MODULE", "INPUT_DIR", "INPUT_CONFIG_DIR", "OUTPUT_DIR", "NUM_CPUS", "NUM_GPUS", "MODEL_DIR",
            "MODULE_DIR", "OUTPUT_INTERMEDIATE_DIR",
        )  # fmt: skip
        return names | {name.lower(): values[name] for name in same}


def script_of(
    hyperparameters: Mapping[str, str],
    resources: Mapping[str, Any],
    inputs: Mapping[str, Mapping[str, str]],
    job: str,
    machine: Machine,
    framework: str = "",
    base: str = ML,
) -> Script | None:
    """The job in script mode; None where it names no program."""
    if not hyperparameters.get("sagemaker_program"):
        return None
    return Script(hyperparameters, resources, inputs, job, machine, framework, base)


def _decoded(text: str) -> Any:
    """SDKs send hyperparameters of script mode as JSON; what is none is taken as it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _encoded(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), sort_keys=True)
