"""A short training job, told to a server as an agent tells it."""

import time
import uuid
from array import array
from typing import Any

import msgspec

from epochwatch.client.http import Client
from epochwatch.model.batch import (
    Batch,
    Committed,
    Definition,
    LogEvents,
    Progress,
    Registered,
    Registration,
    RunPoints,
)
from epochwatch.settings import Settings
from tests.servers import ServerProcess


class Nothing(msgspec.Struct):
    """An answer without members."""


def run_a_job(server: ServerProcess) -> dict[str, Any]:
    """A completed job of three steps a second apart; its ``name`` and ``arn``."""
    keys = server.credentials
    client = Client(
        Settings(
            home=server.home,
            url=server.url,
            access_key_id=keys["access_key_id"],
            secret_access_key=keys["secret_access_key"],
        )
    )
    started = time.time() - 5
    run_id = uuid.uuid4().hex
    source = f"{run_id}/output.log"
    lines = ["loss=3.0", "loss=2.0", "loss=1.0"]
    times = [int(started) + 1 + n for n in range(3)]
    positions = array("Q", [9, 18, 27]).tobytes()
    batch = Batch(
        run_id,
        log_events=[LogEvents(source, positions, array("q", [t * 1000 for t in times]).tobytes(), lines)],
        run_points=[
            RunPoints(
                source=source,
                positions=positions,
                names=["train:loss"],
                metrics=array("I", [0, 0, 0]).tobytes(),
                steps=array("q", [0, 1, 2]).tobytes(),
                epochs=array("d", [0.0, 1.0, 2.0]).tobytes(),
                timestamps=array("q", [t * 1_000_000 for t in times]).tobytes(),
                values=array("d", [3.0, 2.0, 1.0]).tobytes(),
            )
        ],
    )
    registration = Registration(
        run_id, "boto-job", started, definitions=[Definition("train:loss", r"loss=([0-9.]+)")]
    )
    try:
        place = client.post_msgpack("/_/agent/registrations", registration, Registered)
        client.post_msgpack("/_/agent/batches", batch, Committed)
        client.post_msgpack("/_/agent/progress", Progress(run_id, "Completed", time.time(), exit_code=0), Nothing)
    finally:
        client.close()
    return {"name": place.name, "arn": place.arn}
