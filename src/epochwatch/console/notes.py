"""Notes on jobs: what people write down about a training, in Markdown."""

import time
from dataclasses import replace
from typing import Final

import msgspec

from epochwatch.console.requests import Asked, Refusal, no_such_job
from epochwatch.model.job import TrainingJob
from epochwatch.store.stores import Stores

LARGEST_NOTE: Final = 65_536
"""Bytes as UTF-8."""


class Noted(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a change: the whole note, and which one its author had before them; None does not mind."""

    note: str
    before: str | None = None


def put_note(stores: Stores, asked: Asked) -> dict[str, str]:
    """Give a job a note, and tell those who look at it. Raises Refusal, also where somebody else was faster."""
    given = asked.body(Noted)
    size = len(given.note.encode())
    if size > LARGEST_NOTE:
        raise Refusal(413, f"A note may have {LARGEST_NOTE:,} bytes, this one has {size:,}.", "Shorten it.")

    def noted(job: TrainingJob) -> TrainingJob:
        if given.before not in (None, job.note):
            raise Refusal(
                409, "Somebody else has changed this note meanwhile.", "Look at theirs, then save again."
            )
        return replace(job, note=given.note, noted=time.time())

    job = stores.state.jobs.change(asked.tenant, asked.job, noted)
    if job is None:
        raise no_such_job(asked.job)
    stores.feed.publish_job(asked.tenant, job)
    return {"note": job.note}
