"""Runs rules over what a trial has now: our own, SageMaker's, and those of a user's file."""

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from epochwatch.debugger.exceptions import SMDebugValueError
from epochwatch.debugger.rule import Rule, conditions_met
from epochwatch.debugger.rules.finding import Finding
from epochwatch.debugger.rules.own import DEFAULT_RULES
from epochwatch.debugger.rules.stream import StreamRule
from epochwatch.debugger.rules.user_file import made_rule
from epochwatch.debugger.trial import Trial

SAGEMAKER: Final = "sagemaker:"
"""Before a name: SageMaker's rule, where ours has the same."""
OWN_RULES: Final[Mapping[str, type[StreamRule]]] = {rule.name: rule for rule in DEFAULT_RULES}


class Choice(NamedTuple):
    """A rule asked for, with parameters as texts."""

    name: str
    parameters: Mapping[str, str]

    @classmethod
    def parse(cls, text: str) -> "Choice":
        """Of ``NAME`` or ``NAME=param=value,param=value``. Raises SMDebugValueError."""
        name, _, rest = text.partition("=")
        parameters = {}
        for pair in re.split(r",(?=\w+=)", rest) if rest else ():
            key, equals, value = pair.partition("=")
            if not (key and equals):
                raise SMDebugValueError(
                    f"{text!r}: expected NAME=param=value, and a comma before the next parameter"
                )
            parameters[key] = value
        return cls(name, parameters)


def own_rule(rule: type[StreamRule], parameters: Mapping[str, str]) -> Callable[[], StreamRule]:
    """What makes the rule with these parameters. Raises SMDebugValueError for one it has not, or a value that is no
    number of its kind.
    """
    fields: Mapping[str, dataclasses.Field[Any]] = getattr(rule, "__dataclass_fields__", {})
    known: dict[str, Any] = {name: field.default for name, field in fields.items() if field.init}
    given: dict[str, Any] = {}
    for name, text in parameters.items():
        if name not in known:
            raise SMDebugValueError(
                f"{rule.name} has no parameter {name!r}: it takes {', '.join(known) or 'no parameters'}"
            )
        kind = type(known[name])
        try:
            given[name] = kind(text)
        except ValueError as error:
            raise SMDebugValueError(
                f"{rule.name}: {name} must be of type {kind.__name__}, not {text!r}"
            ) from error
    return partial(rule, **given)


def run_over(rule: Rule) -> Finding | None:
    """A rule in smdebug's way over each step that is there; None if its condition was never met."""
    met = [condition.step for condition in conditions_met(rule, live=False)]
    if not met:
        return None
    evidence = f"its condition is met at {len(met)} step{'s' if len(met) > 1 else ''}, first at step {met[0]}"
    details: Any = rule.report.get("Details")
    violations = details.get("violations") if isinstance(details, Mapping) else None
    if violations:
        evidence += f": {violations[0]['tensor']} {violations[0]['message']}".replace("  ", " ")
    return Finding(rule.rule_name, "problem", met[0], met[0], evidence, "", "", 1.0)


def made_of(found: Mapping[str, type[Any]], choices: Iterable[Choice], trial: Trial) -> list[Rule | StreamRule]:
    """Rules of a user's file. Raises SMDebugValueError for one that it has not, and what ``made_rule`` does."""
    made: list[Rule | StreamRule] = []
    for name, parameters in choices:
        rule = found.get(name)
        if rule is None:
            raise SMDebugValueError(f"there is no rule {name!r}: one of {', '.join(found) or 'none'} is expected")
        if issubclass(rule, StreamRule):
            made.append(own_rule(rule, parameters)())
        else:
            made.append(made_rule(rule, trial, _numbers(parameters)))
    return made


def _numbers(parameters: Mapping[str, str]) -> dict[str, Any]:
    """Numbers as numbers, for a rule of smdebug's kind says nothing of types."""

    def value(text: str) -> Any:
        for kind in (int, float):
            try:
                return kind(text)
            except ValueError:
                continue
        return text

    return {name: value(text) for name, text in parameters.items()}


def findings_of(rules: Sequence[Rule | StreamRule], trial: Trial) -> list[Finding]:
    """What some rules find in a trial as far as it is written."""
    from epochwatch.debugger.rules.follow import follow

    streaming = [rule for rule in rules if isinstance(rule, StreamRule)]
    found: list[Finding] = []
    if streaming:
        for step in follow(trial, live=False):
            for rule in streaming:
                found += rule.see(step)
        for rule in streaming:
            found += rule.end()
    for one in rules:
        if isinstance(one, Rule):
            finding = run_over(one)
            found += [] if finding is None else [finding]
    return found
