"""One answer for all who ask the same at the same time, and never one that began before it was asked for."""

import asyncio
from collections.abc import Callable

from epochwatch.console.together import Together


class Slow:
    """Answers with the number of the answer, each when it is let go."""

    def __init__(self) -> None:
        self.begun = 0
        self.gates: dict[int, asyncio.Event] = {}

    async def make(self) -> int:
        self.begun += 1
        mine = self.begun
        gate = self.gates.setdefault(mine, asyncio.Event())
        await gate.wait()
        return mine

    def let_go(self, number: int) -> None:
        self.gates.setdefault(number, asyncio.Event()).set()


def test_who_asks_while_an_answer_is_made_gets_the_next_with_all_others() -> None:
    async def asked() -> list[int]:
        together: Together[int] = Together()
        slow = Slow()
        first = asyncio.create_task(together.answer("q", slow.make))
        await _until(lambda: slow.begun == 1)
        later = [asyncio.create_task(together.answer("q", slow.make)) for _ in range(5)]
        await asyncio.sleep(0)
        assert slow.begun == 1
        slow.let_go(1)
        slow.let_go(2)
        return [await first, *(await asyncio.gather(*later))]

    assert asyncio.run(asked()) == [1, 2, 2, 2, 2, 2]


def test_who_asks_afterwards_gets_a_new_one() -> None:
    async def asked() -> list[int]:
        together: Together[int] = Together()
        slow = Slow()
        for number in (1, 2):
            slow.let_go(number)
        return [await together.answer("q", slow.make), await together.answer("q", slow.make)]

    assert asyncio.run(asked()) == [1, 2]


def test_other_questions_do_not_wait() -> None:
    async def asked() -> int:
        together: Together[int] = Together()
        slow, quick = Slow(), Slow()
        waiting = asyncio.create_task(together.answer("slow", slow.make))
        quick.let_go(1)
        found = await together.answer("quick", quick.make)
        slow.let_go(1)
        await waiting
        return found

    assert asyncio.run(asked()) == 1


def test_one_who_hangs_up_takes_the_answer_from_nobody() -> None:
    async def asked() -> int:
        together: Together[int] = Together()
        slow = Slow()
        gone = asyncio.create_task(together.answer("q", slow.make))
        stays = asyncio.create_task(together.answer("q", slow.make))
        await _until(lambda: slow.begun == 1)
        gone.cancel()
        slow.let_go(1)
        return await stays

    assert asyncio.run(asked()) == 1


def test_what_goes_wrong_is_told_to_all_and_then_forgotten() -> None:
    async def refused() -> int:
        raise ValueError("no")

    async def asked() -> None:
        together: Together[int] = Together()
        both = await asyncio.gather(
            together.answer("q", refused), together.answer("q", refused), return_exceptions=True
        )
        assert [str(one) for one in both] == ["no", "no"]
        slow = Slow()
        slow.let_go(1)
        assert await together.answer("q", slow.make) == 1

    asyncio.run(asked())


async def _until(true: Callable[[], bool]) -> None:
    while not true():
        await asyncio.sleep(0)
