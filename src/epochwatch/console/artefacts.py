"""What a job leaves behind: where it is, what is there, and the files themselves."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from epochwatch.console.requests import Asked, Refusal, no_such_job
from epochwatch.errors import EpochwatchError
from epochwatch.model.debug_rules import tensors_of
from epochwatch.model.job import TrainingJob
from epochwatch.model.sampling import wanted_sampling
from epochwatch.store.buckets import BucketStore, StoredObject
from epochwatch.store.stores import Stores

MOST_OBJECTS: Final = 1000
"""Listed of one place."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a job leaves something: an S3 URI, or a directory of its host."""

    kind: str
    """``output`` (model and further files), ``checkpoints``, ``tensors``, ``profile``, ``rules``, ``tensorboard``,
    ``directory``.
    """
    uri: str

    def has(self, uri: str) -> bool:
        """Whether an object is there."""
        return uri == self.uri or uri.startswith(f"{self.uri.rstrip('/')}/")


def places_of(job: TrainingJob, request: Mapping[str, Any]) -> list[Place]:
    """The places of a job that was created by ``request`` (empty for a run)."""
    output = request.get("OutputDataConfig", {}).get("S3OutputPath", "").rstrip("/")
    rules = {
        (rule.get("S3OutputPath") or output).rstrip("/")
        for kind in ("DebugRuleConfigurations", "ProfilerRuleConfigurations")
        for rule in request.get(kind, [])
    }
    found = [
        Place("output", f"{output}/{job.name}/output" if output else ""),
        Place("checkpoints", request.get("CheckpointConfig", {}).get("S3Uri", "")),
        Place("tensors", tensors_of(job.name, request) or job.tensors),
        Place("profile", wanted_sampling(job.name, request).output),
        *(Place("rules", f"{place}/{job.name}/rule-output") for place in sorted(rules) if place),
        Place("tensorboard", request.get("TensorBoardOutputConfig", {}).get("S3OutputPath", "")),
        Place("directory", "" if request else job.working_directory),
    ]
    return [place for place in found if place.uri]


def artefacts(stores: Stores, buckets: BucketStore, asked: Asked) -> dict[str, Any]:
    """The answer to ``/jobs/NAME/artefacts``: its places with what is in them."""
    return {"places": [asdict(place) | _content(buckets, asked, place) for place in _places(stores, asked)]}


def artefact(stores: Stores, buckets: BucketStore, asked: Asked) -> Response:
    """The answer to ``/jobs/NAME/artefacts/object?uri=``: one of these files. Raises Refusal."""
    uri = asked.text("uri")
    if not any(place.has(uri) for place in _places(stores, asked)):
        raise Refusal(404, f"The job left nothing at '{uri}'.", "See what is there under Artefacts.")
    try:
        found = buckets.open(asked.tenant, uri)
    except ValueError as error:
        raise Refusal(400, f"{error}.") from error
    if found is None:
        raise Refusal(404, f"There is no object '{uri}'.", "It may have been deleted: list the artefacts again.")
    headers = {
        "content-length": str(found.size),
        "content-disposition": f"attachment; filename*=UTF-8''{quote(uri.rpartition('/')[2], safe='')}",
        "cache-control": "no-store",
    }
    return StreamingResponse(found.pieces, media_type="application/octet-stream", headers=headers)


def _places(stores: Stores, asked: Asked) -> list[Place]:
    job = stores.state.jobs.get(asked.tenant, asked.job)
    if job is None:
        raise no_such_job(asked.job)
    return places_of(job, stores.state.jobs.request(asked.tenant, job.name))


def _content(buckets: BucketStore, asked: Asked, place: Place) -> dict[str, Any]:
    """``objects`` of a place in S3 (None of one on a host), whether there are ``more``, and why they are not known."""
    if not place.uri.startswith("s3://"):
        return {"objects": None, "more": False, "problem": ""}
    try:
        found = buckets.list(asked.tenant, place.uri, MOST_OBJECTS + 1)
    except (EpochwatchError, ValueError) as error:
        return {"objects": [], "more": False, "problem": str(error)}
    return {
        "objects": [_object(place, one) for one in found[:MOST_OBJECTS]],
        "more": len(found) > MOST_OBJECTS,
        "problem": "",
    }


def _object(place: Place, one: StoredObject) -> dict[str, Any]:
    name = one.uri.removeprefix(place.uri.rstrip("/")).lstrip("/") or one.uri.rpartition("/")[2]
    return asdict(one) | {"name": name}
