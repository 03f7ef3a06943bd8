"""Metrics of training jobs and trial components, by iteration or by time."""

import itertools
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from epochwatch.model.batch import NO_STEP
from epochwatch.services.call import Call
from epochwatch.store.run_points import TRAINING_JOB, TRIAL_COMPONENT, Owner

MOST_VALUES: Final = 100_000
"""Values of one result; there are more: Truncated."""
_SECONDS: Final = {"OneMinute": 60, "FiveMinute": 300, "OneHour": 3600}
_ARN: Final = re.compile(r"arn:aws[a-z\-]*:sagemaker:([a-z0-9\-]*):(\d{12}):([a-z\-]+)/(.+)\Z", re.ASCII)
_JOB_COMPONENT: Final = "-aws-training-job"
"""Behind a job's name: the trial component SageMaker makes for it."""

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Points = Mapping[str, tuple[Integers, Integers, Floats]]
"""By metric: steps, times (Unix microseconds) and values, ascending by time."""


class _Refusal(Exception):
    """Why one query is wrong; the others are answered."""


def batch_get_metrics(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """BatchGetMetrics: each query has its own result and status.

    Period IterationNumber goes with the axis IterationNumber, the other periods with Timestamp (starts of the
    periods, Unix seconds). ``Start`` and ``End`` bound the axis, both included. Values that are no finite
    numbers are left out, and on the iteration axis those without a step.
    """
    queries = request["MetricQueries"]
    wanted: dict[tuple[Owner, str], set[str]] = defaultdict(set)
    resources: list[tuple[Owner, str] | _Refusal] = []
    for query in queries:
        try:
            resource = _checked(call, query)
            wanted[resource].add(query["MetricName"])
            resources.append(resource)
        except _Refusal as refusal:
            resources.append(refusal)
    points = {resource: _points(call, *resource, names) for resource, names in wanted.items()}
    return {
        "MetricQueryResults": [
            _refused(resource) if isinstance(resource, _Refusal) else _result(query, points[resource])
            for query, resource in zip(queries, resources, strict=True)
        ]
    }


def _checked(call: Call, query: Mapping[str, Any]) -> tuple[Owner, str]:
    """The resource of a query. Raises _Refusal."""
    if (query["Period"] == "IterationNumber") != (query["XAxisType"] == "IterationNumber"):
        raise _Refusal(f"Period {query['Period']} does not go with XAxisType {query['XAxisType']}.")
    if "Start" in query and "End" in query and query["Start"] > query["End"]:
        raise _Refusal("Start must not be greater than End.")
    match = _ARN.match(query["ResourceArn"])
    if match is not None and match[1] == call.tenant.region and match[2] == call.tenant.account:
        kind, name = match[3], match[4]
        if kind == "training-job" and call.stores.state.jobs.get(call.tenant, name):
            return TRAINING_JOB, name
        if kind == "experiment-trial-component":
            if call.stores.state.trial_components.exists(call.tenant, name):
                return TRIAL_COMPONENT, name
            job = name.removesuffix(_JOB_COMPONENT)
            if job != name and call.stores.state.jobs.get(call.tenant, job):
                return TRAINING_JOB, job
    raise _Refusal(f"Resource {query['ResourceArn']} not found.")


def _refused(refusal: _Refusal) -> dict[str, Any]:
    return {"Status": "ValidationError", "Message": str(refusal)[:2048], "XAxisValues": [], "MetricValues": []}


def _points(call: Call, owner: Owner, name: str, metrics: set[str]) -> Points:
    table = call.stores.run_points.points(call.tenant, owner, name, sorted(metrics))
    names = table["metric"].to_numpy()
    columns = (
        table["step"].to_numpy().astype(np.int64),
        table["time"].to_numpy().astype(np.int64),
        table["value"].to_numpy().astype(np.float64),
    )
    cuts = [0, *(np.flatnonzero(names[1:] != names[:-1]) + 1), len(names)]
    spans = [slice(first, last) for first, last in itertools.pairwise(cuts) if first < last]
    return {str(names[span.start]): (columns[0][span], columns[1][span], columns[2][span]) for span in spans}


def _result(query: Mapping[str, Any], points: Points) -> dict[str, Any]:
    if query["MetricName"] not in points:
        return {"Status": "Complete", "XAxisValues": [], "MetricValues": []}
    steps, times, values = points[query["MetricName"]]
    by_step = query["XAxisType"] == "IterationNumber"
    axis = steps if by_step else times // 1_000_000
    kept = np.isfinite(values)
    if by_step:
        kept &= steps != NO_STEP
    if "Start" in query:
        kept &= axis >= query["Start"]
    if "End" in query:
        kept &= axis <= query["End"]
    group, values = axis[kept], values[kept]
    if not by_step:
        period = _SECONDS[query["Period"]]
        group = group // period * period
    if not len(group):
        return {"Status": "Complete", "XAxisValues": [], "MetricValues": []}
    order = np.argsort(group, kind="stable")  # points come by time: the last of a group is its newest
    group, values = group[order], values[order]
    firsts = np.flatnonzero(np.diff(group, prepend=group[0] - 1))
    x, y = group[firsts], _STATISTICS[query["MetricStat"]](values, firsts)
    result = {
        "Status": "Complete",
        "XAxisValues": x[:MOST_VALUES].tolist(),
        "MetricValues": y[:MOST_VALUES].tolist(),
    }
    if len(x) > MOST_VALUES:
        result["Status"] = "Truncated"
        result["Message"] = f"The result has {len(x)} values; ask again with Start {int(x[MOST_VALUES])}."
    return result


def _counts(values: Floats, firsts: NDArray[np.intp]) -> Floats:
    return np.diff(firsts, append=len(values)).astype(np.float64)


def _average(values: Floats, firsts: NDArray[np.intp]) -> Floats:
    average: Floats = np.add.reduceat(values, firsts) / _counts(values, firsts)
    return average


def _deviation(values: Floats, firsts: NDArray[np.intp]) -> Floats:
    """The population's standard deviation."""
    counts = _counts(values, firsts)
    spread = values - np.repeat(_average(values, firsts), counts.astype(np.int64))
    deviation: Floats = np.sqrt(np.add.reduceat(spread * spread, firsts) / counts)
    return deviation


_STATISTICS: Final[dict[str, Callable[[Floats, NDArray[np.intp]], Floats]]] = {
    "Min": np.minimum.reduceat,
    "Max": np.maximum.reduceat,
    "Avg": _average,
    "Count": _counts,
    "StdDev": _deviation,
    "Last": lambda values, firsts: values[np.append(firsts[1:], len(values)) - 1],
}
