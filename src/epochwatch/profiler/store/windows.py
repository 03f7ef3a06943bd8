"""What is told of a window beside its trace."""

import json
import math

from epochwatch.profiler.profile import Window


def window_in(content: bytes) -> Window:
    """The window that a file in JSON tells of. Raises ValueError for what is none."""
    try:
        found = json.loads(content)
        first, last = (int(moment) for moment in found["span"])
        cost = math.nan if found["cost"] is None else float(found["cost"])
        return Window(
            str(found["node"]),
            int(found["rank"]),
            int(found["first_step"]),
            int(found["last_step"]),
            (first, last),
            cost,
            str(found["path"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"this tells of no window: {error}") from error
