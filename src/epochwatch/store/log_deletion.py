"""Takes log events away: those of deleted groups and streams at once, those past their group's retention by the day."""

import logging
from collections.abc import Mapping
from typing import Any

from epochwatch.store.engine import Engine
from epochwatch.store.schema import DAY_MS, PARTITION_SQL
from epochwatch.store.state.log_groups import LogGroupStore

logger = logging.getLogger(__name__)

EVERY_SECONDS = 3600
"""So often it is looked for what has expired."""
GROUPS_AT_ONCE = 100


def delete_events(engine: Engine, where: str, parameters: Mapping[str, Any]) -> None:
    """Delete the events that meet an SQL condition, and keep how far each agent's source was stored: else it would
    pass for new. What is stored meanwhile stays. They are gone for readers on return; their bytes go when
    `LogExpiry.run` or the engine gets to it.
    """
    newest = engine.query(
        f"SELECT max(ingestion) AS newest FROM log_events WHERE {where} HAVING count() > 0", parameters
    )
    if not newest.num_rows:
        return
    bounded = f"({where}) AND ingestion <= %(newest)s"  # else what comes between the statements would go unnoted
    parameters = {**parameters, "newest": newest["newest"][0].as_py()}
    engine.command(
        f"INSERT INTO source_positions SELECT source, -1 - toInt64({PARTITION_SQL['log_events']}) AS part, "
        f"max(seq) FROM log_events WHERE {bounded} AND source != 0 GROUP BY source, part",
        parameters,
    )
    engine.command(f"DELETE FROM log_events WHERE {bounded}", parameters)


class LogExpiry:
    """Deletes what is past its group's retention. What `run` does, it does for all servers: one may run it at a time.

    An event goes with the whole of its day (UTC). Whatever is deleted is deleted once, so a round that is cut short
    is made up for by the next.
    """

    def __init__(self, engine: Engine, groups: LogGroupStore) -> None:
        self._engine = engine
        self._groups = groups
        self._last = float("-inf")

    def run(self, now: float) -> None:
        """Delete what has expired at ``now`` (Unix seconds), if the last round was an hour ago or more."""
        if 0 <= now - self._last < EVERY_SECONDS:
            return
        days = self._groups.retentions()
        since = {group: int(now * 1000) - kept * DAY_MS for group, kept in days.items()}
        for day, groups in self._expired(since).items():
            for first in range(0, len(groups), GROUPS_AT_ONCE):
                self._delete(day, groups[first : first + GROUPS_AT_ONCE])
        self._free_space()
        self._last = now

    def _expired(self, since: Mapping[tuple[str, str, str], int]) -> dict[int, list[tuple[str, str, str]]]:
        """The groups whose events of a day are all to go, by day."""
        expired: dict[int, list[tuple[str, str, str]]] = {}
        if not since:
            return expired
        rows = self._engine.query(
            f"SELECT DISTINCT {PARTITION_SQL['log_events']} AS day, toString(account) AS account, "
            "toString(region) AS region, toString(log_group) AS name FROM log_events WHERE ts < %(newest)s",
            {"newest": max(since.values())},
        )
        columns = (rows[name].to_pylist() for name in ("day", "account", "region", "name"))
        for day, *group in zip(*columns, strict=True):
            account, region, name = group
            if since.get((account, region, name), 0) >= (day + 1) * DAY_MS:
                expired.setdefault(day, []).append((account, region, name))
        return expired

    def _delete(self, day: int, groups: list[tuple[str, str, str]]) -> None:
        parameters: dict[str, Any] = {"day": day}
        conditions = []
        for number, (account, region, name) in enumerate(groups):
            conditions.append(
                f"(account = %(account{number})s AND region = %(region{number})s AND log_group = %(group{number})s)"
            )
            parameters |= {f"account{number}": account, f"region{number}": region, f"group{number}": name}
        where = f"{PARTITION_SQL['log_events']} = %(day)s AND ({' OR '.join(conditions)})"
        delete_events(self._engine, where, parameters)
        logger.info(
            "deleted the events of day %d of %d log groups: they are past their retention", day, len(groups)
        )

    def _free_space(self) -> None:
        """Rewrite what holds deleted events; a part without others vanishes."""
        rows = self._engine.query(
            "SELECT DISTINCT partition FROM system.parts WHERE active AND database = currentDatabase() "
            "AND table = 'log_events' AND has_lightweight_delete"
        )
        for partition in rows["partition"].to_pylist():
            self._engine.command(f"ALTER TABLE log_events APPLY DELETED MASK IN PARTITION {partition}")
