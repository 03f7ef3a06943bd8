"""Shapes: lines that differ only in their numbers have their fields in the same places."""

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from epochwatch.extraction.fields import Field
from epochwatch.extraction.numbers import parse_number

LONGEST = 512
"""Bytes of the longest shape worth remembering."""

# A digit behind a letter is part of a word (f1, top5, layer_2), and stays; so does a number between the parts of a
# name (layers.2.norm). The pattern begins with the digit, as the engine looks for that first.
_RUN = re.compile(rb"[0-9](?<![A-Za-z_@0-9].)(?:(?<![A-Za-z_][./].)[0-9]*+|[0-9]*+(?![./][A-Za-z_]))")
_JOINED = re.compile(rb"(?<!\w)[0-9]+_[0-9]")
ADDRESS = re.compile(rb"0x[0-9a-f]+")
"""An address in memory, of which a shape keeps nothing."""
_KEPT = re.compile(rb"[0-9](?:(?<=[A-Za-z_@].)[0-9]*+|(?=x)|(?<=[A-Za-z_][./].)[0-9]*+(?=[./][A-Za-z_]))")
_CHANGING = re.compile(r"[0-9](?<![A-Za-z_@0-9].)(?:(?<![A-Za-z_][./].)|[0-9]*+(?![./][A-Za-z_]))")


class Slot(NamedTuple):
    """Where lines of a shape have a field: its number in terms of the line's runs of digits."""

    name: str
    field: Field
    """The field as first seen."""
    first: int
    """The run of digits in which the number begins (or before which its sign does)."""
    before: int
    """Bytes of the number before that run."""
    last: int
    """The run in which it ends."""
    behind: int
    """Bytes of the number behind that run."""


def shape_of(text: bytes) -> bytes:
    """The text with each of its runs of digits as one zero; of one line, or of a block of lines."""
    if b"0x" in text:
        text = ADDRESS.sub(b"0x0", text)
    return _RUN.sub(b"0", text)


def digits_kept(text: bytes) -> list[tuple[int, int]]:
    """Where the digits of a line stand that its shape may keep: lines that differ in other digits have one shape."""
    return [match.span() for match in _KEPT.finditer(text)]


def slots(text: bytes, seen: Sequence[Field], every: Sequence[Field]) -> tuple[Slot, ...] | None:
    """The places of the fields ``seen``, which are all that lines of this line's shape tell; None if other lines
    of the shape may tell something else: a name with a digit that changes, a number in groups of thousands.

    ``every`` are all fields of the line, also those that are passed over.
    """
    if b"float" in text or _JOINED.search(text):
        return None
    if any(_CHANGING.search(item.name) or _grouped(text, item.span) for item in every):
        return None
    runs = runs_of(text) if seen else []
    found: dict[str, Slot] = {}
    for item in seen:
        start, end = item.span
        inside = [number for number, run in enumerate(runs) if start <= run[0] and run[1] <= end]
        if not inside or item.scaled:
            return None
        first, last = inside[0], inside[-1]
        slot = Slot(item.name, item, first, runs[first][0] - start, last, end - runs[last][1])
        found.setdefault(item.name, slot)
    return tuple(found.values())


def _grouped(text: bytes, span: tuple[int, int]) -> bool:
    """Whether there are, or with other digits could be, groups of thousands."""
    start, end = span
    return b"," in text[start:end] or (text[end : end + 1] == b"," and text[end + 1 : end + 2].isdigit())


def runs_of(text: bytes) -> list[tuple[int, int]]:
    """Where the runs of digits stand that ``Slot`` counts."""
    return [match.span() for match in _RUN.finditer(text)]


def place_of(runs: Sequence[tuple[int, int]], slot: Slot) -> tuple[int, int]:
    """Where a line with these runs of digits has the number."""
    return runs[slot.first][0] - slot.before, runs[slot.last][1] + slot.behind


def number_at(text: bytes, runs: Sequence[tuple[int, int]], slot: Slot) -> float:
    """The number that a line has in this place."""
    start, end = place_of(runs, slot)
    value = parse_number(text[start:end])
    return math.nan if value is None else value
