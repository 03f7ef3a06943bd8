"""Patterns of ``parse`` and ``like`` as regular expressions of RE2, which take time linear in the text."""

import re
from typing import Final

import re2

from epochwatch.model.logs_insights.errors import MalformedQuery
from epochwatch.model.logs_insights.syntax import Span

_NAMED_GROUP: Final = re.compile(r"(\\.)|\(\?<(?=[A-Za-z_])", re.DOTALL)
_MOST_GROUPS: Final = 50


def glob_regex(pattern: str, span: Span) -> tuple[str, int, dict[str, int]]:
    """A pattern in which each ``*`` stands for a part to take out: the regular expression, the number of parts, no
    names. The last ``*`` takes all that is left where nothing follows it, others as little as possible.
    """
    pieces = pattern.split("*")
    count = len(pieces) - 1
    if not 1 <= count <= _MOST_GROUPS:
        raise MalformedQuery(f"a pattern to parse has 1 to {_MOST_GROUPS} *", span.start, span.end)
    regex = "(.*?)".join(re2.escape(piece) for piece in pieces)
    if not pieces[-1]:
        regex = regex.removesuffix("(.*?)") + "(.*)"
    return f"(?s){regex}", count, {}


def java_regex(source: str, span: Span) -> tuple[str, int, dict[str, int]]:
    """A regular expression as it stands in a query: for the engine, its number of groups, and the number of each
    group that has a name. As in Java a dot is no end of line. Raises MalformedQuery for what takes more than linear
    time, such as looking ahead.
    """
    regex = "(?-s)" + _NAMED_GROUP.sub(lambda found: found[1] or "(?P<", source)
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(regex, options)
    except re2.error as error:
        message = f"this is no regular expression that can be used here: {_reason(error)}"
        raise MalformedQuery(message, span.start, span.end) from None
    if compiled.groups > _MOST_GROUPS:
        raise MalformedQuery(f"a regular expression has at most {_MOST_GROUPS} groups", span.start, span.end)
    return regex, compiled.groups, dict(compiled.groupindex)


def _reason(error: Exception) -> str:
    reason = error.args[0] if error.args else ""
    return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
