"""What the script of a report's page draws."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Figures:
    """What the page's script draws, in the order of their numbers."""

    shown: list[dict[str, Any]] = field(default_factory=list)

    def add(self, **figure: Any) -> int:
        """Returns the figure's number."""
        self.shown.append(figure)
        return len(self.shown) - 1
