"""Which functions there are, and what each takes as arguments."""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from epochwatch.model.metric_math.syntax import Call, Identifier, InvalidExpression, Node, Number, Text, Word
from epochwatch.model.periods import is_valid
from epochwatch.model.statistics import InvalidStatistic
from epochwatch.model.statistics import parse as parse_statistic


@dataclass(frozen=True, slots=True)
class _Parameter:
    """What may stand in one place of a call. Without anything set: an expression."""

    words: tuple[str, ...] = ()
    expression: bool = True
    text: bool = False
    identifier: bool = False
    number: bool = False

    def accepts(self, node: Node) -> bool:
        match node:
            case Word(value):
                return value in self.words
            case Text():
                return self.text
            case Identifier():
                return self.expression or self.identifier
            case Number():
                return self.expression or self.number
            case _:
                return self.expression

    @property
    def wanted(self) -> str:
        kinds = ["an expression"] if self.expression else []
        kinds += ["a text in quotes"] if self.text else []
        kinds += ["the Id of a metric or expression"] if self.identifier else []
        kinds += ["a number"] if self.number else []
        return " or ".join([*kinds, *([" | ".join(self.words)] if self.words else [])])


_VALUE: Final = _Parameter()
_TEXT: Final = _Parameter(expression=False, text=True)
_ID: Final = _Parameter(expression=False, identifier=True)
_NUMBER: Final = _Parameter(expression=False, number=True)
_ANYTHING: Final = _Parameter(text=True)


def _one_of(*words: str) -> _Parameter:
    return _Parameter(words, expression=False)


@dataclass(frozen=True, slots=True)
class _Signature:
    """``parameters`` in order, of which the last ``optional`` may be left out; ``more`` may follow without end."""

    parameters: tuple[_Parameter, ...]
    optional: int = 0
    more: _Parameter | None = None


_SIGNATURES: Final[dict[str, _Signature]] = {
    **dict.fromkeys(
        [
            "ABS",
            "AVG",
            "CEIL",
            "DATAPOINT_COUNT",
            "DATE",
            "DAY",
            "DIFF",
            "DIFF_TIME",
            "EPOCH",
            "FIRST",
            "FLOOR",
            "HOUR",
            "LAST",
            "LOG",
            "LOG10",
            "MAX",
            "METRIC_COUNT",
            "MIN",
            "MINUTE",
            "MONTH",
            "RATE",
            "REMOVE_EMPTY",
            "RUNNING_SUM",
            "SERVICE_QUOTA",
            "STDDEV",
            "SUM",
            "TIME_SERIES",
            "YEAR",
        ],
        _Signature((_VALUE,)),
    ),
    "ANOMALY_DETECTION_BAND": _Signature((_ID, _VALUE), optional=1),
    "DB_PERF_INSIGHTS": _Signature((_TEXT, _TEXT, _TEXT)),
    "FILL": _Signature((_VALUE, _Parameter(("REPEAT", "LINEAR")))),
    "IF": _Signature((_VALUE, _VALUE, _VALUE), optional=1),
    "INSIGHT_RULE_METRIC": _Signature((_TEXT, _TEXT)),
    "LAMBDA": _Signature((_TEXT,), more=_ANYTHING),
    "METRICS": _Signature((_TEXT,), optional=1),
    "PERIOD": _Signature((_ID,)),
    "SEARCH": _Signature((_TEXT, _TEXT, _NUMBER), optional=1),
    "SLICE": _Signature((_VALUE, _VALUE, _VALUE), optional=1),
    "SORT": _Signature((_VALUE, _one_of("AVG", "MIN", "MAX", "SUM"), _one_of("ASC", "DESC"), _VALUE), optional=1),
}

FUNCTIONS: Final = frozenset(_SIGNATURES)
"""Every function of metric math."""


def check_call(call: Call) -> None:
    """Raises InvalidExpression for a function that does not exist, or arguments that it cannot take."""
    name, arguments = call.function, call.arguments
    signature = _SIGNATURES.get(name)
    if signature is None:
        close = get_close_matches(name.upper(), FUNCTIONS, 1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise InvalidExpression(f"column {call.position}: there is no function {name}{hint}")
    most = len(signature.parameters)
    least = most - signature.optional
    if len(arguments) < least or (len(arguments) > most and signature.more is None):
        wanted = f"{least}" if least == most else f"{least} to {most}"
        wanted = f"at least {least}" if signature.more else wanted
        plural = "" if wanted.endswith("1") else "s"
        raise InvalidExpression(
            f"column {call.position}: {name} takes {wanted} argument{plural}, not {len(arguments)}"
        )
    for place, argument in enumerate(arguments):
        parameter = signature.parameters[place] if place < most else signature.more
        if parameter is not None and not parameter.accepts(argument):
            raise InvalidExpression(
                f"column {call.position}: argument {place + 1} of {name} must be {parameter.wanted}"
            )
    if name == "SEARCH":
        _check_search(call)


def _check_search(call: Call) -> None:
    for argument in call.arguments[1:]:
        if isinstance(argument, Text):
            try:
                parse_statistic(argument.value)
            except InvalidStatistic as error:
                raise InvalidExpression(f"column {call.position}: SEARCH: {error}") from error
        elif isinstance(argument, Number) and not (argument.value.is_integer() and is_valid(int(argument.value))):
            raise InvalidExpression(
                f"column {call.position}: SEARCH: {argument.value:g} is no period; it must be 1, 5, 10, 20, 30 or a "
                "multiple of 60 seconds up to a day"
            )
