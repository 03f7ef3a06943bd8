"""Where smdebug keeps what, relative to the root of a trial."""

import re
from typing import TYPE_CHECKING, Final

from epochwatch.debugger.exceptions import IndexReaderException

if TYPE_CHECKING:
    from epochwatch.debugger.places import Place

END_OF_JOB: Final = "training_job_end.ts"
"""Written, empty, when the training is over."""

ENDED: Final = "ended"
"""In our own format, the folder with an empty file for each worker of which nothing more comes."""

OWN_FORMAT: Final = "epochwatch-trial"
"""Written, empty, before all else in a trial of our own format, which has the collections and the end in common."""

COLLECTIONS: Final = "collections/000000000"
INDEX: Final = "index"
_STEPS_PER_FOLDER: Final = 1000
_COLLECTIONS_FILE: Final = re.compile(r"(?:.*/)?(.+)_collections\.(?:json|ts)$")
_INDEX_FILE: Final = re.compile(r"(?:.*/)?(\d+)_(.+)\.(?:json|csv|tfevents)$")


def has_begun(place: "Place") -> bool:
    """Whether a training has begun to save tensors there, in either format."""
    return bool(place.names(COLLECTIONS))


def collections_path(worker: str) -> str:
    """The file in which a worker says what it saves."""
    return f"{COLLECTIONS}/{_file_name(worker)}_collections.json"


def end_of_worker(worker: str) -> str:
    """The empty file that says that nothing more comes of a worker."""
    return f"{ENDED}/{_file_name(worker)}"


def event_path(step: int, worker: str) -> str:
    """The file of a worker's tensors at a step."""
    return f"events/{step:012d}/{step:012d}_{_file_name(worker)}.tfevents"


def index_path(step: int, worker: str) -> str:
    """The file that says where in the event file each tensor is."""
    return f"{INDEX}/{step // _STEPS_PER_FOLDER:09d}/{step:012d}_{_file_name(worker)}.json"


def worker_of_collections(path: str) -> str | None:
    """The worker of a collections file; None for another file."""
    found = _COLLECTIONS_FILE.match(path)
    return _worker(found[1]) if found else None


def step_and_worker(path: str) -> tuple[int, str]:
    """(step, worker) of an index or event file. Raises IndexReaderException for another file."""
    found = _INDEX_FILE.match(path)
    if found is None:
        raise IndexReaderException(f"Invalid File Found: {path}")
    return int(found[1]), _worker(found[2])


def _file_name(worker: str) -> str:
    """A TensorFlow device, ``/job:worker/task:0``, as part of a file name; other names as they are."""
    return worker.replace("/", "_").replace(":", "-")


def _worker(file_name: str) -> str:
    if not file_name.startswith("_"):
        return file_name
    return file_name.replace("_", "/").replace("-", ":")
