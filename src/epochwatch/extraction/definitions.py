"""Metric definitions as users write them: flags, files in SageMaker's form, and their validation."""

import re
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import Any

import msgspec

from epochwatch.errors import UsageError
from epochwatch.extraction.dimensions import problem
from epochwatch.extraction.syntax import parse
from epochwatch.model.batch import Definition
from epochwatch.model.embedded_metric import UNITS
from epochwatch.model.metric import NO_UNIT
from epochwatch.model.run_series import RESOLUTIONS

LONGEST_NAME = 255
"""Characters of a definition's name, as in SageMaker."""
LONGEST_REGEX = 500
"""Characters of a definition's regular expression, as in SageMaker."""


def parse_flag(text: str, origin: str = "flag") -> Definition:
    """The definition that ``NAME=REGEX`` writes; the name ends at the first ``=``. Raises UsageError."""
    name, separator, regex = text.partition("=")
    if not separator:
        raise UsageError(
            f"a metric definition is NAME=REGEX, not '{text}'",
            "for example: -m 'validation:accuracy=val_acc=([0-9.]+)'",
        )
    return validate(Definition(name.strip(), regex, origin))


def parse_flags(texts: Iterable[str], origin: str = "flag") -> list[Definition]:
    """``parse_flag`` for each."""
    return [parse_flag(text, origin) for text in texts]


def load_file(source: str | PathLike[str] | bytes) -> list[Definition]:
    """The definitions of a file (path, or its content as bytes) in SageMaker's form: ``[{"Name", "Regex"}, ...]``,
    each with an optional ``Unit`` and ``StorageResolution`` (1 or 60 seconds), as ``PutMetricData`` calls them.

    An object that holds such a list under ``MetricDefinitions`` (or, as there, in ``AlgorithmSpecification``) is
    taken too: a saved request or answer of the SageMaker API works as it is. Raises UsageError.
    """
    label, content = _content(source)
    try:
        value = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{label} is not JSON: {error}", _FORM) from error
    entries = _entries(value)
    if entries is None:
        raise UsageError(f"{label} holds no list of metric definitions", _FORM)
    return [_definition(entry, f"{label}, entry {number}") for number, entry in enumerate(entries, 1)]


def validate(definition: Definition, where: str = "") -> Definition:
    """The definition itself. Raises UsageError that names it, the limit or the place of the mistake."""
    prefix = f"{where}: " if where else ""
    name, regex = definition.name, definition.regex
    if not 1 <= len(name) <= LONGEST_NAME or "\n" in name:
        raise UsageError(
            f"{prefix}a metric's name has 1 to {LONGEST_NAME} characters on one line, not {len(name)}"
            f" ('{name[:40]}')"
        )
    if not 1 <= len(regex) <= LONGEST_REGEX:
        raise UsageError(
            f"{prefix}the regex of metric '{name}' has {len(regex)} characters; 1 to {LONGEST_REGEX} are allowed"
        )
    _require_storage(definition, prefix)
    try:
        parsed = parse(regex)
    except re.error as error:
        raise UsageError(
            f"{prefix}the regex of metric '{name}' does not compile: {_reason(error)}: {regex}", _hint(error)
        ) from error
    wrong = problem(parsed.names)
    if wrong:
        raise UsageError(f"{prefix}the regex of metric '{name}' {wrong}")
    return definition


def _require_storage(definition: Definition, prefix: str) -> None:
    if definition.unit not in UNITS:
        raise UsageError(
            f"{prefix}metric '{definition.name}' cannot have the unit '{definition.unit}'",
            f"CloudWatch's units are {', '.join(sorted(UNITS))}",
        )
    if definition.resolution not in RESOLUTIONS:
        raise UsageError(
            f"{prefix}metric '{definition.name}' cannot have the resolution {definition.resolution}:"
            " 1 or 60 seconds are allowed"
        )


_FORM = 'the form is [{"Name": "validation:accuracy", "Regex": "val_acc=([0-9.]+)"}]'


def _content(source: str | PathLike[str] | bytes) -> tuple[str, bytes]:
    if isinstance(source, bytes):
        return "the metrics file", source
    try:
        return str(source), Path(source).read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {source}: {error.strerror or error}") from error


def _entries(value: Any) -> list[Any] | None:
    for key in ("AlgorithmSpecification", "MetricDefinitions"):
        if isinstance(value, dict) and key in value:
            value = value[key]
    return value if isinstance(value, list) else None


def _definition(entry: Any, where: str) -> Definition:
    fields = {key.lower(): value for key, value in entry.items()} if isinstance(entry, dict) else {}
    name, regex = fields.get("name"), fields.get("regex")
    if not isinstance(name, str) or not isinstance(regex, str):
        raise UsageError(f"{where} needs the texts 'Name' and 'Regex'", _FORM)
    unit, resolution = fields.get("unit", NO_UNIT), fields.get("storageresolution", 1)
    if not isinstance(unit, str):
        raise UsageError(f"{where}: 'Unit' is a text", _FORM)
    if not isinstance(resolution, int) or isinstance(resolution, bool):
        raise UsageError(f"{where}: 'StorageResolution' is 1 or 60", _FORM)
    return validate(Definition(name, regex, "file", unit, resolution), where)


def _reason(error: re.error) -> str:
    return error.msg if error.pos is None else f"{error.msg} at character {error.pos + 1}"


def _hint(error: re.error) -> str | None:
    if "unterminated" in error.msg or "unbalanced" in error.msg or "missing )" in error.msg:
        return "quote the definition, and put a backslash before brackets that stand for themselves"
    return None
