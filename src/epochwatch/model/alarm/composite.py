"""The rules of composite alarms: ``ALARM("loss-high") AND NOT (OK(gpu) OR INSUFFICIENT_DATA(gpu))``."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from epochwatch.model.alarm.state import State

if TYPE_CHECKING:
    from lark import Lark, Token

LONGEST: Final = 10_240
"""Characters of a rule."""
MOST_ALARMS: Final = 100
"""Different alarms that a rule may name."""
MOST_ELEMENTS: Final = 500
"""State functions, operators and constants of a rule."""
_DEEPEST: Final = 100

_GRAMMAR: Final = r"""
    ?start: either
    ?either: both (_OR both)*
    ?both: other (_AND other)*
    ?other: _NOT other        -> negation
          | atom
    ?atom: STATE "(" NAME ")" -> reference
         | CONSTANT           -> constant
         | "(" either ")"

    STATE.2: /(INSUFFICIENT_DATA|ALARM|OK)(?=\s*\()/
    CONSTANT.2: /(TRUE|FALSE)\b/
    _OR.2: /OR\b/
    _AND.2: /AND\b/
    _NOT.2: /NOT\b/
    NAME: /"(?:[^"\\]|\\.)*"|[^\s()"]+/
    %ignore /\s+/
"""

_Test: TypeAlias = Callable[[Mapping[str, State]], bool]


class InvalidRule(ValueError):
    """The text is no rule; the message says where, and what was expected."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A composite alarm's rule."""

    text: str
    alarms: frozenset[str]
    """The names or ARNs of the alarms it refers to."""
    _test: _Test

    def holds(self, states: Mapping[str, State]) -> bool:
        """Whether it is met by the states of the alarms, by name or ARN as the rule has them. One that is not there
        (it was deleted) is in no state.
        """
        return self._test(states)


@lru_cache(maxsize=1024)
def parse(text: str) -> Rule:
    """The rule ``text``. Raises InvalidRule. AND binds closer than OR, NOT closest."""
    from lark.exceptions import UnexpectedInput

    if len(text) > LONGEST:
        raise InvalidRule(f"a rule has at most {LONGEST} characters, not {len(text)}")
    _require_shallow(text)
    builder = _Builder()
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        place = getattr(error, "pos_in_stream", None)
        near = text[place : place + 20] if place is not None and place < len(text) else ""
        raise InvalidRule(f"syntax error near '{near}'" if near else "the rule ends too early") from error
    test = builder.build(tree)
    if len(builder.alarms) > MOST_ALARMS:
        raise InvalidRule(f"a rule names at most {MOST_ALARMS} alarms, not {len(builder.alarms)}")
    if builder.elements > MOST_ELEMENTS:
        raise InvalidRule(f"a rule has at most {MOST_ELEMENTS} elements, not {builder.elements}")
    return Rule(text, frozenset(builder.alarms), test)


def _require_shallow(text: str) -> None:
    """The parser and the tests are recursive."""
    depth = deepest = 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        deepest = max(deepest, depth)
    if deepest > _DEEPEST:
        raise InvalidRule(f"a rule is at most {_DEEPEST} parentheses deep")
    if text.count("NOT") > MOST_ELEMENTS:
        raise InvalidRule(f"a rule has at most {MOST_ELEMENTS} elements")


@cache
def _parser() -> "Lark":
    from lark import Lark

    return Lark(_GRAMMAR, parser="lalr", lexer="contextual")


class _Builder:
    """Makes a test of a syntax tree, and notes what it refers to."""

    def __init__(self) -> None:
        self.alarms: set[str] = set()
        self.elements = 0

    def build(self, node: Any) -> _Test:
        self.elements += 1
        match node.data:
            case "reference":
                return self._reference(*node.children)
            case "constant":
                value = str(node.children[0]) == "TRUE"
                return lambda states: value
            case "negation":
                inner = self.build(node.children[0])
                return lambda states: not inner(states)
        self.elements += len(node.children) - 2
        parts = [self.build(child) for child in node.children]
        if node.data == "both":
            return lambda states: all(part(states) for part in parts)
        return lambda states: any(part(states) for part in parts)

    def _reference(self, state: "Token", name: "Token") -> _Test:
        wanted, alarm = State(str(state)), _unquoted(str(name))
        self.alarms.add(alarm)
        return lambda states: states.get(alarm) is wanted


def _unquoted(name: str) -> str:
    if not name.startswith('"'):
        return name
    return name[1:-1].replace('\\"', '"').replace("\\\\", "\\")
