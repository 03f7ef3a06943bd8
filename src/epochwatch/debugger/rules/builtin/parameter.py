"""Parameters of a rule: declared once with type, default and bounds; given as strings, as an API request has them, or
as Python values.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Protocol, TypeVar, overload

from epochwatch.debugger.exceptions import SMDebugValueError

T = TypeVar("T")
Texts = tuple[str, ...]


class HasParameters(Protocol):
    """What keeps the values of its parameters by name."""

    values: dict[str, Any]


@dataclass
class Parameter(Generic[T]):
    """A parameter as an attribute of a rule's class; of a rule itself the attribute is the value.

    ``read`` takes what was given and raises ValueError for what cannot be; ``expected`` says in words what can.
    """

    default: T
    read: Callable[[Any], T]
    expected: str
    name: str = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> "Parameter[T]": ...
    @overload
    def __get__(self, instance: HasParameters, owner: type) -> T: ...
    def __get__(self, instance: HasParameters | None, owner: type) -> "Parameter[T] | T":
        if instance is None:
            return self
        found: T = instance.values[self.name]
        return found

    def parse(self, given: Any) -> T:
        """The value of what was given; the default for None, and for "" and "None" where the default is None.

        Raises SMDebugValueError that names the parameter.
        """
        if given is None or (self.default is None and given in ("", "None")):
            return self.default
        try:
            return self.read(given)
        except (ValueError, TypeError, OverflowError, re.error) as error:
            raise SMDebugValueError(f"{self.name} must be {self.expected}, not {given!r}") from error


class Parameterised:
    """What declares its parameters as attributes of its class, and keeps their values."""

    parameters: ClassVar[dict[str, Parameter[Any]]] = {}
    values: dict[str, Any]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        own = {name: value for name, value in vars(cls).items() if isinstance(value, Parameter)}
        cls.parameters = {**cls.parameters, **own}

    def take(self, given: Mapping[str, Any]) -> None:
        """Keep what was given, and the defaults of the rest. Raises SMDebugValueError for a parameter that there is
        not or that has a value that cannot be.
        """
        self.refuse_unknown(given)
        self.values = {name: declared.parse(given.get(name)) for name, declared in self.parameters.items()}

    @classmethod
    def refuse_unknown(cls, names: Iterable[str]) -> None:
        """Raises SMDebugValueError for a name that is no parameter of the rule."""
        unknown = sorted(set(names) - set(cls.parameters))
        if unknown:
            allowed = ", ".join(cls.parameters) or "no parameters"
            raise SMDebugValueError(f"{cls.__name__} has no parameter {unknown[0]!r}: it takes {allowed}")

    @property
    def shown_parameters(self) -> str:
        """``name:value`` by line, as reports have them."""
        return "\n".join(f"{name}:{_shown(value)}" for name, value in self.values.items())


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _number(given: Any) -> float:
    if isinstance(given, bool):
        raise ValueError
    value = float(given)
    if not math.isfinite(value):
        raise ValueError
    return value


def _integer(given: Any) -> int:
    if isinstance(given, bool):
        raise ValueError
    value = int(given) if isinstance(given, str) else given
    if value != int(value):
        raise ValueError
    return int(value)


def _flag(given: Any) -> bool:
    if isinstance(given, bool):
        return given
    return {"true": True, "false": False}[str(given).strip().lower()]


def _within(value: float, low: float, high: float, open_ends: bool) -> bool:
    return low < value < high if open_ends else low <= value <= high


def number(
    default: float, low: float = -math.inf, high: float = math.inf, *, open_ends: bool = False
) -> Parameter[float]:
    """A finite number from ``low`` to ``high``; with ``open_ends`` neither of them itself."""
    return Parameter(default, _bounded(_number, low, high, open_ends), _expected("a number", low, high, open_ends))


def optional_number(low: float = -math.inf) -> Parameter[float | None]:
    """A number that need not be given."""
    return Parameter(None, _bounded(_number, low, math.inf, False), _expected("a number", low, math.inf, False))


def integer(default: int, low: int = 0) -> Parameter[int]:
    """A whole number from ``low``."""
    return Parameter(default, _bounded(_integer, low, math.inf, False), _expected("a whole number", low))


def optional_integer(low: int = 0) -> Parameter[int | None]:
    """A whole number that need not be given."""
    return Parameter(None, _bounded(_integer, low, math.inf, False), _expected("a whole number", low))


def flag(default: bool) -> Parameter[bool]:
    """True or False."""

    def read(given: Any) -> bool:
        try:
            return _flag(given)
        except KeyError as error:
            raise ValueError from error

    return Parameter(default, read, "True or False")


def text(default: str) -> Parameter[str]:
    """A text that is not empty."""
    return Parameter(default, _filled, "a text that is not empty")


def optional_text() -> Parameter[str | None]:
    """A text that need not be given."""
    return Parameter(None, _filled, "a text")


def choice(*names: str) -> Parameter[str | None]:
    """One of some names, or none."""

    def read(given: Any) -> str:
        found = str(given).strip().upper()
        if found not in names:
            raise ValueError
        return found

    return Parameter(None, read, f"one of {', '.join(names)}")


def names() -> Parameter[Texts | None]:
    """A list of names, or a text of them with commas between; need not be given."""
    return Parameter(None, _texts, "a list of names, or names with commas between them")


_PATTERNS = "a list of regular expressions, or expressions with commas between them"


def patterns(default: str) -> Parameter[Texts]:
    """A list of regular expressions, or a text of them with commas between."""
    return Parameter((default,), _patterns, _PATTERNS)


def optional_patterns() -> Parameter[Texts | None]:
    """The same, but need not be given."""
    return Parameter(None, _patterns, _PATTERNS)


def numbers(default: float, low: float = -math.inf, high: float = math.inf) -> Parameter[tuple[float, ...]]:
    """A list of numbers, or a text of them with commas between."""
    one = _bounded(_number, low, high, False)

    def read(given: Any) -> tuple[float, ...]:
        return tuple(one(part) for part in _parts(given))

    return Parameter(
        (default,), read, _expected("a list of numbers, or numbers with commas between them,", low, high, False)
    )


def _bounded(read: Callable[[Any], T], low: float, high: float, open_ends: bool) -> Callable[[Any], T]:
    def bounded(given: Any) -> T:
        value: Any = read(given)
        if not _within(value, low, high, open_ends):
            raise ValueError
        found: T = value
        return found

    return bounded


def _expected(what: str, low: float, high: float = math.inf, open_ends: bool = False) -> str:
    if math.isinf(low) and math.isinf(high):
        return what
    if math.isinf(high):
        return f"{what} {'above' if open_ends else 'from'} {low:g}"
    return f"{what} {'between' if open_ends else 'from'} {low:g} {'and' if open_ends else 'to'} {high:g}"


def _filled(given: Any) -> str:
    if not isinstance(given, str) or not given.strip():
        raise ValueError
    return given


def _parts(given: Any) -> Sequence[Any]:
    """The elements of a list, or of a text with commas, without what is empty. Raises ValueError if none is left."""
    if isinstance(given, str):
        given = [part.strip() for part in given.split(",") if part.strip()]
    elif not isinstance(given, list | tuple):
        given = [given]
    if not given:
        raise ValueError
    found: Sequence[Any] = given
    return found


def _texts(given: Any) -> Texts:
    return tuple(_filled(part) for part in _parts(given))


def _patterns(given: Any) -> Texts:
    found = _texts(given)
    for pattern in found:
        re.compile(pattern)
    return found
