"""What is wrong with a training by the tensors it saved, as its agent tells it and its record keeps it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

import msgspec
from msgspec.structs import replace

DIAGNOSIS: Final = "EpochwatchDiagnosis"
"""RuleConfigurationName of the diagnosis among the rules of a job."""
LONGEST_DETAILS: Final = 1024
"""Characters of StatusDetails."""
LONGEST_AFTERWARDS_SECONDS: Final = 60.0
"""How much longer than the training it may take."""
MOST_POINTS: Final = 200
"""Of a curve beside a finding."""
_MOST_FINDINGS: Final = 50
_MOST_CURVES: Final = 4
_MOST_TENSORS: Final = 10
_LONGEST_TEXT: Final = 1000

EvaluationStatus = Literal["InProgress", "NoIssuesFound", "IssuesFound", "Error"]
Points = list[tuple[int, float | None]]
"""(global step, value), ascending; None where the value is not finite."""


class Found(msgspec.Struct):
    """A finding of a rule. The members are those of ``epochwatch.debugger.rules.finding``."""

    rule: str
    kind: str
    step: int
    began: int
    evidence: str
    cause: str = ""
    remedy: str = ""
    confidence: float = 1.0
    tensors: list[str] = []
    series: dict[str, Points] = {}


class Cause(Found):
    """A finding that explains itself, what follows from it, and how often its rule has fired."""

    times: int = 1
    consequences: list[Found] = []


_Found = TypeVar("_Found", bound=Found)


class Diagnosis(msgspec.Struct):
    """What is known up to a step: the causes, the most important first."""

    steps: int = 0
    """How many were looked at."""
    last_step: int | None = None
    findings: list[Cause] = []
    ended: bool = False
    """Whether nothing more is looked at."""
    failure: str = ""
    """Why nothing more could be looked at; empty if all was."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How a diagnosis stands, as SageMaker says it of a rule."""

    status: EvaluationStatus
    details: str
    changed: float
    """Unix seconds."""


def of_json(found: dict[str, Any]) -> Diagnosis:
    """What rules found, from the JSON they tell it in, cut to what a record holds."""
    return cut(msgspec.convert(found, Diagnosis))


def cut(diagnosis: Diagnosis) -> Diagnosis:
    """As much of it as a record holds; the same where that is all."""
    findings = [_cut_cause(one) for one in diagnosis.findings[:_MOST_FINDINGS]]
    return replace(diagnosis, findings=findings, failure=diagnosis.failure[:_LONGEST_TEXT])


def evaluated(diagnosis: Diagnosis, before: Evaluation | None, now: float) -> Evaluation:
    """How it stands ``now`` (Unix seconds); the same as ``before`` where that has not changed."""
    status, details = _status(diagnosis)
    if before is not None and (before.status, before.details) == (status, details):
        return before
    return Evaluation(status, details, now)


def _headline(found: Found) -> str:
    """What, since when, and the evidence, in one line."""
    remark = "" if found.kind == "problem" else " (remark)"
    return f"{found.rule}{remark} since step {found.began}: {found.evidence}"


def _status(diagnosis: Diagnosis) -> tuple[EvaluationStatus, str]:
    details = "\n".join(_headline(cause) for cause in diagnosis.findings)[:LONGEST_DETAILS]
    if any(cause.kind == "problem" for cause in diagnosis.findings):
        return "IssuesFound", details
    if diagnosis.failure:
        return "Error", diagnosis.failure[:LONGEST_DETAILS]
    if not diagnosis.ended:
        return "InProgress", details
    return "NoIssuesFound", details if diagnosis.steps else "No step of the training was saved."


def _cut_cause(cause: Cause) -> Cause:
    consequences = [replace(_cut(one), series={}) for one in cause.consequences[:_MOST_FINDINGS]]
    return replace(_cut(cause), consequences=consequences)


def _cut(found: _Found) -> _Found:
    curves = list(found.series.items())[:_MOST_CURVES]
    return replace(
        found,
        evidence=found.evidence[:_LONGEST_TEXT],
        cause=found.cause[:_LONGEST_TEXT],
        remedy=found.remedy[:_LONGEST_TEXT],
        tensors=found.tensors[:_MOST_TENSORS],
        series={name: thinned(points) for name, points in curves},
    )


def thinned(points: Sequence[tuple[int, float | None]], most: int = MOST_POINTS) -> Points:
    """At most so many points: of each stretch the lowest and the highest; one that is not finite is the highest."""
    if len(points) <= most:
        return list(points)
    stretches = most // 2
    kept: Points = []
    for number in range(stretches):
        part = points[number * len(points) // stretches : (number + 1) * len(points) // stretches]
        values = [math.inf if value is None else value for _, value in part]
        places = {values.index(min(values)), values.index(max(values))}
        kept += [part[place] for place in sorted(places)]
    return kept
