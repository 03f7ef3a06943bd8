"""A filter's text as tokens."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from epochwatch.model.job_filter.errors import InvalidFilter

_OPERATOR: Final = re.compile(r"!=|!~|==|<=|>=|[=<>~]")
_SPACE: Final = re.compile(r"\s+")
_PIECE: Final = re.compile(r"""[^\s()=<>!~,"'`.]+""")
_QUOTED: Final = re.compile(r""""((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|`([^`]*)`""", re.DOTALL)
_ESCAPED: Final = re.compile(r"""\\(["'\\])""")


@dataclass(frozen=True, slots=True)
class Token:
    """A word (dotted, with parts in quotes where wanted), an operator, a parenthesis, a comma, or the end."""

    kind: Literal["word", "operator", "(", ")", ",", "end"]
    text: str
    """Of a word, what it is as a value: without quotes."""
    column: int
    segments: tuple[str, ...] = ()
    quoted: tuple[bool, ...] = ()

    @property
    def literal(self) -> bool:
        """A text that stands in quotes as a whole."""
        return self.quoted == (True,)

    @property
    def keyword(self) -> str:
        """The word in small letters, where it may be one of the language's."""
        return self.text.lower() if self.quoted == (False,) else ""


def tokens(text: str) -> Iterator[Token]:
    """The tokens, and an end. Raises InvalidFilter."""
    at = 0
    while at < len(text):
        if space := _SPACE.match(text, at):
            at = space.end()
        elif text[at] in "(),":
            mark: Literal["(", ")", ","] = "(" if text[at] == "(" else ")" if text[at] == ")" else ","
            yield Token(mark, mark, at + 1)
            at += 1
        elif found := _OPERATOR.match(text, at):
            yield Token("operator", "=" if found[0] == "==" else found[0], at + 1)
            at = found.end()
        else:
            word, at = _word(text, at)
            yield word
    yield Token("end", "", len(text) + 1)


def _word(text: str, start: int) -> tuple[Token, int]:
    segments, quoted, at = [""], [False], start
    while at < len(text):
        if found := _QUOTED.match(text, at):
            part, quoted[-1] = _unescaped(found), True
        elif found := _PIECE.match(text, at):
            part = found[0]
        elif text[at] == ".":
            segments.append("")
            quoted.append(False)
            at += 1
            continue
        else:
            break
        segments[-1] += part
        at = found.end()
    if at == start:
        if text[at] == "!":
            raise InvalidFilter("'!' stands in != and !~ only: write not", at + 1)
        raise InvalidFilter(f"the text that begins with {text[at]} has no end: close it with {text[at]}", at + 1)
    if at < len(text) and text[at] in "\"'`":
        raise InvalidFilter(f"the text that begins with {text[at]} has no end: close it with {text[at]}", at + 1)
    return Token("word", ".".join(segments), start + 1, tuple(segments), tuple(quoted)), at


def _unescaped(found: "re.Match[str]") -> str:
    if found[3] is not None:
        return found[3]
    # Only what had to be escaped is: a backslash of a regular expression stays.
    return _ESCAPED.sub(r"\1", found[1] if found[1] is not None else found[2])
