"""The same question of many consoles, answered once."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, Generic, TypeVar

Answer = TypeVar("Answer")


class Together(Generic[Answer]):
    """Gives all who ask the same thing while it is being answered one answer: the next.

    What is being made when somebody asks may lack what was stored just before, so nobody gets that: an answer always
    begins after its question came. At most one answer to a question is made at a time, and where it is asked all the
    time, there is `PAUSE` times as long between two as the first of them took. For one event loop.
    """

    PAUSE: Final = 6.0

    def __init__(self) -> None:
        self._took: dict[Hashable, float] = {}
        self._begun: dict[Hashable, asyncio.Task[Answer]] = {}
        self._coming: dict[Hashable, asyncio.Task[Answer]] = {}

    async def answer(self, question: Hashable, make: Callable[[], Awaitable[Answer]]) -> Answer:
        """What ``make`` of somebody who asked the same ``question`` gives, or raises."""
        coming = self._coming.get(question)
        if coming is None:
            coming = asyncio.create_task(self._made(question, make, self._begun.get(question)))
            self._coming[question] = coming
        # One who hangs up takes the answer from nobody else.
        return await asyncio.shield(coming)

    async def _made(
        self, question: Hashable, make: Callable[[], Awaitable[Answer]], before: "asyncio.Task[Answer] | None"
    ) -> Answer:
        if before is not None:
            await asyncio.wait([before])
            await asyncio.sleep(self.PAUSE * self._took.get(question, 0.0))
        mine = self._begun[question] = self._coming.pop(question)
        begin = time.monotonic()
        try:
            return await make()
        finally:
            self._took[question] = time.monotonic() - begin
            if self._begun.get(question) is mine:
                del self._begun[question]
            if question not in self._coming:
                del self._took[question]
