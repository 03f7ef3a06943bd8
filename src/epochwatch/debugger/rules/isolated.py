"""Rules of a user's file in a process of their own, which has only so much time and memory.

The parent gives the task as JSON on standard input and gets the answer as JSON from standard output; what the rules
print goes to standard error.
"""

import inspect
import json
import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from epochwatch.debugger.create import create_trial
from epochwatch.debugger.exceptions import SMDebugError, SMDebugRuntimeError, SMDebugValueError
from epochwatch.debugger.rule import Rule
from epochwatch.debugger.rules.finding import Finding
from epochwatch.debugger.rules.limits import limit
from epochwatch.debugger.rules.offline import Choice, findings_of, made_of
from epochwatch.debugger.rules.stream import StreamRule
from epochwatch.debugger.rules.user_file import loaded

_MODULE: Final = "epochwatch_rules_of_a_file"
_LAST_WORDS: Final = 500


def run_isolated(
    trial: str, file: Path, choices: Sequence[Choice] = (), *, seconds: float = 600, megabytes: int = 4096
) -> list[Finding]:
    """What the rules of a file find in a trial: those of ``choices``, or all. Raises SMDebugRuntimeError when the
    process fails or is ended by a limit, SMDebugValueError for a rule or a parameter that there is not.
    """
    task = {"trial": trial, "file": str(file), "choices": choices, "seconds": seconds, "megabytes": megabytes}
    try:
        done = subprocess.run(
            [sys.executable, "-m", __name__],
            input=json.dumps(task),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SMDebugRuntimeError(f"the rules of {file} took longer than {seconds:g} s") from error
    try:
        answer = json.loads(done.stdout)
    except ValueError as error:
        said = done.stderr.strip()[-_LAST_WORDS:]
        raise SMDebugRuntimeError(f"the rules of {file} ended with status {done.returncode}: {said}") from error
    if "refused" in answer:
        raise SMDebugValueError(answer["refused"])
    return [Finding(**{**one, "tensors": tuple(one["tensors"])}) for one in answer["found"]]


def main() -> None:
    """The process: see above."""
    task: dict[str, Any] = json.load(sys.stdin)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    limit(resource.RLIMIT_CPU, int(task["seconds"]) + 1)
    limit(resource.RLIMIT_AS, task["megabytes"] << 20)
    limit(resource.RLIMIT_CORE, 0)
    try:
        found = _rules_in(Path(task["file"]))
        trial = create_trial(task["trial"])
        choices = [Choice(*one) for one in task["choices"]] or [Choice(name, {}) for name in found]
        answer: dict[str, Any] = {
            "found": [one.to_json() for one in findings_of(made_of(found, choices, trial), trial)]
        }
    except SMDebugError as error:
        answer = {"refused": str(error)}
    json.dump(answer, answers)
    answers.close()


def _rules_in(file: Path) -> dict[str, type[Any]]:
    """The rules that a file defines itself, by name."""
    return {
        name: one
        for name, one in vars(loaded(file, _MODULE)).items()
        if inspect.isclass(one)
        and issubclass(one, Rule | StreamRule)
        and one.__module__ == _MODULE
        and not inspect.isabstract(one)
    }


if __name__ == "__main__":
    main()
