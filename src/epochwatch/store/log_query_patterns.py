"""The command ``pattern`` as SQL: rows by the form of a text, without what varies in it."""

from collections.abc import Callable
from typing import NamedTuple

from epochwatch.model.log_level import LEVELS
from epochwatch.model.logs_insights.tokens import BEGIN, END, MOST_CHARACTERS, PLAIN, REPLACED
from epochwatch.store.log_query_values import Kind, Parameters, Value


class Patterns(NamedTuple):
    """What becomes of rows."""

    layers: tuple[tuple[str, str], ...]
    """What stands before and behind each SELECT."""
    scope: dict[str, Value]
    order: list[str]


def patterns(source: str, parameters: Parameters, column: Callable[[], str]) -> Patterns:
    """The forms of the text ``source``, an SQL expression, and how many rows have each: those that have most first.
    ``column`` gives names that no other column has.
    """
    looked_at, form, count, sample, pattern, ratio, label = (column() for _ in range(7))
    begun = f"substringUTF8(assumeNotNull(ifNull({source}, '')), 1, {MOST_CHARACTERS})"
    plain = f"replaceRegexpAll({begun}, {parameters.bind(PLAIN)}, '')"
    return Patterns(
        (
            (f"SELECT {plain} AS {looked_at} FROM (", f") WHERE isNotNull({source})"),
            (
                f"SELECT {_masked(looked_at, parameters)} AS {form}, toFloat64(count()) AS {count}, "
                f"any({looked_at}) AS {sample} FROM (",
                f") GROUP BY {form}",
            ),
            (
                f"SELECT {_numbered(form, parameters)} AS {pattern}, {count}, "
                f"{count} / sum({count}) OVER () AS {ratio}, {_severity(sample, parameters)} AS {label} FROM (",
                ")",
            ),
        ),
        {
            "@pattern": Value(pattern, Kind.TEXT),
            "@ratio": Value(ratio, Kind.NUMBER),
            "@sampleCount": Value(count, Kind.NUMBER),
            "@severityLabel": Value(label, Kind.TEXT),
        },
        [f"{count} DESC", pattern],
    )


def _masked(source: str, parameters: Parameters) -> str:
    """A plain text with tokens in place of what varies, which have no numbers yet."""
    for regex, replacement in REPLACED:
        source = f"replaceRegexpAll({source}, {parameters.bind(regex)}, {parameters.bind(replacement)})"
    return f"trim(BOTH ' ' FROM {source})"


def _numbered(source: str, parameters: Parameters) -> str:
    """A masked text whose tokens are numbered as they come: ``<Time-1>``."""
    begin, end = parameters.bind(BEGIN), parameters.bind(END)
    pieces = f"splitByString({end}, {source})"
    token = f"concat(replaceOne(piece, {begin}, '<'), '-', toString(place), '>')"
    named = f"(piece, place) -> if(position(piece, {begin}) > 0, {token}, piece)"
    return f"arrayStringConcat(arrayMap({named}, {pieces}, arrayEnumerate({pieces})))"


def _severity(source: str, parameters: Parameters) -> str:
    """The level that a plain text tells, ``Error`` or another; NULL where it tells none."""
    labels = [f"match({source}, {parameters.bind(regex)}), '{level.title()}'" for level, regex in LEVELS.items()]
    return f"multiIf({', '.join(labels)}, NULL)"
