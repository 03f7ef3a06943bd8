"""Points, lines and samples as messages of the stream, put into JSON once for all who watch."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from epochwatch.console.curves import number
from epochwatch.console.logs import event_json
from epochwatch.store.live import LiveEvent, LiveLog, LivePoints, LiveSamples

KEPT_BYTES: Final = 8 << 20
"""JSON of events that was made last: those who watch the same job ask for it within a moment."""

Message = tuple[str, Any]
"""Name and data of an event of the stream."""


_KINDS: Final[dict[type[LiveEvent], str]] = {LivePoints: "points", LiveLog: "log", LiveSamples: "hosts"}
_ITEMS: Final = {"points": "points", "log": "events", "hosts": "samples"}


class Deliveries:
    """For one event loop."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, tuple[LiveEvent, bytes]] = OrderedDict()
        self._bytes = 0

    def messages(self, events: Iterable[LiveEvent]) -> list[Message]:
        """Points, lines and samples of ``events``, each kind as one message per job."""
        found: dict[tuple[str, str], list[bytes]] = {}
        for event in events:
            kind = _KINDS.get(type(event))
            if kind and (items := self._items(event)):
                found.setdefault((kind, event.job), []).append(items)
        return [(kind, _members(job, _ITEMS[kind], b",".join(items))) for (kind, job), items in found.items()]

    def _items(self, event: LiveEvent) -> bytes:
        """The items of an event as JSON, separated by commas."""
        kept = self._kept.get(id(event))
        if kept is not None:  # it holds the event, so that no other one has its id
            return kept[1]
        made = msgspec.json.encode(_listed(event))[1:-1]
        self._kept[id(event)] = (event, made)
        self._bytes += len(made)
        while self._bytes > KEPT_BYTES:
            _, (_, oldest) = self._kept.popitem(last=False)
            self._bytes -= len(oldest)
        return made


def _listed(event: LiveEvent) -> list[Any]:
    if isinstance(event, LivePoints):
        return [(*point[:5], number(point[5])) for point in event.points]
    if isinstance(event, LiveLog):
        return [event_json(line) for line in event.events]
    return list(event.samples) if isinstance(event, LiveSamples) else []


def _members(job: str, name: str, items: bytes) -> msgspec.Raw:
    return msgspec.Raw(b'{"job":%s,"%s":[%s]}' % (msgspec.json.encode(job), name.encode(), items))
