"""Hosts that are sampled on this machine now."""

from epochwatch.agent.spool import Spool, spools
from epochwatch.settings import Settings


def sampled_spools(settings: Settings) -> list[Spool]:
    """The spools of runs that are recorded now, the newest first."""
    return [spool for spool in reversed(spools(settings.spool_directory)) if _is_sampled(spool)]


def spools_of(found: list[Spool], job: str | None) -> list[Spool]:
    """Those of ``job``, by the name that was asked for or that the server gave; of the newest one without a name."""
    if job is None and found:
        job = name_of(found[0])
    return [spool for spool in found if job in (spool.run().name, spool.run().assigned)]


def name_of(spool: Spool) -> str:
    """The training job's name."""
    run = spool.run()
    return run.assigned or run.name


def _is_sampled(spool: Spool) -> bool:
    try:
        spool.run()
    except (OSError, ValueError):
        return False
    return spool.exit() is None and spool.being_recorded()
