"""When a GPU came to where the training's thread was: by events in its stream, which nothing waits for.

Phases between such moments are what the device was at, with what it had to wait for: while it has work, loading a batch
costs nothing.
"""

from typing import Any, Final

import torch

ALIGNED_SECONDS: Final = 60
"""After which the device's clock is read anew beside ours: events tell less exactly the longer they are apart."""


class CudaTimeline:
    """Of the device that is the current one when it is made."""

    def __init__(self) -> None:
        self._device = torch.cuda.current_device()
        self._events: dict[int, tuple[Any, Any, int]] = {}
        """By moment: its event, and the event from which it is measured with that one's moment."""
        self._free: list[Any] = []
        self._base: tuple[Any, int] | None = None

    def mark(self, moment: int) -> None:
        """This moment will be asked for. While work is captured as a graph, it is the thread's own."""
        if torch.cuda.is_current_stream_capturing():
            return
        if self._base is None or moment - self._base[1] > ALIGNED_SECONDS * 1_000_000_000:
            torch.cuda.synchronize(self._device)  # the device is where the thread is
            self._base = (self._recorded(), moment)
        self._events[moment] = (self._recorded(), *self._base)

    def passed(self, moment: int) -> bool:
        """Whether the device has come there."""
        known = self._events.get(moment)
        return known is None or known[0].query()

    def translated(self, moment: int) -> int:
        """When it did; only once it has."""
        known = self._events.get(moment)
        if known is None:
            return moment
        event, base, base_moment = known
        return max(moment, base_moment + int(base.elapsed_time(event) * 1_000_000))

    def forget(self, moment: int) -> None:
        """No moment before this one will be asked for any more."""
        for known in [one for one in self._events if one < moment]:
            self._free.append(self._events.pop(known)[0])

    def _recorded(self) -> Any:
        event = self._free.pop() if self._free else torch.cuda.Event(enable_timing=True)
        event.record(torch.cuda.current_stream(self._device))
        return event
