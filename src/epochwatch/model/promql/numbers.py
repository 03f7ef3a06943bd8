"""Numbers as Prometheus writes them."""

import math
from decimal import Decimal


def decimal(value: float) -> str:
    """The shortest digits that stand for the value, never with an exponent."""
    text = _special(value) or repr(value)
    if "e" in text:
        text = format(Decimal(text), "f")
    return text.removesuffix(".0")


def sample_text(value: float) -> str:
    """A sample's value in an answer: very large and very small ones have an exponent."""
    if value != 0 and not 1e-6 <= abs(value) < 1e21 and math.isfinite(value):
        return repr(value)
    return decimal(value)


def _special(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return ""
