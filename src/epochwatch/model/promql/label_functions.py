"""Functions that change labels: label_replace and label_join."""

import re
from collections.abc import Sequence
from typing import Any

from epochwatch.model.promql.errors import PromqlError
from epochwatch.model.promql.labels import Labels, labels_of, value_of
from epochwatch.model.promql.selectors import compiled
from epochwatch.model.promql.vectors import Vector, relabelled

LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_REFERENCE = re.compile(r"\$(?:(\$)|\{(\w+)\}|(\w+))", re.ASCII)


def label_replace(vector: Vector, target: str, replacement: str, source: str, pattern: str) -> Vector:
    """Where the whole of ``source`` matches, ``target`` becomes ``replacement``, in which ``$1`` and ``${name}`` stand
    for groups.
    """
    _check_name("label_replace", "destination", target)
    try:
        match = compiled(pattern).fullmatch
    except PromqlError as error:
        raise PromqlError(f"label_replace(): {error.message}", "execution") from error

    def changed(labels: Labels) -> Labels:
        found = match(value_of(labels, source))
        if found is None:
            return labels
        return labels_of({**dict(labels), target: _REFERENCE.sub(lambda one: _group(found, one), replacement)})

    return relabelled(vector, [changed(labels) for labels in vector.labels])


def label_join(vector: Vector, target: str, separator: str, sources: Sequence[str]) -> Vector:
    """``target`` becomes the values of ``sources`` with ``separator`` between them."""
    _check_name("label_join", "destination", target)
    for source in sources:
        _check_name("label_join", "source", source)
    return relabelled(
        vector,
        [
            labels_of({**dict(labels), target: separator.join(value_of(labels, source) for source in sources)})
            for labels in vector.labels
        ],
    )


def _group(found: Any, reference: "re.Match[str]") -> str:
    if reference[1]:
        return "$"
    name = reference[2] or reference[3]
    try:
        return found.group(int(name) if name.isdecimal() else name) or ""
    except (IndexError, KeyError):
        return ""


def _check_name(function: str, which: str, name: str) -> None:
    if not LABEL_NAME.fullmatch(name):
        raise PromqlError(f'invalid {which} label name in {function}(): "{name}"', "execution")
