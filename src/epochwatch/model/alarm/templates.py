"""Alarms that every training job gets: ``loss-nan; gpu-idle; slow: throughput falling by 20% every 10m``.

A template is a name and a phrase. In its phrase ``loss`` and ``throughput`` stand for what the job calls so, ``any``
for its loss or else for any metric of its.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

from epochwatch.model.alarm.phrase import InvalidPhrase, Phrase
from epochwatch.model.alarm.phrase import parse as parse_phrase

BUILT_IN: Final = {
    "no-data": "any is missing for 10m",
    "loss-nan": "loss is NaN",
    "loss-rising": "loss rising by 20% every 10m",
    "gpu-idle": "GPUUtilization < 5% for 10m",
    "disk-full": "DiskUtilization > 95% for 3",
    "host-lost": "CPUUtilization is missing for 5m",
    "throughput-drop": "throughput falling by 33% every 10m",
}
"""The phrases of templates that are named without one."""
ALL: Final = "all"
"""Stands for all of them."""
STOP_JOB: Final = "stop-job"
"""The action that stops the job."""

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,40}\Z", re.ASCII)
_ACTION: Final = re.compile(r"arn:[^:\s]+:[^:\s]+:[^:\s]*:[^:\s]*:\S+\Z", re.ASCII)
_WORDS: Final = re.compile(r"[a-z]+|[A-Z][a-z]*")
_VALIDATION: Final = frozenset({"val", "valid", "validation", "eval", "evaluation", "test", "dev"})
_RATE: Final = re.compile(
    r"throughput|(?:samples?|tokens?|examples?|images?|sequences?|items?|it|iters?|iterations?|steps?|batch(?:es)?)"
    r"[\s_.-]*(?:/|per)[\s_.-]*s(?:ec(?:onds?)?)?\Z"
)


class InvalidTemplate(ValueError):
    """The text names no templates or actions; the message says what is wrong with which."""


@dataclass(frozen=True, slots=True)
class Template:
    """An alarm that every job gets."""

    name: str
    phrase: Phrase

    def metric_of(self, names: Collection[str], *, settled: bool) -> str | None:
        """Which of a job's metrics this is about; None while there is none. Before the job is ``settled`` the one that
        suits best may still be on its way.
        """
        wanted = self.phrase.metric
        if wanted in names:
            return wanted
        match wanted:
            case "loss":
                return _loss(names, settled=settled)
            case "throughput":
                return min((name for name in names if _RATE.search(name.lower())), key=_shortest, default=None)
            case "any":
                return _loss(names, settled=settled) or (min(names, key=_shortest) if names and settled else None)
        return None

    def about(self, metric: str) -> Phrase:
        """The phrase about one of the job's metrics."""
        return replace(self.phrase, metric=metric)


def parse(text: str) -> list[Template]:
    """The templates in a text. Raises InvalidTemplate."""
    found: dict[str, Template] = {}
    for entry in filter(None, map(str.strip, text.split(";"))):
        name, colon, phrase = (part.strip() for part in entry.partition(": "))
        if entry == ALL:
            found |= {built_in: _template(built_in, usual) for built_in, usual in BUILT_IN.items()}
        elif not colon and name not in BUILT_IN:
            raise InvalidTemplate(f"there is no template '{name}'; known are {', '.join((*BUILT_IN, ALL))}")
        elif not _NAME.match(name):
            raise InvalidTemplate(f"'{name}' is no name of a template: letters, digits and hyphens")
        else:
            found[name] = _template(name, phrase or BUILT_IN.get(name, ""))
    return list(found.values())


def parse_actions(text: str) -> list[str]:
    """The actions of templates' alarms: ARNs and ``stop-job``, with commas between them. Raises InvalidTemplate."""
    actions = [action for action in map(str.strip, text.split(",")) if action]
    for action in actions:
        if action != STOP_JOB and not _ACTION.match(action):
            raise InvalidTemplate(f"'{action}' is no action: an ARN or {STOP_JOB}")
    return actions


def _template(name: str, phrase: str) -> Template:
    try:
        return Template(name, parse_phrase(phrase))
    except InvalidPhrase as error:
        raise InvalidTemplate(f"{name}: {error}") from error


def _loss(names: Collection[str], *, settled: bool) -> str | None:
    """The training's loss; that of a validation where there is no other."""
    losses = [name for name in names if name.lower().endswith("loss") or "loss" in _words(name)]
    training = [name for name in losses if not _VALIDATION & _words(name)]
    return min(training or (losses if settled else []), key=_plainest, default=None)


def _plainest(name: str) -> tuple[bool, int, str]:
    """``train_loss`` before ``loss_scale``."""
    return not name.lower().endswith("loss"), *_shortest(name)


def _words(name: str) -> set[str]:
    return {word.lower() for word in _WORDS.findall(name)}


def _shortest(name: str) -> tuple[int, str]:
    return len(name), name
