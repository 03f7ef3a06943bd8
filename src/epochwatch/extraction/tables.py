"""Tables: a header whose cells name metrics, and rows of numbers below it."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from epochwatch.extraction import names
from epochwatch.extraction.fields import NUMBER, Field
from epochwatch.extraction.numbers import parse_number
from epochwatch.extraction.steps import Place, as_epoch, as_step, is_epoch, is_step

_BARS = (b"|", b"\xe2\x94\x82", b"\xe2\x94\x83")
_BAR = re.compile(rb"\s*(?:\||\xe2\x94[\x82\x83])\s*")
_SPLITS = {
    "bar": _BAR,
    "tab": re.compile(rb"[ ]*\t[ ]*"),
    "comma": re.compile(rb",[ ]*"),
    "space": re.compile(rb"\s+"),
}
_GAPS = {"bar": r"\s*[|\u2502\u2503]\s*", "tab": r" *(?:\t|#011) *", "comma": ", *", "space": r"\s+"}
_WIDE = re.compile(rb"\s{2,}")
_PROGRESS = re.compile(rb":\s+\d+%.*")  # a bar behind the cells of a row
_NAME = re.compile(rb"[A-Za-z_#%][\w ()%@./<>*-]*(?:\xe2\x80\xa6)?")  # cut short by an ellipsis
_NUMBER = rb"(?:[-+]?+(?:\d[\d,]*+\.?+\d*+|\.\d++)(?:[eE][-+]?\d++)?+|[-+]?(?i:nan|inf))%?"
_CELL = re.compile(_NUMBER)
_PLAIN = _NUMBER.replace(rb"[\d,]*+", rb"\d*+")  # a comma may part cells
_PARTING = rb"[\s|,\x82\x83]"
_TWO_NUMBERS = re.compile(
    rb"(?:^|%b)(?:\d++/\d++|%b)[\s|,\xe2\x94\x82\x83]++%b(?:%b|\xe2|$)" % (_PARTING, _PLAIN, _PLAIN, _PARTING)
)
_COUNT = re.compile(rb"(\d+)(?:/\d+)?")
_LONGEST = 400
# Nothing but names and what parts them; fails soon on other lines.
_NAMES = re.compile(
    rb"[\s|\xe2\x94\x82\x83]*+[A-Za-z_#%][\w ()%@#./<>*|,\t\x80\x82\x83\x94\xa6\xe2-]*+(?::\s+\d+%.*+)?"
)
_FEWEST_NUMBERS = 2
_ROUNDS = frozenset({"round", "it", "#"})


class Table(NamedTuple):
    """The header of a table that may have further rows."""

    style: str
    """What parts its cells: ``bar``, ``tab``, ``comma`` or ``space``."""
    columns: list[str]
    """The names of its columns."""

    def row(self, text: bytes, place: Place) -> tuple[list[Field], Place] | None:
        """The numbers of a row by their columns' names, and its place in the training; None for any other line."""
        cells = _cells(_PROGRESS.sub(b"", text), self.style)
        labels = len(cells) - len(self.columns)  # pandas prints an index without a name
        if labels not in (0, 1) or (labels and not cells[0].isdigit()):
            return None
        numbers = [parse_number(cell) if _CELL.fullmatch(cell) else None for cell in cells]
        # A row begins with a number (a round, perhaps 3/10), or is numbers but for its beginning.
        if not _COUNT.fullmatch(cells[0]) and None in numbers[numbers[0] is None :]:
            return None
        printed = "\t".join([self.style, *(cell.decode("utf-8", "replace") for cell in cells)])
        fields = [
            Field(name, number, printed, names.kind(name), cells[at].isdigit(), False, (0, 0), at)
            for at, (name, number) in enumerate(zip(self.columns, numbers[labels:], strict=True), labels)
            if number is not None
        ]
        return fields, self._place(cells[labels:], place)

    def state(self) -> list[Any]:
        """JSON-able."""
        return [self.style, self.columns]

    def _place(self, cells: list[bytes], place: Place) -> Place:
        step, epoch = place.step, place.epoch
        for name, cell in zip(self.columns, cells, strict=True):
            count = _COUNT.fullmatch(cell)
            if step is None and (is_step(name) or name.lower() in _ROUNDS):
                step = as_step(count[1] if count else cell)
            elif epoch is None and is_epoch(name):
                epoch = as_epoch(count[1] if count else cell)
        last_step = place.last_step if step is None else step
        return Place(step, epoch, last_step, place.last_epoch if epoch is None else epoch)


def header(text: bytes) -> Table | None:
    """The table that a line begins: at least two names in cells, one of them a metric's."""
    if len(text) > _LONGEST or not _NAMES.fullmatch(text):
        return None
    text = _PROGRESS.sub(b"", text)
    for style in _styles(text):
        cells = _cells(text, style, header=True)
        if len(cells) < _FEWEST_NUMBERS or not all(_NAME.fullmatch(cell) for cell in cells):
            continue
        columns = ["_".join(cell.decode().split()).strip("()").replace("(%)", "") for cell in cells]
        if any(names.kind(name) == "metric" for name in columns):
            return Table(style, columns)
    return None


def may_be_row(text: bytes) -> bool:
    """Whether a line could be a row of some table: it has two numbers side by side."""
    return len(text) <= _LONGEST and _TWO_NUMBERS.search(text) is not None


def row_regex(field: Field) -> str:
    """A regular expression that finds a number of a table's row by its place in the row."""
    style, *cells = field.printed.split("\t")
    gap = _GAPS[style]
    before = "".join(_any(cell) + gap for cell in cells[: field.column])
    after = "".join(gap + _any(cell) for cell in cells[field.column + 1 :])
    start = r"^\s*[|\u2502\u2503]\s*" if style == "bar" else r"^\s*"
    return f"{start}{before}({NUMBER}){after}"


def _any(cell: str) -> str:
    if _COUNT.fullmatch(cell.encode()) and "/" in cell:
        return "[0-9]+/[0-9]+"
    return "[0-9]+" if cell.isdigit() else "[-+0-9.,eEnaifNI%]+" if _CELL.fullmatch(cell.encode()) else r"\S+"


def _styles(text: bytes) -> Iterator[str]:
    if any(bar in text for bar in _BARS):
        yield "bar"
    elif b"\t" in text:
        yield "tab"
    else:
        if _WIDE.search(text.strip()):
            yield "space"
        if b"," in text:
            yield "comma"


def _cells(text: bytes, style: str, *, header: bool = False) -> list[bytes]:
    text = text.strip()
    if style == "space" and header:
        return _WIDE.split(text)
    cells = _SPLITS[style].split(text)
    if style == "bar":
        cells = cells[not cells[0] : len(cells) - (not cells[-1])]
    return cells
