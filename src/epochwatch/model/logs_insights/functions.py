"""The functions of Logs Insights and how many arguments each takes."""

from typing import Final, NamedTuple


class Signature(NamedTuple):
    """How a function is written. ``most`` arguments; None: any number."""

    name: str
    least: int
    most: int | None
    aggregate: bool = False
    """Sums up many rows: for ``stats``."""


_SIGNATURES: Final = (
    Signature("abs", 1, 1),
    Signature("ceil", 1, 1),
    Signature("floor", 1, 1),
    Signature("greatest", 1, None),
    Signature("least", 1, None),
    Signature("log", 1, 1),
    Signature("sqrt", 1, 1),
    Signature("bin", 1, 1),
    Signature("datefloor", 2, 2),
    Signature("dateceil", 2, 2),
    Signature("fromMillis", 1, 1),
    Signature("toMillis", 1, 1),
    Signature("now", 0, 0),
    Signature("ispresent", 1, 1),
    Signature("coalesce", 1, None),
    Signature("isempty", 1, 1),
    Signature("isblank", 1, 1),
    Signature("concat", 1, None),
    Signature("ltrim", 1, 2),
    Signature("rtrim", 1, 2),
    Signature("trim", 1, 2),
    Signature("strlen", 1, 1),
    Signature("toupper", 1, 1),
    Signature("tolower", 1, 1),
    Signature("substr", 2, 3),
    Signature("replace", 3, 3),
    Signature("strcontains", 2, 2),
    Signature("isValidIp", 1, 1),
    Signature("isValidIpV4", 1, 1),
    Signature("isValidIpV6", 1, 1),
    Signature("isIpInSubnet", 2, 2),
    Signature("isIpv4InSubnet", 2, 2),
    Signature("isIpv6InSubnet", 2, 2),
    Signature("count", 0, 1, True),
    Signature("count_distinct", 1, 1, True),
    Signature("sum", 1, 1, True),
    Signature("avg", 1, 1, True),
    Signature("min", 1, 1, True),
    Signature("max", 1, 1, True),
    Signature("pct", 2, 2, True),
    Signature("stddev", 1, 1, True),
    Signature("earliest", 1, 1, True),
    Signature("latest", 1, 1, True),
    Signature("sortsFirst", 1, 1, True),
    Signature("sortsLast", 1, 1, True),
)
FUNCTIONS: Final = {signature.name.lower(): signature for signature in _SIGNATURES}
"""By the name in lower case: in a query it may be written in any."""

_UNITS: Final = {
    "ms": ("millisecond", "ms", "msec"),
    "s": ("second", "s", "sec"),
    "m": ("minute", "m", "min"),
    "h": ("hour", "h", "hr"),
    "d": ("day", "d"),
    "w": ("week", "w"),
    "mo": ("month", "mo", "mon"),
    "q": ("quarter", "q", "qtr"),
    "y": ("year", "y", "yr"),
}
UNITS: Final = {
    written: unit
    for unit, names in _UNITS.items()
    for name in names
    for written in ((name, f"{name}s") if len(name) > 1 else (name,))
}
"""The short name of each unit of time by every way to write it."""
