"""The query language of SEARCH: ``{Namespace, Dimension} terms``, which finds metrics by their names.

Terms match by *tokens*, the words that names fall into: ``CustomCount1`` is ``custom``, ``count`` and ``1``.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from epochwatch.model.metric import MetricId

if TYPE_CHECKING:
    from lark import Lark, Token
    from lark.exceptions import UnexpectedInput

MOST_SERIES: Final = 500
"""The most series that one search gives."""

LONGEST: Final = 1024
"""The most characters of a query."""

DEEPEST: Final = 30
"""The most parentheses within each other."""

Matches = Callable[[MetricId], bool]


class InvalidSearch(ValueError):
    """The text is no search query; the message says why in words for its author."""


@dataclass(frozen=True, slots=True)
class Search:
    """A parsed query. ``namespace`` and ``metric_name``, where not None, are what every match has: a store may look
    there only.
    """

    source: str
    matches: Matches
    namespace: str | None = None
    metric_name: str | None = None


@lru_cache(maxsize=256)
def parse(text: str) -> Search:
    """The search ``text``. Raises InvalidSearch, which says where and what was expected.

    At most 1,024 characters. AND binds tighter than OR; terms side by side are joined by AND.
    """
    if not text.strip():
        raise InvalidSearch("the search is empty: it needs a {Namespace, Dimension, ...} or a term to look for")
    if len(text) > LONGEST:
        raise InvalidSearch(f"the search has {len(text)} characters; {LONGEST} are allowed")
    _check_depth(text)
    from lark.exceptions import UnexpectedInput

    try:
        parts: Any = _parser().parse(text)
    except UnexpectedInput as error:
        raise InvalidSearch(_explanation(error, text)) from None
    return _search(text, parts)


class _Condition(NamedTuple):
    """A part of a query, with what it says for certain about every metric that it matches."""

    matches: Matches
    namespace: str | None = None
    metric_name: str | None = None


class _Words(NamedTuple):
    """A name taken apart: its words as written and in small letters, these run together, and all of its tokens."""

    written: tuple[str, ...]
    lowered: tuple[str, ...]
    whole: str
    tokens: frozenset[str]


_WORD: Final = re.compile(r"[A-Z]+(?![^\W\dA-Z_])|[A-Z]?[^\W\dA-Z_]+|\d+")
"""A word ends where small letters are followed by a capital, at digits, and at what is no letter or digit."""


@lru_cache(maxsize=32768)
def _words(name: str) -> _Words:
    written = tuple(_WORD.findall(name))
    lowered = tuple(word.lower() for word in written)
    whole = "".join(lowered)
    return _Words(written, lowered, whole, frozenset((*lowered, whole)))


def tokens(name: str) -> frozenset[str]:
    """The tokens of a name: its words and the whole of it, in small letters, without other characters."""
    return _words(name).tokens


def _partial(term: str) -> Callable[[str], bool]:
    """Whether a name contains the term: one word in any case; several words one after the other.

    Words that the term writes together (``CustomCount``) must be written so in the name. Words that it separates
    (``custom-count``) may be in any case and separated by anything or nothing.
    """
    pieces = [piece for piece in re.split(r"[\W_]+", term) if piece]
    words = [(word, len(parts) > 1) for parts in map(_WORD.findall, pieces) for word in parts]
    if not words:
        raise InvalidSearch(f"'{term}' has no letter or digit to look for; exact matches go in double quotes")
    lowered = [word.lower() for word, _ in words]
    whole = "".join(lowered)
    if len(words) == 1:
        return lambda name: whole in _words(name).tokens
    needed = frozenset(lowered)

    def contains(name: str) -> bool:
        found = _words(name)
        return found.whole == whole or (needed <= found.tokens and _has_run(found, words))

    return contains


def _has_run(found: _Words, words: list[tuple[str, bool]]) -> bool:
    """Whether the words, each with whether its case matters, stand one after the other in a name."""
    return any(
        all(
            found.written[start + place] == word if exact else found.lowered[start + place] == word.lower()
            for place, (word, exact) in enumerate(words)
        )
        for start in range(len(found.lowered) - len(words) + 1)
    )


def _anywhere(holds: Callable[[str], bool]) -> Matches:
    """True for a metric that has such a namespace, name, dimension name or dimension value."""

    def matches(metric: MetricId) -> bool:
        if holds(metric.name) or holds(metric.namespace):
            return True
        return any(holds(value) or holds(name) for name, value in metric.dimensions)

    return matches


def _in_property(name: str, holds: Callable[[str], bool]) -> Matches:
    if name == "MetricName":
        return lambda metric: holds(metric.name)
    if name == "Namespace":
        return lambda metric: holds(metric.namespace)
    return lambda metric: any(dimension == name and holds(value) for dimension, value in metric.dimensions)


_GRAMMAR: Final = r"""
    start: schema? disjunction?
    schema: "{" listed ("," listed)* "}" ","?
    listed: LISTED | QUOTED
    disjunction: conjunction ("OR" conjunction)*
    conjunction: negation ("AND"? negation)*
    ?negation: NOT+ term                        -> negated
             | term
    ?term: WORD                                 -> bare
         | QUOTED                               -> quoted
         | name "=" value                       -> designated
         | "(" disjunction ")"                  -> group
    name: WORD | QUOTED
    value: WORD                                 -> one_partial
         | QUOTED                               -> one_exact
         | "(" choice ("OR" choice)* ")"        -> several
    ?choice: WORD                               -> one_partial
           | QUOTED                             -> one_exact

    QUOTED: /"(?:[^"\\]|\\.)*"/s
    LISTED: /[^\s",{}]+/
    WORD: /(?!(?:AND|OR|NOT)(?![^\s()"=]))[^\s()"=,{}][^\s()"=]*/
    NOT: "NOT"
    %ignore /\s+/
"""

_BRACKET: Final = re.compile(r"\"(?:[^\"\\]|\\.)*\"|[()]", re.DOTALL)


def _check_depth(text: str) -> None:
    depth = 0
    for match in _BRACKET.finditer(text):
        depth += (match[0] == "(") - (match[0] == ")")
        if depth > DEEPEST:
            raise InvalidSearch(f"column {match.start() + 1}: parentheses are nested more than {DEEPEST} deep")


@cache
def _parser() -> "Lark":
    from lark import Lark, Transformer, v_args

    @v_args(inline=True)
    class Conditions(Transformer[Any, Any]):
        """Makes a condition of each part while the text is being read."""

        start = staticmethod(lambda *parts: parts)
        schema = staticmethod(lambda *names: names)
        disjunction = staticmethod(_any_of)
        conjunction = staticmethod(_all_of)
        negated = staticmethod(_negated)
        group = staticmethod(lambda condition: condition)
        bare = staticmethod(lambda token: _Condition(_anywhere(_partial(str(token)))))
        quoted = staticmethod(lambda token: _Condition(_anywhere(_exact(token)[0])))
        designated = staticmethod(_designated)
        name = listed = staticmethod(_name)
        one_partial = staticmethod(lambda token: (_partial(str(token)), None))
        one_exact = staticmethod(_exact)
        several = staticmethod(_several)

    return Lark(_GRAMMAR, parser="lalr", transformer=Conditions(), maybe_placeholders=False)


_Value = tuple[Callable[[str], bool], str | None]
"""What a property must satisfy, and the one text that does, if it is one."""


def _name(token: "Token") -> str:
    return _unquoted(token) if token.type == "QUOTED" else str(token)


def _unquoted(token: "Token") -> str:
    return re.sub(r"\\(.)", r"\1", token[1:-1], flags=re.DOTALL)


def _exact(token: "Token") -> _Value:
    text = _unquoted(token)
    return (lambda name: name == text), text


def _several(*choices: _Value) -> _Value:
    if len(choices) == 1:
        return choices[0]
    return (lambda name: any(holds(name) for holds, _ in choices)), None


def _designated(name: str, value: _Value) -> _Condition:
    if name == ":aws.AccountId":
        raise InvalidSearch(":aws.AccountId: a search sees the metrics of its own account only")
    holds, text = value
    return _Condition(
        _in_property(name, holds),
        text if name == "Namespace" else None,
        text if name == "MetricName" else None,
    )


def _negated(*parts: Any) -> _Condition:
    condition: _Condition = parts[-1]
    if len(parts) % 2:
        return condition
    return _Condition(lambda metric: not condition.matches(metric))


def _any_of(*conditions: _Condition) -> _Condition:
    if len(conditions) == 1:
        return conditions[0]
    namespaces = {condition.namespace for condition in conditions}
    names = {condition.metric_name for condition in conditions}
    return _Condition(
        lambda metric: any(condition.matches(metric) for condition in conditions),
        namespaces.pop() if len(namespaces) == 1 else None,
        names.pop() if len(names) == 1 else None,
    )


def _all_of(*conditions: _Condition) -> _Condition:
    if len(conditions) == 1:
        return conditions[0]
    return _Condition(
        lambda metric: all(condition.matches(metric) for condition in conditions),
        next((condition.namespace for condition in conditions if condition.namespace is not None), None),
        next((condition.metric_name for condition in conditions if condition.metric_name is not None), None),
    )


def _search(text: str, parts: tuple[Any, ...]) -> Search:
    schema = next((part for part in parts if not isinstance(part, _Condition)), None)
    terms = next((part for part in parts if isinstance(part, _Condition)), None)
    if schema is None:
        assert terms is not None
        return Search(text, terms.matches, terms.namespace, terms.metric_name)
    namespace, names = schema[0], tuple(sorted(set(schema[1:])))
    fits = _fits(namespace, names)
    if terms is None:
        return Search(text, fits, namespace)
    inner = terms.matches
    return Search(text, lambda metric: fits(metric) and inner(metric), namespace, terms.metric_name)


def _fits(namespace: str, names: tuple[str, ...]) -> Matches:
    """A schema of a namespace alone takes all its metrics; one with dimensions those with exactly these."""
    if not names:
        return lambda metric: metric.namespace == namespace
    return lambda metric: metric.namespace == namespace and tuple(name for name, _ in metric.dimensions) == names


_KINDS: Final = {
    "WORD": "a word",
    "LISTED": "a name",
    "QUOTED": "a text in double quotes",
    "RPAR": "')'",
    "RBRACE": "'}'",
    "EQUAL": "'='",
}


def _explanation(error: "UnexpectedInput", text: str) -> str:
    from lark.exceptions import UnexpectedToken

    if isinstance(error, UnexpectedToken):
        at_end = error.token.type == "$END"
        position = len(text) if at_end else error.token.start_pos or 0
        found = "the search ends" if at_end else f"'{error.token}' stands"
        wanted = " or ".join(kind for name, kind in _KINDS.items() if name in error.expected) or "the end"
        return f"column {position + 1}: {found} where {wanted} was expected"
    position = error.pos_in_stream or 0
    character = text[position : position + 1]
    if character == '"':
        return f"column {position + 1}: the text that begins with {character} is not closed"
    return f"column {position + 1}: '{character}' may stand only in a text in double quotes"
