"""One rule over one trial, step by step, until its condition is met or the training has ended."""

import json
from dataclasses import dataclass

from epochwatch.debugger.create import create_trial
from epochwatch.debugger.exceptions import RuleEvaluationConditionMet, SMDebugValueError
from epochwatch.debugger.rule import Rule, invoke_rule
from epochwatch.debugger.rules.builtin import built_rule
from epochwatch.debugger.trial import Trial
from epochwatch.launchers.algorithms.debugger_rules.custom import custom_rule
from epochwatch.launchers.algorithms.debugger_rules.task import RULE, SOURCE, Task
from epochwatch.model.debug_rules import CONDITION_MET


@dataclass(frozen=True)
class Outcome:
    """How a rule ended, and what is to be said of it."""

    met: bool
    message: str = ""


def opened_trials(task: Task) -> tuple[Trial, list[Trial]]:
    """The training's own and those to compare with. Raises MissingCollectionFiles where nothing was saved."""
    first, end = _step(task, "start_step"), _step(task, "end_step")
    steps = None if first is None and end is None else (first, end)
    other = [create_trial(uri, range_steps=steps) for uri in task.other_tensors]
    return create_trial(task.tensors, name=task.training_job, range_steps=steps), other


def evaluate(task: Task, trial: Trial, other_trials: list[Trial]) -> tuple[Rule, Outcome]:
    """Raises SMDebugError for a rule or parameters that there are not, and what the rule raises."""
    rule = _rule(task, trial, other_trials)
    try:
        invoke_rule(rule, _step(task, "start_step"), _step(task, "end_step"), raise_eval_cond=True)
    except RuleEvaluationConditionMet as met:
        return rule, Outcome(True, f"{CONDITION_MET}{met}\n")
    finally:
        _keep_report(task, rule)
    if SOURCE not in task.given and not rule.report["Datapoints"]:
        return rule, Outcome(False, "Nothing that the rule looks at was saved by the training job.\n")
    return rule, Outcome(False)


def _rule(task: Task, trial: Trial, other_trials: list[Trial]) -> Rule:
    name = task.given.get(RULE)
    if not name:
        raise SMDebugValueError(f"the parameters of the rule {task.name} lack {RULE}")
    if SOURCE in task.given:
        return custom_rule(task.given[SOURCE], name, task.parameters, trial, other_trials)
    return built_rule(name, task.parameters, trial, other_trials, task.output)


def _step(task: Task, name: str) -> int | None:
    try:
        return task.step(name)
    except ValueError as error:
        raise SMDebugValueError(f"{name} must be a whole number, not {task.given[name]!r}") from error


def _keep_report(task: Task, rule: Rule) -> None:
    """What was counted and found, as ``<rule>.json`` of its output."""
    task.output.mkdir(parents=True, exist_ok=True)
    name = task.name.replace("/", "-")
    (task.output / f"{name}.json").write_text(json.dumps(rule.report, indent=2, default=str))
