"""What the file of a window of Python's functions is called: nothing else tells of it. Needs nothing but Python."""

import re
from typing import Final, NamedTuple

_NAME: Final = re.compile(r"(.+)-(\d+)-(\d{9,})-(\d{9,})-(\d+)-(\d+)-([a-z]+)\.pstats")


class PythonWindow(NamedTuple):
    """Of one process."""

    node: str
    number: int
    """The process's rank, or its id where it has none."""
    first_step: int
    last_step: int
    start: int
    """Unix microseconds, as ``end``."""
    end: int
    framework: str
    """As ``import`` calls it; ``python`` where none was seen."""

    @property
    def file_name(self) -> str:
        """Of its ``pstats``."""
        steps = f"{self.first_step:09d}-{self.last_step:09d}"
        return f"{self.node}-{self.number}-{steps}-{self.start}-{self.end}-{self.framework}.pstats"


def python_window(name: str) -> PythonWindow | None:
    """The window of a file; None where that is of none."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    number, first, last, start, end = (int(text) for text in found.groups()[1:6])
    return PythonWindow(found[1], number, first, last, start, end, found[7])
