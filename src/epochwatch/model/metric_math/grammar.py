"""From the text of a metric math expression to its syntax tree."""

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final

from epochwatch.model.metric_math.signatures import check_call
from epochwatch.model.metric_math.syntax import (
    Array,
    Call,
    Chain,
    Expression,
    Identifier,
    InvalidExpression,
    Negation,
    Node,
    Number,
    Power,
    Text,
    Word,
)

if TYPE_CHECKING:
    from lark import Lark, Token
    from lark.exceptions import UnexpectedInput

LONGEST: Final = 2048
"""The most characters of an expression."""

DEEPEST: Final = 30
"""The most parentheses, brackets and calls within each other."""

_GRAMMAR: Final = r"""
    ?start: disjunction
    ?disjunction: conjunction (OR conjunction)*
    ?conjunction: comparison (AND comparison)*
    ?comparison: sum (COMPARISON sum)*
    ?sum: product ((PLUS | MINUS) product)*
    ?product: factor ((STAR | SLASH) factor)*
    ?factor: MINUS+ power                          -> negation
           | power
    ?power: atom (CARET MINUS* atom)*
    ?atom: NUMBER                                  -> number
         | TEXT                                    -> text
         | ID                                      -> identifier
         | NAME                                    -> word
         | NAME "(" (disjunction ("," disjunction)*)? ")"  -> call
         | "[" disjunction ("," disjunction)* "]"  -> array
         | "(" disjunction ")"

    OR: "OR" | "||"
    AND: "AND" | "&&"
    COMPARISON: "==" | "!=" | "<=" | ">=" | "<" | ">"
    PLUS: "+"
    MINUS: "-"
    STAR: "*"
    SLASH: "/"
    CARET: "^"
    NUMBER: /(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?/
    TEXT: /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/s
    ID: /[a-z][a-zA-Z0-9_]*/
    NAME: /[A-Z][a-zA-Z0-9_]*/
    %ignore /\s+/
"""

_BRACKET: Final = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[(\[]|[)\]]", re.DOTALL)
_SYMBOLS: Final = {"RPAR": "')'", "RSQB": "']'", "COMMA": "','", "LPAR": "'('"}
_VALUES: Final = frozenset({"NUMBER", "TEXT", "ID", "NAME"})
_OPERATORS: Final = frozenset({"OR", "AND", "COMPARISON", "PLUS", "MINUS", "STAR", "SLASH", "CARET"})


@lru_cache(maxsize=1024)
def parse(text: str) -> Expression:
    """The expression ``text``. Raises InvalidExpression, which says where and what was expected.

    At most 2,048 characters, and 30 brackets deep. Functions and the number and kind of their arguments are
    checked here; whether the values fit (a time series or an array) shows only when it is evaluated.
    """
    if not text.strip():
        raise InvalidExpression("the expression is empty")
    if len(text) > LONGEST:
        raise InvalidExpression(f"the expression has {len(text)} characters; {LONGEST} are allowed")
    _check_depth(text)
    from lark.exceptions import UnexpectedInput

    try:
        root: Any = _parser().parse(text)
    except UnexpectedInput as error:
        raise InvalidExpression(_explanation(error, text)) from None
    _check_place(root)
    return Expression(text, root)


def _check_depth(text: str) -> None:
    depth = 0
    for match in _BRACKET.finditer(text):
        depth += (match[0] in "([") - (match[0] in ")]")
        if depth > DEEPEST:
            raise InvalidExpression(f"column {match.start() + 1}: brackets are nested more than {DEEPEST} deep")


@cache
def _parser() -> "Lark":
    from lark import Lark, Transformer, v_args

    @v_args(inline=True)
    class Tree(Transformer[Any, Node]):
        """Builds the tree while the text is being read, so that no depth costs stack."""

        disjunction = conjunction = comparison = sum = product = staticmethod(_chain)
        negation = staticmethod(_negation)
        power = staticmethod(_power)
        number = staticmethod(_number)
        text = staticmethod(_text)
        identifier = staticmethod(_identifier)
        word = staticmethod(_word)
        call = staticmethod(_call)
        array = staticmethod(_array)

    return Lark(_GRAMMAR, parser="lalr", transformer=Tree())


def _chain(first: Node, *rest: Any) -> Node:
    pairs = zip(rest[::2], rest[1::2], strict=True)
    operations = tuple((_OPERATOR_NAMES.get(str(operator), str(operator)), operand) for operator, operand in pairs)
    for operand in (first, *(operand for _, operand in operations)):
        _check_place(operand)
    return Chain(first, operations)


_OPERATOR_NAMES: Final = {"&&": "AND", "||": "OR"}


def _negation(*children: Any) -> Node:
    operand: Node = children[-1]
    _check_place(operand)
    return Negation(operand) if len(children) % 2 == 0 else operand


def _power(base: Node, *rest: Any) -> Node:
    exponents: list[tuple[bool, Node]] = []
    negative = False
    _check_place(base)
    for part in rest:
        if getattr(part, "type", None) == "CARET":
            negative = False
        elif getattr(part, "type", None) == "MINUS":
            negative = not negative
        else:
            _check_place(part)
            exponents.append((negative, part))
    return Power(base, tuple(exponents))


def _number(token: "Token") -> Node:
    return Number(float(token))


def _text(token: "Token") -> Node:
    quote = token[0]
    return Text(token[1:-1].replace(f"\\{quote}", quote))


def _identifier(token: "Token") -> Node:
    return Identifier(str(token))


def _word(token: "Token") -> Node:
    return Word(str(token))


def _call(name: "Token", *arguments: Node) -> Node:
    call = Call(str(name), arguments, name.column or 1)
    check_call(call)
    return call


def _array(*items: Node) -> Node:
    for item in items:
        _check_place(item)
    return Array(items)


def _check_place(node: Node) -> None:
    """A text or a word means something only as an argument of a function that takes it."""
    if isinstance(node, Text):
        raise InvalidExpression(f"the text '{node.value}' can stand only as an argument of a function")
    if isinstance(node, Word):
        raise InvalidExpression(
            f"'{node.value}' is neither an Id, which begins with a small letter, nor a function with its arguments"
        )


def _explanation(error: "UnexpectedInput", text: str) -> str:
    from lark.exceptions import UnexpectedCharacters, UnexpectedToken

    if isinstance(error, UnexpectedToken):
        expected, at_end = set(error.expected), error.token.type == "$END"
        position = len(text) if at_end else error.token.start_pos or 0
        found = "the expression ends" if at_end else f"'{error.token}' stands"
    else:
        expected = set(error.allowed or ()) if isinstance(error, UnexpectedCharacters) else set()
        position = error.pos_in_stream or 0
        character = text[position : position + 1]
        if character in "'\"" and character:
            return f"column {position + 1}: the text that begins with {character} is not closed"
        found = f"'{character}' stands"
    return f"column {position + 1}: {found} where {_wanted(expected)} was expected"


def _wanted(expected: set[str]) -> str:
    if expected & _VALUES:
        return "a value"
    if expected & _OPERATORS:
        return "an operator"
    kinds = [symbol for name, symbol in _SYMBOLS.items() if name in expected]
    kinds += ["the end"] if "$END" in expected else []
    return " or ".join(kinds) or "something else"
