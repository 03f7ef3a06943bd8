"""Layouts of forms: what the names of a form's fields say, worked out once and used for every form with these names.

A client sends the same thousand dotted names again and again with other values, so the names of a regular form are
looked up whole: they lead to a text with a gap for each value, and that text, filled, is the input in JSON.
"""

import re
import threading
from collections import OrderedDict
from functools import lru_cache
from typing import Any, Final

from botocore.model import Shape

from epochwatch.gateway.forms import form_texts, shaped, tree_of
from epochwatch.gateway.shapes import WrongType, seconds_of
from epochwatch.model.aws_error import AwsError

KEPT_BYTES: Final = 8 * 1024 * 1024
"""Bytes of names whose layouts are kept; a layout takes about four times as many."""

_NUMBERS: Final = re.compile(r"[0-9.eE+-]*", re.ASCII)
_KINDS: Final = {
    "string": "string",
    "integer": "number",
    "long": "number",
    "float": "number",
    "double": "number",
    "boolean": "boolean",
    "timestamp": "timestamp",
}
"""How the values of a type are written."""


class Irregular(Exception):
    """A form that has no layout: it has to be read field by field."""


class Layout:
    """Where the values of a form's fields stand in the input. Raises Irregular and AwsError."""

    def __init__(self, shape: Shape, names: list[str]) -> None:
        self._texts: list[str] = []
        """What stands before the first value, between two values, and behind the last one."""
        self._order: list[int] = []
        """For each gap between the texts the field whose value goes there."""
        self._gaps: dict[str, list[int]] = {"string": [], "number": [], "boolean": [], "timestamp": []}
        fields = dict(zip(names, range(len(names)), strict=True))
        if len(fields) < len(names) or "" in fields:
            raise Irregular("a name twice, or none")
        self._texts.append(self._write(shape, shaped(shape, tree_of(fields)), ""))

    def _write(self, shape: Shape, node: Any, before: str) -> str:
        """Take ``node`` in. ``before`` is the text since the last gap; the text since the now last one is returned."""
        kind = shape.type_name
        if isinstance(node, int):
            return self._leave_gap(kind, node, before)
        if kind == "structure":
            members, separator = shape.members, "{"
            for name, member in node.items():
                before = self._write(members[name], member, f'{before}{separator}"{name}":')
                separator = ","
            return before + ("}" if node else "{}")
        if kind != "list":  # the keys of a map are values too
            raise Irregular(kind)
        separator = "["
        for element in node:
            before = self._write(shape.member, element, before + separator)
            separator = ","
        return before + ("]" if node else "[]")

    def _leave_gap(self, kind: str, field: int, before: str) -> str:
        gaps = self._gaps.get(_KINDS.get(kind, ""))
        if gaps is None:
            raise Irregular(kind)
        gaps.append(len(self._order))
        self._order.append(field)
        if kind != "string":
            self._texts.append(before)
            return ""
        self._texts.append(before + '"')
        return '"'

    def json(self, values: list[str]) -> str | None:
        """The input with these values; None where a number, time or boolean is none in JSON's own writing, or a text
        needs an escape.
        """
        placed = [values[field] for field in self._order]
        numbers = "".join([placed[gap] for gap in self._gaps["number"]])
        texts = "".join([placed[gap] for gap in self._gaps["string"]])
        if _NUMBERS.fullmatch(numbers) is None or '"' in texts or "\\" in texts:
            return None
        if not {placed[gap] for gap in self._gaps["boolean"]} <= {"true", "false"}:
            return None
        try:
            for gap in self._gaps["timestamp"]:
                placed[gap] = _seconds(placed[gap])
        except WrongType:
            return None
        pieces = [""] * (2 * len(placed) + 1)
        pieces[::2], pieces[1::2] = self._texts, placed
        return "".join(pieces)


@lru_cache(maxsize=4096)
def _seconds(text: str) -> str:
    """A timestamp as JSON has it: the datapoints of a request, and of its neighbours, share few moments."""
    return repr(seconds_of(text))


class Layouts:
    """The layouts last used, as many as have names of ``limit`` bytes together. For any thread."""

    def __init__(self, limit: int = KEPT_BYTES) -> None:
        self._limit = limit
        self._kept: OrderedDict[tuple[str, bytes], Layout | None] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def layout(self, shape: Shape, names: bytes) -> Layout | None:
        """The layout of fields of these names (as sent, joined by ``&``); None where they have none."""
        key = (shape.name, names)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        try:
            layout = Layout(shape, form_texts(names))
        except (Irregular, AwsError):
            layout = None
        self._keep(key, layout)
        return layout

    def _keep(self, key: tuple[str, bytes], layout: Layout | None) -> None:
        with self._lock:
            if key not in self._kept:
                self._size += len(key[1])
            self._kept[key] = layout
            while self._size > self._limit:
                (_, names), _ = self._kept.popitem(last=False)
                self._size -= len(names)
