"""The rows of a widget's ``metrics``: ``[namespace, name, dimension, value, ..., {options}]`` and ``[{expression}]``.

``"."`` repeats what the row before has at that place, ``"..."`` all that it has before what follows.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec

from epochwatch.model.dashboard.schema import COLOR, PERIOD

Side: TypeAlias = Literal["left", "right"]
"""Of a chart: where a curve's value axis is."""
MOST_FIELDS: Final = 2 + 2 * 30
"""Texts of a row: the namespace, the name and thirty dimensions."""
NOT_ROWS: Final = (
    'Field "metrics" has to be an array of array of strings, '
    "with an optional metricRenderer object as last element"
)
NO_TEXT: Final = 'Invalid metric field type, only "String" type is allowed'

_Color: TypeAlias = Annotated[str, msgspec.Meta(pattern=COLOR["pattern"])]
_Id: TypeAlias = Annotated[str, msgspec.Meta(pattern="^[a-z][a-zA-Z0-9_]*$")]
_Period: TypeAlias = Annotated[int, msgspec.Meta(ge=PERIOD["minimum"], le=PERIOD["maximum"])]


class Options(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """How a row is read and drawn; None where the widget decides. ``period`` is in seconds."""

    id: _Id | None = None
    label: str | None = None
    expression: str | None = None
    stat: str | None = None
    period: _Period | None = None
    color: _Color | None = None
    visible: bool = True
    y_axis: Side = "left"
    region: str | None = None
    account_id: str | None = None


class MetricRow(msgspec.Struct, frozen=True):
    """A metric in a widget."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    options: Options


class ExpressionRow(msgspec.Struct, frozen=True):
    """Metric math, SEARCH or Metrics Insights in a widget."""

    expression: str
    options: Options


Row: TypeAlias = MetricRow | ExpressionRow


class InvalidRow(ValueError):
    """A row that says nothing CloudWatch understands. ``place`` are the keys from the row to what is wrong."""

    def __init__(self, message: str, *place: int) -> None:
        super().__init__(message)
        self.place = place


def rows(given: Sequence[Any]) -> list[Row | InvalidRow]:
    """Each row with its short forms written out, or what is wrong with it."""
    found: list[Row | InvalidRow] = []
    before: list[str] = []
    for row in given:
        try:
            texts, options = _parted(row)
            if options.expression is not None:
                found.append(ExpressionRow(options.expression, options))
                continue
            before = _written_out(texts, before, len(row))
            pairs = tuple(zip(before[2::2], before[3::2], strict=True))
            found.append(MetricRow(before[0], before[1], pairs, options))
        except InvalidRow as error:
            found.append(error)
    return found


def _parted(row: Any) -> tuple[list[str], Options]:
    """The texts of a row, and its options."""
    if not isinstance(row, list) or not row:
        raise InvalidRow(NOT_ROWS)
    *texts, last = row
    options: dict[str, Any] = {}
    if isinstance(last, dict):
        options = last
    else:
        texts.append(last)
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            raise InvalidRow(NO_TEXT, place)
    if ("expression" in options) == bool(texts):
        raise _too_long(len(row))
    try:
        return texts, msgspec.convert(options, Options)
    except msgspec.ValidationError as error:
        raise _too_long(len(row)) from error


def _written_out(texts: Sequence[str], before: Sequence[str], size: int) -> list[str]:
    """The texts with those of the metric before in place of dots."""
    rest = list(texts)
    if rest and rest[0] == "...":
        del rest[0]
        if len(rest) > len(before):
            raise _too_long(size)
        rest = [*before[: len(before) - len(rest)], *rest]
    if any(text == "." and place >= len(before) for place, text in enumerate(rest)):
        raise _too_long(size)
    full = [before[place] if text == "." else text for place, text in enumerate(rest)]
    if not 2 <= len(full) <= MOST_FIELDS or len(full) % 2:
        raise _too_long(size) if len(full) > 1 else InvalidRow(_few(2))
    return full


def _too_long(size: int) -> InvalidRow:
    """How CloudWatch says of a row that something at its end is wrong."""
    return InvalidRow(f"Should NOT have more than {size - 1} items")


def _few(least: int) -> str:
    return f"Should NOT have less than {least} items"
