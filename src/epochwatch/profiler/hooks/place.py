"""Where a training's process is: its node, its number, when it began, and where its events go."""

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

DIRECTORY_VARIABLE: Final = "EPOCHWATCH_PROFILE_DIR"
NODE_VARIABLE: Final = "EPOCHWATCH_NODE"
CONFIG_VARIABLE: Final = "EPOCHWATCH_PROFILE_CONFIG"
FOLDER: Final = "profile"
"""Below the spool of a run."""
_RESOURCES: Final = Path("/opt/ml/input/config/resourceconfig.json")
_CONFIGURATION: Final = Path("/opt/ml/input/config/profilerconfig.json")
_RANKS: Final = ("RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID")


def events_directory() -> Path:
    """Where a process under ``epochwatch run`` or in a created job writes. Raises ValueError elsewhere."""
    given = os.environ.get(DIRECTORY_VARIABLE)
    if given:
        return Path(given)
    spool = os.environ.get("EPOCHWATCH_RUN_DIR")
    if spool:
        return Path(spool) / FOLDER
    raise ValueError(f"say where the profile goes: a directory, or {DIRECTORY_VARIABLE}")


def configuration(directory: Path) -> Path:
    """The file that says which steps are looked into closely: in a created job SageMaker's, else beside the events."""
    given = os.environ.get(CONFIG_VARIABLE)
    if given:
        return Path(given)
    return _CONFIGURATION if _CONFIGURATION.exists() else directory / _CONFIGURATION.name


def node_name() -> str:
    """``algo-1``, unless the job has more hosts."""
    given = os.environ.get(NODE_VARIABLE) or os.environ.get("SM_CURRENT_HOST")
    if not given:
        with suppress(OSError, ValueError, KeyError):
            given = str(json.loads(_RESOURCES.read_bytes())["current_host"])
    return given or "algo-1"


def rank_of() -> int:
    """The process's number in its training as launchers tell it; -1 if they do not."""
    for name in _RANKS:
        with suppress(KeyError, ValueError):
            return int(os.environ[name])
    return -1


def process_started() -> int:
    """Unix nanoseconds at which this process began; now, where the kernel does not say."""
    with suppress(OSError, ValueError, IndexError):
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        age = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - ticks * (1_000_000_000 // os.sysconf("SC_CLK_TCK"))
        return time.time_ns() - max(age, 0)
    return time.time_ns()
