"""Filter policies: which messages a subscription wants."""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any, Final

import re2

ATTRIBUTES: Final = "MessageAttributes"
BODY: Final = "MessageBody"
MOST_KEYS: Final = 5
MOST_COMBINATIONS: Final = 150
MOST_BYTES: Final = 256 * 1024
LARGEST_NUMBER: Final = 1e9
DEEPEST: Final = 20

Policy = Mapping[str, Any]
_Value = str | float | bool | None
_TEXT_TESTS: Final = ("prefix", "suffix", "wildcard", "equals-ignore-case", "cidr")
_RANGE_ENDS: Final = {">": ("<", "<="), ">=": ("<", "<=")}


class InvalidPolicy(Exception):
    """A filter policy that cannot be; the message says why, as SNS words it."""


class NestedPolicy(Exception):
    """A policy on attributes that looks into objects."""


def parse(text: str, scope: str) -> Policy:
    """The policy. Raises InvalidPolicy or NestedPolicy."""
    if len(text.encode()) > MOST_BYTES:
        raise InvalidPolicy("Filter policy is too long")
    try:
        policy = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidPolicy("failed to parse JSON.") from error
    if not isinstance(policy, dict):
        raise InvalidPolicy("Filter policy must be a JSON object")
    combinations = _check_object(policy, scope, 1)
    if len(set(_keys(policy))) > MOST_KEYS:
        raise InvalidPolicy(f"Filter policy can not have more than {MOST_KEYS} keys")
    if combinations > MOST_COMBINATIONS:
        raise InvalidPolicy("Filter policy is too complex")
    return policy


def accepts_attributes(policy: Policy, attributes: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether a message with these attributes (``DataType``, ``StringValue``) is wanted."""
    values = {name: _attribute_values(attribute) for name, attribute in attributes.items()}
    return _accepts(policy, [values])


def accepts_body(policy: Policy, message: str) -> bool:
    """Whether a message with this body is wanted; none that is no JSON object is, but by an empty policy."""
    try:
        body = json.loads(message)
    except (ValueError, RecursionError):
        return not policy
    return _accepts(policy, [body]) if isinstance(body, dict) else not policy


def _keys(policy: Policy) -> Iterator[str]:
    for key, rule in policy.items():
        if key == "$or" and isinstance(rule, list):
            for branch in rule:
                yield from _keys(branch)
        elif isinstance(rule, dict):
            yield from (f"{key}.{inner}" for inner in _keys(rule))
        else:
            yield key


def _check_object(policy: Policy, scope: str, depth: int) -> int:
    """Checks it; in how many ways a message can match."""
    if depth > DEEPEST:
        raise InvalidPolicy("Filter policy is too complex")
    combinations = 1
    for key, rule in policy.items():
        if key == "$or" and isinstance(rule, list):
            if len(rule) < 2 or not all(isinstance(branch, dict) and branch for branch in rule):
                raise InvalidPolicy('"$or" must be an array of at least two objects')
            combinations *= sum(_check_object(branch, scope, depth) for branch in rule)
        elif isinstance(rule, dict):
            if not rule:
                raise InvalidPolicy("Empty objects are not allowed")
            combinations *= _check_object(rule, scope, depth + 1)
            if scope == ATTRIBUTES:
                raise NestedPolicy
        elif isinstance(rule, list):
            if not rule:
                raise InvalidPolicy("Empty arrays are not allowed")
            for condition in rule:
                _check_condition(condition)
            combinations *= len(rule) * depth
        else:
            raise InvalidPolicy(f'"{key}" must be an object or an array')
    return combinations


def _check_condition(condition: Any) -> None:
    if isinstance(condition, dict):
        if len(condition) != 1:
            raise InvalidPolicy("Only one key allowed in match expression")
        [(kind, operand)] = condition.items()
        _check_test(kind, operand)
    elif isinstance(condition, list):
        raise InvalidPolicy("Match value must be String, number, true, false, or null")
    elif _is_number(condition):
        _check_number(condition)


def _check_test(kind: str, operand: Any) -> None:
    if kind == "numeric":
        _check_numeric(operand)
    elif kind == "exists":
        if not isinstance(operand, bool):
            raise InvalidPolicy("exists match pattern must be either true or false.")
    elif kind == "anything-but":
        _check_anything_but(operand)
    elif kind not in _TEXT_TESTS:
        raise InvalidPolicy(f"Unrecognized match type {kind}")
    else:
        _check_text_test(kind, operand)


def _check_text_test(kind: str, operand: Any) -> None:
    if not isinstance(operand, str):
        raise InvalidPolicy(f"{kind} match pattern must be a string")
    if kind in ("prefix", "suffix") and not operand:
        raise InvalidPolicy(f"Null {kind} not allowed")
    if kind == "wildcard" and "**" in operand:
        raise InvalidPolicy("Consecutive wildcard characters are not allowed")
    if kind == "cidr":
        try:
            ip_network(operand, strict=False)
        except ValueError as error:
            raise InvalidPolicy("Malformed CIDR, one '/' required") from error


def _check_anything_but(operand: Any) -> None:
    if isinstance(operand, dict):
        if len(operand) != 1 or next(iter(operand)) not in _TEXT_TESTS:
            raise InvalidPolicy("Unsupported anything-but pattern")
        [(kind, inner)] = operand.items()
        for one in inner if isinstance(inner, list) and inner else [inner]:
            _check_text_test(kind, one)
        return
    values = operand if isinstance(operand, list) else [operand]
    if not values:
        raise InvalidPolicy("Empty arrays are not allowed")
    if not (all(isinstance(one, str) for one in values) or all(_is_number(one) for one in values)):
        raise InvalidPolicy("Inside anything but list, start|null|boolean is not supported.")


def _check_numeric(operand: Any) -> None:
    if not isinstance(operand, list):
        raise InvalidPolicy("Value of numeric must be an array.")
    terms = list(operand)
    first = terms.pop(0) if terms else "]"
    if not isinstance(first, str) or first == "]":
        raise InvalidPolicy(f"Invalid member in numeric match: {first}")
    if first not in ("=", "<", "<=", ">", ">="):
        raise InvalidPolicy(f"Unrecognized numeric range operator: {first}")
    bottom = _taken_number(terms, "equals" if first == "=" else first)
    if not terms:
        return
    if first not in _RANGE_ENDS:
        raise InvalidPolicy("Too many elements in numeric expression")
    second = terms.pop(0)
    if not isinstance(second, str):
        raise InvalidPolicy(f"Bad value in numeric range: {second}")
    if second not in _RANGE_ENDS[first]:
        raise InvalidPolicy(f"Bad numeric range operator: {second}")
    top = _taken_number(terms, second)
    if terms:
        raise InvalidPolicy("Too many terms in numeric range expression")
    if bottom >= top:
        raise InvalidPolicy("Bottom must be less than top")


def _taken_number(terms: list[Any], operator: str) -> float:
    if not terms or not _is_number(terms[0]):
        raise InvalidPolicy(f"Value of {operator} must be numeric")
    return _check_number(terms.pop(0))


def _check_number(number: float) -> float:
    if not math.isfinite(number) or abs(number) > LARGEST_NUMBER:
        raise InvalidPolicy(f"Numeric values must be between -{LARGEST_NUMBER:.0f} and {LARGEST_NUMBER:.0f}")
    return number


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _attribute_values(attribute: Mapping[str, Any]) -> Any:
    """What an attribute holds, as JSON would have it; nothing to be compared where it is binary."""
    kind, text = attribute["DataType"], attribute.get("StringValue", "")
    try:
        if kind == "String.Array":
            return json.loads(text)
        return float(text) if kind.partition(".")[0] == "Number" else text if kind.startswith("String") else []
    except (ValueError, RecursionError):
        return text


def _accepts(policy: Policy, objects: Sequence[Mapping[str, Any]]) -> bool:
    """Whether one of the objects at a place, an array's elements being several, satisfies every key."""
    for key, rule in policy.items():
        if key == "$or" and isinstance(rule, list):
            if not any(_accepts(branch, objects) for branch in rule):
                return False
            continue
        found = [one[key] for one in objects if key in one]
        leaves = list(_leaves(found))
        if isinstance(rule, dict):
            inner = [one for one in leaves if isinstance(one, dict)]
            if not _accepts(rule, inner):
                return False
        elif not any(_holds(condition, leaves, bool(found)) for condition in rule):
            return False
    return True


def _leaves(values: Sequence[Any]) -> Iterator[Any]:
    """The values in lists, however deep these are."""
    waiting = list(reversed(values))
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += reversed(value)
        else:
            yield value


def _holds(condition: Any, leaves: Sequence[Any], present: bool) -> bool:
    if not isinstance(condition, dict):
        return any(_equal(condition, value) for value in leaves)
    [(kind, operand)] = condition.items()
    if kind == "exists":
        return present is operand
    return any(_TESTS[kind](operand, value) for value in leaves if not isinstance(value, dict))


def _equal(wanted: _Value, value: Any) -> bool:
    if _is_number(wanted):
        return _is_number(value) and wanted == value
    return type(wanted) is type(value) and wanted == value


def _anything_but(operand: Any, value: Any) -> bool:
    if isinstance(operand, dict):
        [(kind, inner)] = operand.items()
        patterns = inner if isinstance(inner, list) else [inner]
        return not any(_TESTS[kind](pattern, value) for pattern in patterns)
    return not any(_equal(one, value) for one in (operand if isinstance(operand, list) else [operand]))


def _numeric(operand: Sequence[Any], value: Any) -> bool:
    if not _is_number(value):
        return False
    pairs = zip(operand[::2], operand[1::2], strict=True)
    return all(_COMPARISONS[operator](value, bound) for operator, bound in pairs)


def _on_text(test: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    return lambda operand, value: isinstance(value, str) and test(operand, value)


def _in_network(network: str, address: str) -> bool:
    try:
        return ip_address(address) in ip_network(network, strict=False)
    except ValueError:
        return False


@lru_cache(maxsize=1000)
def _wildcard(pattern: str) -> Any:
    parts = [re2.escape(part) for part in pattern.split("*")]
    return re2.compile("(?s)" + ".*".join(parts))


_COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "=": lambda value, bound: value == bound,
    "<": lambda value, bound: value < bound,
    "<=": lambda value, bound: value <= bound,
    ">": lambda value, bound: value > bound,
    ">=": lambda value, bound: value >= bound,
}
_TESTS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "prefix": _on_text(lambda operand, value: value.startswith(operand)),
    "suffix": _on_text(lambda operand, value: value.endswith(operand)),
    "wildcard": _on_text(lambda operand, value: _wildcard(operand).fullmatch(value) is not None),
    "equals-ignore-case": _on_text(lambda operand, value: operand.casefold() == value.casefold()),
    "cidr": _on_text(_in_network),
    "numeric": _numeric,
    "anything-but": _anything_but,
}
