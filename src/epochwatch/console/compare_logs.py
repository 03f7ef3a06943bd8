"""The logs of two jobs, line by line beside each other."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import re2

from epochwatch.console.log_differences import LogDifferences
from epochwatch.console.log_search import ESCAPES
from epochwatch.console.requests import Asked, Refusal, no_such_job
from epochwatch.model.job import TrainingJob, log_stream
from epochwatch.model.line_masks import MOST_CHARACTERS, LineMasks
from epochwatch.model.log_difference import MOST_LINES, Block
from epochwatch.store.stores import Stores

MOST_ROWS: Final = 20_000
MOST_CONTEXT: Final = 1000
SIDES: Final = ("a", "b")
_ESCAPE: Final = re2.compile(ESCAPES)


@dataclass(frozen=True, slots=True)
class _Log:
    """The log of one host of a job, as far as it is compared."""

    job: str
    host: str
    hosts: list[str]
    lines: list[str]
    cut: bool


def compared_logs(stores: Stores, differences: LogDifferences, asked: Asked) -> dict[str, Any]:
    """Rows of two logs: equal, changed (in numbers only), removed and added lines; equal ones far from any other are
    folded (see docs/compare.md).
    """
    names = asked.texts("job", 2)
    if not names:
        raise Refusal(400, "job is missing.", "Name two jobs, the first as what the other is held against.")
    tolerant = asked.choice("numbers", ("0", "1"), "1") == "0"
    context = asked.whole("context", 3, 0, MOST_CONTEXT)
    limit = asked.whole("limit", 2000, 1, MOST_ROWS)
    opened = {place for place in asked.texts("open") if place.isdecimal()}
    hosts = [asked.text("host_a"), asked.text("host_b")]
    a, b = (_log(stores, asked, name, host) for name, host in zip([names[0], names[-1]], hosts, strict=True))
    found = differences.of(a.lines, b.lines, ([a.job, a.host], [b.job, b.host]), tolerant=tolerant)
    counts = dict.fromkeys(("equal", "changed", "removed", "added"), 0)
    for block in found.blocks:
        counts[block.kind] += block.rows
    masks = (LineMasks([a.job, a.host]), LineMasks([b.job, b.host]))
    rows = _rows(found.blocks, a.lines, b.lines, masks, context, opened)
    shown = list(islice(rows, limit))
    return {
        "a": _told(a),
        "b": _told(b),
        "counts": counts,
        "coarse": found.coarse,
        "rows": shown,
        "more": next(rows, None) is not None,
    }


def _told(log: _Log) -> dict[str, Any]:
    return {"job": log.job, "host": log.host, "hosts": log.hosts, "lines": len(log.lines), "cut": log.cut}


def _log(stores: Stores, asked: Asked, name: str, host: str) -> _Log:
    job: TrainingJob | None = stores.state.jobs.get(asked.tenant, name)
    if job is None:
        raise no_such_job(name)
    if host and host not in job.hosts:
        raise Refusal(
            404, f"The job '{name}' has no host '{host}'.", f"It has {', '.join(job.hosts) or 'none yet'}."
        )
    host = host or next(iter(job.hosts), "")
    stream = log_stream(name, host, job.started) if host else job.log_stream
    events = stores.logs.events(asked.tenant, job.log_group, stream, limit=MOST_LINES + 1)
    lines = [_ESCAPE.sub("", event.message)[:MOST_CHARACTERS] for event in events[:MOST_LINES]]
    return _Log(name, host, job.hosts, lines, len(events) > MOST_LINES)


def _rows(
    blocks: list[Block],
    a: list[str],
    b: list[str],
    masks: tuple[LineMasks, LineMasks],
    context: int,
    opened: set[str],
) -> Iterator[dict[str, Any]]:
    """Rows in order. A long run of equal lines keeps ``context`` of them at each end that is beside others, unless its
    first line (of ``a``, from 0) is among ``opened``.
    """
    for number, block in enumerate(blocks):
        row = _row(block, a, b, masks)
        head = context if number else 0
        tail = context if number < len(blocks) - 1 else 0
        if block.kind != "equal" or str(block.a_first) in opened or block.rows <= head + tail + 1:
            yield from map(row, range(block.rows))
            continue
        yield from map(row, range(head))
        yield {
            "kind": "folded",
            "a": block.a_first + head,
            "b": block.b_first + head,
            "count": block.rows - head - tail,
            "open": block.a_first,
        }
        yield from map(row, range(block.rows - tail, block.rows))


def _row(
    block: Block, a: list[str], b: list[str], masks: tuple[LineMasks, LineMasks]
) -> Callable[[int], dict[str, Any]]:
    """Makes the rows of a block, by their number in it. A line carries the parts of it that are masked."""

    def make(at: int) -> dict[str, Any]:
        made: dict[str, Any] = {"kind": block.kind}
        places = (block.a_first + at, block.a_last), (block.b_first + at, block.b_last)
        for side, lines, own, (place, end) in zip(SIDES, (a, b), masks, places, strict=True):
            if place < end:
                made[side] = place
                made[f"{side}_text"] = lines[place]
                made[f"{side}_masks"] = own.spans(lines[place])
        return made

    return make
