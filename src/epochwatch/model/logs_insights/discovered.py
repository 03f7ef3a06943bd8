"""The fields of a log event that is a JSON object, by the names that queries call them."""

import json
from collections.abc import Iterator
from typing import Any, Final, NoReturn

MOST_FIELDS: Final = 200
"""Further ones of an event are not discovered."""


class _Digits(str):
    """A number as JSON has it."""


def discovered_fields(message: str) -> dict[str, str]:
    """Names and values: members of members and of lists with dots between (``user.name``, ``items.0``), one more ``@``
    in front of a name that begins with one; numbers as they are written, true and false as 1 and 0. What is null or
    empty is left out.
    """
    if not message.lstrip().startswith("{"):
        return {}
    try:
        document = json.loads(message, parse_int=_Digits, parse_float=_Digits, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return {}
    found: dict[str, str] = {}
    for name, value in _leaves(document):
        if len(found) == MOST_FIELDS:
            break
        found.setdefault(f"@{name}" if name.startswith("@") else name, value)
    return found


def _leaves(document: Any) -> Iterator[tuple[str, str]]:
    """Names and values in the order of the document, without recursion: it may be nested deep."""
    waiting: list[tuple[str, Any]] = [("", document)]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, dict):
            members = [(str(key), member) for key, member in value.items()]
        elif isinstance(value, list):
            members = [(str(index), member) for index, member in enumerate(value)]
        else:
            if value is not None and value != "":
                yield name, str(int(value)) if isinstance(value, bool) else value
            continue
        waiting.extend((f"{name}.{key}" if name else key, member) for key, member in reversed(members))


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
