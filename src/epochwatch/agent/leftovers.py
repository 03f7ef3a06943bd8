"""What is left in spools: sent by ``epochwatch sync``, deleted when the server has it."""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from epochwatch.agent.follow.shipper import FollowShipper
from epochwatch.agent.shipper import Shipper
from epochwatch.agent.spool import Spool, spools
from epochwatch.errors import EpochwatchError
from epochwatch.settings import Settings

KEEP_DAYS = 7.0
"""How long a spool stays after its run is delivered: a copy of the raw output at hand, then deleted."""
NO_ANSWER_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Drained:
    """What became of one spool. ``outcome``: ``sent``, ``nothing left``, ``in use``, ``refused``, ``unreachable``,
    ``unreadable``.
    """

    run_id: str
    name: str
    outcome: str
    lines: int = 0
    values: int = 0
    reason: str = ""


def chosen(settings: Settings, runs: tuple[str, ...]) -> list[Spool]:
    """All spools, or those of the runs named by run id, its beginning, or job name. Raises EpochwatchError."""
    found = spools(settings.spool_directory)
    if not runs:
        return found
    picked = []
    for wanted in runs:
        matching = [spool for spool in found if spool.run_id.startswith(wanted) or wanted in _names(spool)]
        if not matching:
            raise EpochwatchError(f"no spool of a run '{wanted}' in {settings.spool_directory}")
        picked += [spool for spool in matching if spool not in picked]
    return picked


def drain(spool: Spool, settings: Settings, on_notice: Callable[[str], None]) -> Drained:
    """Sends what the server does not have, unless somebody else is at it. A run that nobody records and that has no
    exit record is reported as failed: its agent was lost. One that follows others' logs may be gone on with: its job
    stays as it is.
    """
    try:
        run = spool.run()
    except (OSError, ValueError) as error:
        return Drained(spool.run_id, "", "unreadable", reason=str(error))
    with spool.lock("shipper") as lock:
        if not lock.take(wait=False) or spool.being_recorded():
            return Drained(spool.run_id, run.assigned or run.name, "in use")
        begin = time.monotonic()
        kind = FollowShipper if run.followed else Shipper
        shipper: Shipper = kind(
            spool,
            settings,
            on_notice=on_notice,
            give_up=lambda: time.monotonic() - max(begin, shipper.last_answer) > NO_ANSWER_SECONDS,
        )
        already = shipper.finished
        if isinstance(shipper, FollowShipper) and spool.exit() is None:
            shipper.leave()  # what it follows may go on, and so may it
        shipper.ship()
        name = spool.run().assigned or run.name
        refused = spool.state().refused
    if refused:
        return Drained(spool.run_id, name, "refused", shipper.sent_lines, shipper.sent_values, refused)
    if already:
        return Drained(spool.run_id, name, "nothing left")
    everything = shipper.finished or (isinstance(shipper, FollowShipper) and shipper.left)
    outcome = "sent" if everything else "unreachable"
    return Drained(spool.run_id, name, outcome, shipper.sent_lines, shipper.sent_values)


def clean(directory: Path, keep_days: float = KEEP_DAYS) -> list[str]:
    """Deletes spools that are delivered to the end and untouched for ``keep_days``; returns their run ids."""
    deleted = []
    for spool in spools(directory):
        if not spool.state().finished or spool.being_recorded():
            continue
        age = time.time() - (spool.path / "state.json").stat().st_mtime
        if age >= keep_days * 86400:
            shutil.rmtree(spool.path, ignore_errors=True)
            deleted.append(spool.run_id)
    return deleted


def _names(spool: Spool) -> tuple[str, ...]:
    try:
        run = spool.run()
    except (OSError, ValueError):
        return ()
    return (run.name, run.assigned)
