"""Values of a line that is not at its end yet: each is given once, early or with its line."""

from collections import Counter
from typing import Any

from epochwatch.extraction.extractor import Extracted, Extractor


class EarlyValues:
    """What an output's unfinished line has given.

    A glimpse of the line gives what it holds so far; its end gives the rest. What was given stays given: should a
    pattern find another value once it sees the whole line, that one comes as well.
    """

    def __init__(self) -> None:
        self._given: Counter[tuple[str, str]] = Counter()  # (series, value)

    def glimpse(self, extractor: Extractor) -> Extracted:
        """What the unfinished line holds and has not given yet."""
        found = extractor.glimpse()
        fresh = self._not_in(Counter(self._given), found, len(found.values))
        self._given.update(_key(found, number) for number in fresh)
        return found.only(fresh)

    def rest(self, extracted: Extracted) -> Extracted:
        """What the bytes gave that the first of their lines has not given before its end came."""
        if not self._given or not extracted.lines:
            return extracted
        count = extracted.ends.count(extracted.lines.ends()[0])
        fresh = self._not_in(self._given, extracted, count)
        self._given.clear()
        return extracted.only([*fresh, *range(count, len(extracted.values))])

    def state(self) -> list[Any]:
        """For ``restore``; JSON-able."""
        return [[series, value, times] for (series, value), times in self._given.items()]

    def restore(self, state: list[Any]) -> None:
        """Goes on where ``state`` was taken."""
        self._given = Counter({(series, value): times for series, value, times in state})

    @staticmethod
    def _not_in(given: Counter[tuple[str, str]], extracted: Extracted, count: int) -> list[int]:
        """Which of the first ``count`` values are not among those given, which are used up."""
        fresh = []
        for number in range(count):
            key = _key(extracted, number)
            if given[key] > 0:
                given[key] -= 1
            else:
                fresh.append(number)
        return fresh


def _key(extracted: Extracted, number: int) -> tuple[str, str]:
    return extracted.series[extracted.name_ids[number]].label, repr(extracted.values[number])
