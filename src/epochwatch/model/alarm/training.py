"""Alarms on training jobs: what PutMetricAlarm is asked for by a phrase."""

from collections.abc import Mapping
from typing import Any, Final

from epochwatch.model.alarm.evaluation import LOOK_BACK, Missing
from epochwatch.model.alarm.phrase import Form, Phrase
from epochwatch.model.metric import TRAINING_JOBS_NAMESPACE, Dimensions
from epochwatch.model.periods import MINUTE
from epochwatch.model.run_series import OWN_DIMENSION

HOST: Final = "Host"
"""The dimension of a host's metrics: ``<job>/<host>``."""
NON_FINITE: Final = "NonFiniteValues"
"""The metric that counts a training metric's values that are not finite; these are no datapoints."""
OF_METRIC: Final = "MetricName"
"""Its dimension that says which metric's."""
JOB_TAG: Final = OWN_DIMENSION
"""The tag of an alarm that is a job's and goes with it."""
LONGEST_LABEL: Final = 255
LONGEST_WARM_UP: Final = 2880
"""Minutes."""


def alarm_name(job: str, what: str) -> str:
    """The name of a job's alarm."""
    return f"{job}/{what}"


def host_dimension(job: str, host: str) -> tuple[str, str]:
    """What the metrics of a job's host have."""
    return HOST, f"{job}/{host}"


def non_finite_dimensions(job: str, metric: str) -> Dimensions:
    """The dimensions of the count of a training metric's values that are not finite."""
    return (OF_METRIC, metric), (OWN_DIMENSION, job)


def logged_metric(name: str, dimensions: Mapping[str, str]) -> str:
    """Which of a job's metrics was logged where CloudWatch has the metric of that name and dimensions."""
    return dimensions.get(OF_METRIC, name) if name == NON_FINITE else name


def metric_alarm(phrase: Phrase, job: str, host: str | None = None) -> dict[str, Any]:
    """The members of PutMetricAlarm by which ``phrase`` is watched on a job, or on one of its hosts; all but the
    alarm's name and its actions.
    """
    dimensions = (host_dimension(job, host),) if host else ((OWN_DIMENSION, job), *phrase.dimensions)
    asked: dict[str, Any] = {"EvaluationPeriods": phrase.periods, "DatapointsToAlarm": phrase.needed}
    if phrase.form is Form.THRESHOLD:
        watched = _metric(phrase, dimensions) | _statistic(phrase.statistic)
        return asked | watched | {"ComparisonOperator": phrase.comparison, "Threshold": phrase.amount}
    if phrase.form is Form.MISSING:
        # An alarm looks further back than its evaluation periods: in all, it is as long as the phrase says.
        count = phrase.periods - LOOK_BACK
        return {
            **_metric(phrase, dimensions),
            "Statistic": "SampleCount",
            "EvaluationPeriods": count,
            "DatapointsToAlarm": count,
            "ComparisonOperator": "LessThanOrEqualToThreshold",
            "Threshold": 0.0,
            "TreatMissingData": Missing.BREACHING.value,
            # What has just begun to come is not yet in any period that is over.
            "WarmUpConfiguration": {
                "WarmUpPeriodDurationInMinutes": min(-(-phrase.periods * phrase.period // MINUTE), LONGEST_WARM_UP)
            },
        }
    if phrase.form is Form.NON_FINITE:
        return asked | {
            **_metric(phrase, non_finite_dimensions(job, phrase.metric), NON_FINITE),
            "Statistic": "Sum",
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": 0.0,
            "TreatMissingData": Missing.NOT_BREACHING.value,
        }
    return asked | _trend(phrase, dimensions)


def _trend(phrase: Phrase, dimensions: Dimensions) -> dict[str, Any]:
    """Each period's value beside that of the period before."""
    change = "100 * DIFF(m) / ABS(m - DIFF(m))" if phrase.relative else "DIFF(m)"
    watched = _metric(phrase, dimensions)
    period = watched.pop("Period")
    stat = {"Metric": watched, "Period": period, "Stat": phrase.statistic}
    amount, rising = phrase.amount, phrase.form is Form.RISING
    by_anything, by_amount = (
        ("GreaterThanThreshold", "GreaterThanOrEqualToThreshold")
        if rising
        else ("LessThanThreshold", "LessThanOrEqualToThreshold")
    )
    return {
        "Metrics": [
            {"Id": "m", "MetricStat": stat, "ReturnData": False},
            {"Id": "change", "Expression": change, "Label": phrase.text[:LONGEST_LABEL], "ReturnData": True},
        ],
        "ComparisonOperator": by_anything if amount is None else by_amount,
        "Threshold": 0.0 if amount is None else amount if rising else -amount,
    }


def _metric(phrase: Phrase, dimensions: Dimensions, name: str | None = None) -> dict[str, Any]:
    return {
        "Namespace": TRAINING_JOBS_NAMESPACE,
        "MetricName": name or phrase.metric,
        "Dimensions": [{"Name": key, "Value": value} for key, value in sorted(dimensions)],
        "Period": phrase.period,
    }


def _statistic(statistic: str) -> dict[str, str]:
    extended = statistic[:1].islower() or "(" in statistic or statistic == "IQM"
    return {"ExtendedStatistic" if extended else "Statistic": statistic}
