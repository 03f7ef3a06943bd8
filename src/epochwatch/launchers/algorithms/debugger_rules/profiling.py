"""One profiler rule over the profile that a training writes to S3, while it trains."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from epochwatch.debugger.exceptions import RuleEvaluationConditionMet, SMDebugValueError
from epochwatch.debugger.places import open_place
from epochwatch.debugger.smdebug.layout import END_OF_JOB
from epochwatch.launchers.algorithms.debugger_rules.evaluation import Outcome
from epochwatch.launchers.algorithms.debugger_rules.task import RULE, Task
from epochwatch.model.debug_rules import CONDITION_MET
from epochwatch.profiler.directory import open_profile
from epochwatch.profiler.report.page import page
from epochwatch.profiler.report.reported import outcome
from epochwatch.profiler.report.summary import summarised
from epochwatch.profiler.rules.builtin import built_profiler_rule, rules_of
from epochwatch.profiler.rules.builtin.profiler_report import ProfilerReport
from epochwatch.profiler.rules.builtin.rule import ProfilerRule
from epochwatch.profiler.rules.scan import Scan
from epochwatch.profiler.smdebug.layout import SYSTEM

LOOK_SECONDS: Final = 5.0
"""The longest that the training's end stays unseen."""
_FOLDER: Final = "profiler-output"
_PAUSES: Final = 19
"""Between live reports, in units of what one takes."""
_SECOND: Final = 1_000_000

Met = Callable[[str], None]


class ProfileEvaluation:
    """Looks at what is new after each scan interval. A rule ends when its condition is met; ProfilerReport goes on to
    the end of the training. What the training wrote is gone through anew when it has ended: then it is whole.
    """

    def __init__(self, task: Task, over: Callable[[], bool]) -> None:
        """``over`` says whether the training has ended. Raises SMDebugValueError for a rule that there is not."""
        self._task = task
        self._over = over
        self._profile = open_profile(task.profile)
        self._told = False
        self._report_at = 0.0
        self._rule()

    def _rule(self) -> ProfilerRule | ProfilerReport:
        name = self._task.given.get(RULE)
        if not name:
            raise SMDebugValueError(f"the parameters of the rule {self._task.name} lack {RULE}")
        return built_profiler_rule(name, self._task.parameters)

    def run(self, met: Met, sleep: Callable[[float], object] = time.sleep) -> Outcome:
        """Until the rule or the training has ended. ``met`` is called once, with what is to be told."""
        rule = self._rule()
        scan = Scan(self._profile, rules_of(rule))
        while not self._over():
            scan.advance()
            if scan.met_at is not None and not isinstance(rule, ProfilerReport):
                return self._outcome(rule, scan, met)
            if isinstance(rule, ProfilerReport) and scan.scans and self._may_report():
                self._outcome(rule, scan, met)
            self._wait(rule.scan_interval_us / _SECOND, sleep)
        rule = self._rule()
        if not self._profile.ended():
            open_place(self._task.profile).write(f"{SYSTEM}/{END_OF_JOB}", [b""])
        scan = Scan(self._profile, rules_of(rule))
        scan.advance(last=True)
        return self._outcome(rule, scan, met)

    def _may_report(self) -> bool:
        """A report of all that there is takes longer and longer: a live one may take a twentieth of the time."""
        return time.monotonic() >= self._report_at

    def _wait(self, seconds: float, sleep: Callable[[float], object]) -> None:
        while seconds > 0 and not self._over():
            sleep(min(LOOK_SECONDS, seconds))
            seconds -= LOOK_SECONDS

    def _outcome(self, rule: ProfilerRule | ProfilerReport, scan: Scan, met: Met) -> Outcome:
        self._keep(rule)
        if scan.met_at is None:
            seen = any(one.datapoints for one in rules_of(rule))
            nothing = "Nothing that the rule looks at was measured of the training job.\n"
            return Outcome(False, "" if seen else nothing)
        condition = RuleEvaluationConditionMet(rule.name, scan.met_at)
        found = Outcome(True, f"{CONDITION_MET}{condition}\n{rule.summary()}\n")
        if not self._told:
            self._told = True
            met(found.message)
        return found

    def _keep(self, rule: ProfilerRule | ProfilerReport) -> None:
        """What was counted and found: ``<rule>.json`` of its output, or the report with those of all rules."""
        name = self._task.name.replace("/", "-")
        if not isinstance(rule, ProfilerReport):
            _write(self._task.output / f"{name}.json", json.dumps(rule.report, indent=2))
            return
        begun = time.monotonic()
        folder = self._task.output / name / _FOLDER
        for one, report in rule.reports.items():
            _write(folder / "profiler-reports" / f"{one}.json", json.dumps(report, indent=2))
        summary = summarised(self._profile, [outcome(one) for one in rule.rules])
        _write(folder / "profiler-report.json", summary.to_json().decode())
        _write(folder / "profiler-report.html", page(summary))
        self._report_at = time.monotonic() + _PAUSES * (time.monotonic() - begun)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
