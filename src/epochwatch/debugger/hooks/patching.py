"""Functions of a framework that are replaced while a hook is at work, and put back as they were."""

import functools
from collections.abc import Callable
from typing import Any


class Patches:
    """What was replaced. ``made`` is given the original and returns what takes its place."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []

    def wrap(self, owner: Any, name: str, made: Callable[[Any], Any], *others: Any) -> None:
        """Replace a function of a module or class, also in other modules that have the same one under its name. One
        that this version of the framework lacks is left out.
        """
        original = getattr(owner, name, None)
        if original is None:
            return
        replacement = functools.wraps(original)(made(original))
        for one in (owner, *(other for other in others if getattr(other, name, None) is original)):
            own = name in vars(one)
            setattr(one, name, replacement)
            self.on_undo(
                functools.partial(setattr, one, name, original) if own else functools.partial(delattr, one, name)
            )

    def on_undo(self, step: Callable[[], None]) -> None:
        """Something else to be done when everything is put back."""
        self._undo.append(step)

    def undo(self) -> None:
        """Put everything back, the last first."""
        while self._undo:
            self._undo.pop()()
