"""The colours of what is no data."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours as ``#rrggbb``."""

    background: str
    text: str
    faint: str
    """Text of less weight: marks of the axes."""
    grid: str
    axis: str
    annotation: str
    """A line that names no colour."""
    warning: str


LIGHT: Final = Theme("#ffffff", "#16191f", "#545b64", "#eaeded", "#aab7b8", "#7f7f7f", "#ff9900")
DARK: Final = Theme("#16191f", "#eaeded", "#95a5a6", "#2a2e33", "#545b64", "#aab7b8", "#ff9900")
THEMES: Final = {"light": LIGHT, "dark": DARK}
