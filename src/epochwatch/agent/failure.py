"""Why a training failed, as SageMaker words it: what its last lines tell."""

import re
import shlex
from collections import deque
from collections.abc import Iterable, Sequence

from epochwatch.extraction.lines import strip_controls
from epochwatch.extraction.records import last_traceback, shortened

LONGEST_REASON = 1024
"""Characters, as in SageMaker."""
_REMEMBERED = 400
"""Lines of each output: a stack trace of the deepest recursion has a few dozen, but others may be printed at once."""
_TAIL_LINES = 50
_LONGEST_COMMAND = 200
_ERROR = re.compile(r"error|exception|fatal|killed|abort|segmentation|out of memory|panic", re.IGNORECASE)


class LastLines:
    """The last lines of each output of a run."""

    def __init__(self) -> None:
        self._outputs: dict[str, deque[str]] = {}

    def add(self, output: str, messages: Sequence[str]) -> None:
        """More lines of an output."""
        self._outputs.setdefault(output, deque(maxlen=_REMEMBERED)).extend(messages[-_REMEMBERED:])

    def reason(self, exit_code: int, command: Sequence[str]) -> str:
        """The failure reason of a run that ended with ``exit_code``."""
        ending = f", exit code: {exit_code}"
        if command:
            ending = f'\nCommand "{shlex.join(command)[:_LONGEST_COMMAND]}"{ending}'
        opening = f"AlgorithmError: ExecuteUserScriptError:\nExitCode {exit_code}"
        message = self._message(LONGEST_REASON - len(opening) - len(ending) - len('\nErrorMessage ""'))
        return f'{opening}\nErrorMessage "{message}"{ending}' if message else f"{opening}{ending}"

    def _message(self, most: int) -> str:
        """The last stack trace; without one the last line that speaks of an error, else the last line."""
        outputs = [[_plain(line) for line in lines] for lines in self._outputs.values()]
        for lines in reversed(outputs):
            trace = last_traceback(lines)
            if trace:
                return shortened(trace, most)
        return _telling(line for lines in outputs for line in lines[-_TAIL_LINES:])[:most]


def _plain(line: str) -> str:
    """Without colours."""
    return strip_controls(line.encode()).decode() if "\x1b" in line else line


def _telling(lines: Iterable[str]) -> str:
    printed = [line.strip() for line in lines if line.strip()]
    errors = [line for line in printed if _ERROR.search(line)]
    return (errors or printed or [""])[-1]
