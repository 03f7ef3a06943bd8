"""Our own rules: each looks at statistics that a hook takes by default, and keeps silent on a healthy training."""

from typing import Final

from epochwatch.debugger.rules.own.numbers import NonFinite, SkippedSteps
from epochwatch.debugger.rules.stream import StreamRule

DEFAULT_RULES: Final[tuple[type[StreamRule], ...]] = (
    NonFinite,
    SkippedSteps,
)
"""Those that a diagnosis runs."""
