"""Named groups of a definition that tell its values apart: ``layer=(?P<layer>\\w+) norm=(?P<value>\\S+)``.

Only a definition whose value is named makes dimensions. Of any other the value is the first group, whatever groups are
called, as in SageMaker.
"""

from collections.abc import Mapping, Sequence

from epochwatch.model.metric import Dimensions
from epochwatch.model.run_series import LONGEST_DIMENSION, MOST_COMBINATIONS, MOST_DIMENSIONS, OWN_DIMENSION

VALUE_GROUPS = ("value", "values")
PLACE_GROUPS = ("step", "epoch", "scale")


def dimension_groups(names: Mapping[str, int]) -> dict[str, int]:
    """The groups that become dimensions, by name in order; ``names`` are all named groups by name."""
    if not any(group in names for group in VALUE_GROUPS):
        return {}
    return {name: names[name] for name in sorted(names) if name not in (*VALUE_GROUPS, *PLACE_GROUPS)}


def problem(names: Mapping[str, int]) -> str:
    """Why named groups can be no dimensions; empty if they can."""
    groups = dimension_groups(names)
    if len(groups) > MOST_DIMENSIONS:
        return f"has {len(groups)} groups that become dimensions; a metric has at most {MOST_DIMENSIONS}"
    if OWN_DIMENSION in groups:
        return f"has a group called {OWN_DIMENSION}, which is a dimension of every training metric already"
    unwritable = next((name for name in groups if not name.isascii()), None)
    return f"has a group called {unwritable}: the names of dimensions are ASCII" if unwritable else ""


def dimensions(names: Sequence[str], captured: Sequence[bytes | None]) -> Dimensions:
    """The dimensions that groups of these names say by what they captured. One that took no part in the match, or
    captured blanks, is left out; what is longer than a dimension's value is cut.
    """
    pairs = []
    for name, text in zip(names, captured, strict=True):
        value = " ".join(text.decode("utf-8", "replace").split())[:LONGEST_DIMENSION] if text else ""
        if value:
            pairs.append((name, value))
    return tuple(pairs)


class Combinations:
    """Which dimensions the values of one definition have had: so many, and no more."""

    def __init__(self) -> None:
        self._seen: dict[Dimensions, None] = {}

    def admits(self, combination: Dimensions) -> bool:
        """Whether a value with these dimensions is kept."""
        if combination in self._seen:
            return True
        if len(self._seen) >= MOST_COMBINATIONS:
            return False
        self._seen[combination] = None
        return True

    def state(self) -> list[list[list[str]]]:
        """What was seen; JSON-able."""
        return [[list(pair) for pair in combination] for combination in self._seen]

    @classmethod
    def restored(cls, state: list[list[list[str]]]) -> "Combinations":
        """Those whose ``state`` was taken."""
        made = cls()
        for combination in state:
            made.admits(tuple((name, value) for name, value in combination))
        return made
