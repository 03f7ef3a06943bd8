"""The fields of log events: those every event has, and those found in events that are JSON."""

from typing import Final

from epochwatch.model.logs_insights.errors import MalformedQuery
from epochwatch.model.logs_insights.syntax import Field
from epochwatch.store.log_query_values import Kind, Parameters, Value

MOST_FIELDS: Final = 200
"""A query may name so many fields of JSON."""
_MOST_LEVELS: Final = 20
_MOST_NUMBERS: Final = 4
"""So many parts of a path may be numbers: each is a place in a list or a name, which only the event can tell."""
_LAST_PLACE: Final = 1_000_000


def system_fields(parameters: Parameters, account: str) -> dict[str, Value]:
    """The fields every log event has, as the columns of the events make them."""
    owner = parameters.bind(f"{account}:")
    pointer = (
        "base64Encode(concat(group_name, char(0), stream_name, char(0), toString(ts), char(0), toString(seq)))"
    )
    return {
        "@timestamp": Value("ts", Kind.TIME),
        "@ingestionTime": Value("ingestion", Kind.TIME),
        "@message": Value("message", Kind.ANY),
        "@logStream": Value("stream_name", Kind.TEXT),
        "@log": Value(f"concat({owner}, group_name)", Kind.TEXT),
        "@ptr": Value(pointer, Kind.TEXT),
    }


class Discovered:
    """Fields of JSON that a query names; ``columns`` are what has to be selected for them."""

    def __init__(self, parameters: Parameters) -> None:
        self.columns: list[str] = []
        self._parameters = parameters
        self._fields: dict[str, Value] = {}

    def field(self, field: Field) -> Value:
        """The field ``field`` leads to: text as it is, numbers as JSON has them, true and false as 1 and 0, objects
        and lists as JSON. A whole name with dots in it is found too. Raises MalformedQuery for too many.
        """
        known = self._fields.get(field.name)
        if known is not None:
            return known
        span = field.span
        if len(self._fields) == MOST_FIELDS:
            raise MalformedQuery(f"a query may name {MOST_FIELDS} fields of log events", span.start, span.end)
        numbers = sum(_is_place(part) for part in field.path)
        if len(field.path) > _MOST_LEVELS or numbers > _MOST_NUMBERS:
            raise MalformedQuery(f"the path '{field.name[:100]}' is too long", span.start, span.end)
        raw, column = f"j{len(self._fields)}", f"d{len(self._fields)}"
        self.columns.append(f"{self._raw(field)} AS {raw}")
        self.columns.append(
            f"multiIf({raw} IN ('', 'null'), NULL, {raw} = 'true', '1', {raw} = 'false', '0', "
            f"""startsWith({raw}, '"'), JSONExtractString({raw}), {raw}) AS {column}"""
        )
        found = self._fields[field.name] = Value(column, Kind.ANY)
        return found

    def _raw(self, field: Field) -> str:
        raw = self._inside(field.path)
        if len(field.path) == 1:
            return raw
        return f"if(empty({raw}), {self._inside(('.'.join(field.path),))}, {raw})"

    def _inside(self, path: tuple[str, ...]) -> str:
        """JSON of the part of the message that ``path`` leads to; empty where there is none."""
        document = "message"
        names: list[str] = []
        for index, part in enumerate(path):
            if index == 0 or not _is_place(part):
                names.append(part)
                continue
            if names:
                document, names = self._extract(document, names), []
            listed = f"JSONExtractRaw({document}, {int(part) + 1})"
            document = f"if(startsWith({document}, '['), {listed}, {self._extract(document, [part])})"
        return self._extract(document, names) if names else document

    def _extract(self, document: str, names: list[str]) -> str:
        return f"JSONExtractRaw({document}, {', '.join(self._parameters.bind(name) for name in names)})"


def _is_place(part: str) -> bool:
    return part.isascii() and part.isdecimal() and len(part) < 8 and int(part) < _LAST_PLACE
