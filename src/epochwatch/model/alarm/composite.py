"""The rules of composite alarms: ``ALARM("loss-high") AND NOT (OK(gpu) OR INSUFFICIENT_DATA(gpu))``."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

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

Operator: TypeAlias = Literal["AND", "OR", "NOT"]


class InvalidRule(ValueError):
    """The text is no rule; the message says where, and what was expected."""

    def __init__(self, message: str, place: int | None = None) -> None:
        super().__init__(message)
        self.place = place
        """Characters before what is wrong, where that is known."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Whether an alarm is in a state."""

    state: State
    alarm: str
    """Its name or ARN, as the rule has it."""

    def holds(self, states: Mapping[str, State]) -> bool:
        """By the states of the alarms."""
        return states.get(self.alarm) is self.state


@dataclass(frozen=True, slots=True)
class Constant:
    """TRUE or FALSE."""

    value: bool

    def holds(self, states: Mapping[str, State]) -> bool:
        """Whatever the states."""
        return self.value


@dataclass(frozen=True, slots=True)
class Combination:
    """Parts joined by AND or OR; of NOT, the one that it denies."""

    operator: Operator
    parts: "tuple[Node, ...]"

    def holds(self, states: Mapping[str, State]) -> bool:
        """By the states of the alarms."""
        if self.operator == "AND":
            return all(part.holds(states) for part in self.parts)
        any_holds = any(part.holds(states) for part in self.parts)
        return not any_holds if self.operator == "NOT" else any_holds


Node: TypeAlias = Reference | Constant | Combination
"""A part of a rule."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A composite alarm's rule."""

    text: str
    alarms: frozenset[str]
    """The names or ARNs of the alarms it refers to."""
    root: Node

    def holds(self, states: Mapping[str, State]) -> bool:
        """Whether it is met by the states of the alarms, by name or ARN as the rule has them. One that is not there
        (it was deleted) is in no state.
        """
        return self.root.holds(states)


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
        if near:
            raise InvalidRule(f"syntax error near '{near}'", place) from error
        raise InvalidRule("the rule ends too early", len(text)) from error
    root = builder.build(tree)
    if len(builder.alarms) > MOST_ALARMS:
        raise InvalidRule(f"a rule names at most {MOST_ALARMS} alarms, not {len(builder.alarms)}")
    if builder.elements > MOST_ELEMENTS:
        raise InvalidRule(f"a rule has at most {MOST_ELEMENTS} elements, not {builder.elements}")
    return Rule(text, frozenset(builder.alarms), root)


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
    """Makes nodes of a syntax tree, and notes what they refer to."""

    def __init__(self) -> None:
        self.alarms: set[str] = set()
        self.elements = 0

    def build(self, node: Any) -> Node:
        self.elements += 1
        match node.data:
            case "reference":
                return self._reference(*node.children)
            case "constant":
                return Constant(str(node.children[0]) == "TRUE")
            case "negation":
                return Combination("NOT", (self.build(node.children[0]),))
        self.elements += len(node.children) - 2
        parts = tuple(self.build(child) for child in node.children)
        return Combination("AND" if node.data == "both" else "OR", parts)

    def _reference(self, state: "Token", name: "Token") -> Reference:
        alarm = _unquoted(str(name))
        self.alarms.add(alarm)
        return Reference(State(str(state)), alarm)


def _unquoted(name: str) -> str:
    if not name.startswith('"'):
        return name
    return name[1:-1].replace('\\"', '"').replace("\\\\", "\\")
