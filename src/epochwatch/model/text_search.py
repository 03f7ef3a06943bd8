"""Finding names by words as they are typed: how well a name fits, and where the words stand in it."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Final

MOST_WORDS: Final = 8
WHOLE, BEGIN, PART_BEGIN, WITHIN = 100.0, 80.0, 60.0, 30.0
"""What a word is worth that is all of a name, begins it, begins a part of it (``loss`` in ``train:loss``), or stands
within it."""
_LONGEST_PENALTY: Final = 200


def words_of(query: str) -> tuple[str, ...]:
    """The words of a query in lower case, each once; those after the eighth are left out."""
    return tuple(dict.fromkeys(query.lower().split()))[:MOST_WORDS]


def score(name: str, words: Sequence[str], more: str = "") -> float | None:
    """How well a thing fits: None unless every word stands in its ``name`` or in ``more``, which counts little. Of two
    that hold the same words the shorter name is better; without words all are alike. Everything is in lower case.
    """
    if not words:
        return 0.0
    total = 0.0
    for word in words:
        worth = _worth(name, word)
        if worth is None:
            if word not in more:
                return None
            worth = WITHIN / 3
        total += worth
    return total / len(words) - min(len(name), _LONGEST_PENALTY) / 20


def _worth(name: str, word: str) -> float | None:
    at = name.find(word)
    if at < 0:
        return None
    if at == 0:
        return WHOLE if len(name) == len(word) else BEGIN
    while at > 0:
        if not name[at - 1].isalnum() or not word[0].isalnum():
            return PART_BEGIN
        at = name.find(word, at + 1)
    return WITHIN


def marks(name: str, words: Iterable[str]) -> list[tuple[int, int]]:
    """Where the words stand in ``name``: from and to, in order, what touches put together."""
    text = name.lower()
    if len(text) != len(name):  # a few letters are two in lower case
        return []
    found = sorted(match.span() for word in words for match in re.finditer(re.escape(word), text))
    joined: list[tuple[int, int]] = []
    for begin, end in found:
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    return joined


class Haystack:
    """Many texts, searched as one long one: a hundred thousand in milliseconds."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = [text.lower().replace("\n", " ") for text in texts]
        self._whole = "\n".join(self.texts)
        self._starts = list(accumulate((len(text) + 1 for text in self.texts), initial=0))

    def find(self, words: Sequence[str], most: int) -> list[int]:
        """The numbers of the first ``most`` texts that have every word."""
        if not words:
            return list(range(min(most, len(self.texts))))
        longest = max(words, key=len)
        found: list[int] = []
        at = self._whole.find(longest)
        while at >= 0 and len(found) < most:
            number = bisect_right(self._starts, at) - 1
            text = self.texts[number]
            if all(word in text for word in words):
                found.append(number)
            at = self._whole.find(longest, self._starts[number + 1])
        return found
