"""What is wrong with a training: the findings of many rules, root causes first, each with what follows from it."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from epochwatch.debugger.rules.finding import Finding
from epochwatch.debugger.rules.own import DEFAULT_RULES
from epochwatch.debugger.rules.stream import StepStatistics, StreamRule
from epochwatch.debugger.trial import Trial

_LOG = logging.getLogger(__name__)
_SLACK_STEPS: Final = 50
"""A cause is not always seen before what it leads to: a rule needs some steps."""


@dataclass(frozen=True)
class Diagnosed:
    """A finding that explains itself, the findings that follow from it, and how often its rule has fired."""

    finding: Finding
    consequences: tuple[Finding, ...] = ()
    times: int = 1


@dataclass(frozen=True)
class Diagnosis:
    """Root causes, the most important first; ``steps`` is how many steps were seen, ``last_step`` the last."""

    causes: tuple[Diagnosed, ...]
    steps: int
    last_step: int | None

    @property
    def problems(self) -> tuple[Diagnosed, ...]:
        """Those that are faults, not remarks."""
        return tuple(cause for cause in self.causes if cause.finding.kind == "problem")

    def to_json(self) -> dict[str, Any]:
        """The same as JSON has it."""
        causes = [
            {
                **cause.finding.to_json(),
                "times": cause.times,
                "consequences": [one.to_json() for one in cause.consequences],
            }
            for cause in self.causes
        ]
        return {"steps": self.steps, "last_step": self.last_step, "findings": causes}


class Diagnoser:
    """Runs rules over a stream as it comes. ``rules`` make a rule each: a class, or anything that gives one."""

    def __init__(self, rules: Iterable[Callable[[], StreamRule]] = DEFAULT_RULES) -> None:
        self._makers = tuple(rules)
        self._by_worker: dict[str, list[StreamRule]] = {}
        self._over_workers = [rule for rule in (make() for make in self._makers) if rule.compares_workers]
        self._found: dict[tuple[str, str], Finding] = {}
        self._times: dict[tuple[str, str], int] = {}
        self._classes: dict[str, type[StreamRule]] = {}
        self._steps = 0
        self._last_step: int | None = None
        self._failed: list[StreamRule] = []

    def see(self, step: StepStatistics) -> list[Finding]:
        """What is found at the next step of a worker; of a rule that fires again it is nothing new."""
        if step.step != self._last_step:
            self._steps, self._last_step = self._steps + 1, step.step
        rules = self._by_worker.get(step.worker)
        if rules is None:
            made = [make() for make in self._makers]
            rules = self._by_worker[step.worker] = [rule for rule in made if not rule.compares_workers]
        return self._ask([*rules, *self._over_workers], lambda rule: rule.see(step))

    def idle(self, now: float | None = None) -> list[Finding]:
        """What is found as nothing comes."""
        moment = time.time() if now is None else now
        return self._ask(self._all(), lambda rule: rule.idle(moment))

    def end(self) -> list[Finding]:
        """What is found as the training is over."""
        return self._ask(self._all(), lambda rule: rule.end())

    def _all(self) -> list[StreamRule]:
        return [*(rule for rules in self._by_worker.values() for rule in rules), *self._over_workers]

    def _ask(
        self, rules: Sequence[StreamRule], question: Callable[[StreamRule], Iterable[Finding]]
    ) -> list[Finding]:
        """The findings that are new. A rule that fails is asked no more; the others go on."""
        news = []
        for rule in rules:
            if any(rule is failed for failed in self._failed):
                continue
            try:
                findings = list(question(rule))
            except Exception:  # noqa: BLE001 - one rule's fault is not the others'
                _LOG.exception("the rule %s failed and is left out", rule.name)
                self._failed.append(rule)
                continue
            for one in findings:
                self._classes[one.rule] = type(rule)
                key = one.rule, one.kind
                self._times[key] = self._times.get(key, 0) + 1
                if key not in self._found:
                    self._found[key] = one
                    news.append(one)
        return news

    def diagnosis(self) -> Diagnosis:
        """What is known up to now."""
        found = self._found.values()
        faults = {one.rule for one in found if one.kind == "problem"}
        firsts = [one for one in found if one.kind == "problem" or one.rule not in faults]
        leads_to = {name: rule.leads_to for name, rule in self._classes.items()}
        causes = [
            Diagnosed(cause, tuple(consequences), self._times[cause.rule, cause.kind])
            for cause, consequences in explained(firsts, leads_to)
        ]
        return Diagnosis(tuple(causes), self._steps, self._last_step)


def explained(
    findings: Sequence[Finding], leads_to: Mapping[str, frozenset[str]]
) -> list[tuple[Finding, list[Finding]]]:
    """The findings that none of the others explains, with what follows from each, the most important first. One
    explains another that its rule leads to and that did not begin long before; a remark explains no problem.
    """

    def explains(cause: Finding, effect: Finding) -> bool:
        return (
            effect.rule in leads_to.get(cause.rule, frozenset())
            and cause.began <= effect.began + _SLACK_STEPS
            and not (cause.kind == "information" and effect.kind == "problem")
        )

    order = sorted(findings, key=lambda one: (one.began, one.step))
    effects: dict[int, list[int]] = {}
    explained_ones: set[int] = set()
    for place, one in enumerate(order):
        for other, effect in enumerate(order):
            mutual = explains(effect, one)
            if place != other and explains(one, effect) and (not mutual or place < other):
                effects.setdefault(place, []).append(other)
                explained_ones.add(other)
    roots = [place for place in range(len(order)) if place not in explained_ones]
    reached = {place: _reached(place, effects) for place in roots}
    for place in range(len(order)):  # a ring of findings has no first one: take the earliest
        if place not in reached and not any(place in others for others in reached.values()):
            reached[place] = _reached(place, effects)
    groups = [(order[place], [order[number] for number in others]) for place, others in reached.items()]
    return sorted(groups, key=_importance)


def _importance(group: tuple[Finding, list[Finding]]) -> tuple[bool, float, int]:
    cause, consequences = group
    return cause.kind != "problem", -cause.confidence * (1 + len(consequences)), cause.began


def _reached(start: int, effects: Mapping[int, Sequence[int]]) -> list[int]:
    """What follows, directly or not, in the order of time."""
    reached: set[int] = set()
    waiting = [start]
    while waiting:
        for number in effects.get(waiting.pop(), ()):
            if number not in reached and number != start:
                reached.add(number)
                waiting.append(number)
    return sorted(reached)


def diagnose(
    trial: Trial | Iterable[StepStatistics], rules: Iterable[Callable[[], StreamRule]] = DEFAULT_RULES
) -> Diagnosis:
    """What the rules find in a stream, or in a trial as far as it is written."""
    stream: Iterable[StepStatistics]
    if isinstance(trial, Trial):
        from epochwatch.debugger.rules.follow import follow

        stream = follow(trial, live=False)
    else:
        stream = trial
    diagnoser = Diagnoser(rules)
    for step in stream:
        diagnoser.see(step)
    diagnoser.end()
    return diagnoser.diagnosis()
