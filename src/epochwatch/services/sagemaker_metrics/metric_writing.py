"""Metrics of a trial component on their way in."""

import math
from typing import Any, Final

import numpy as np

from epochwatch.model.batch import NO_STEP
from epochwatch.services.call import Call
from epochwatch.store.run_points import TRIAL_COMPONENT, RunPointColumns

LATEST_SECONDS: Final = 2**32 - 1
"""Unix seconds: the last moment a value can have."""


def batch_put_metrics(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """BatchPutMetrics: stores what is right and names what is not, entry by entry.

    VALIDATION_ERROR: a value that is no finite number, or an impossible time. CONFLICT_ERROR: a second value
    of one metric at one step (without a step, at one time) in the request. A trial component comes into being
    by its first value.
    """
    good, errors = [], []
    seen: set[tuple[str, str, float]] = set()
    for index, datum in enumerate(request["MetricData"]):
        step = datum.get("Step")
        at = ("time", datum["Timestamp"]) if step is None else ("step", float(step))
        if not math.isfinite(datum["Value"]) or not 0 <= datum["Timestamp"] <= LATEST_SECONDS:
            errors.append({"Code": "VALIDATION_ERROR", "MetricIndex": index})
        elif (datum["MetricName"], *at) in seen:
            errors.append({"Code": "CONFLICT_ERROR", "MetricIndex": index})
        else:
            seen.add((datum["MetricName"], *at))
            good.append(datum)
    if good:
        name = request["TrialComponentName"]
        call.stores.state.trial_components.ensure(call.tenant, name, call.now)
        call.stores.run_points.write(call.tenant, TRIAL_COMPONENT, name, _columns(good))
    return {"Errors": errors}


def _columns(data: list[dict[str, Any]]) -> RunPointColumns:
    return RunPointColumns(
        metric=[datum["MetricName"] for datum in data],
        value=np.array([datum["Value"] for datum in data], np.float64),
        time=np.array([round(datum["Timestamp"] * 1e6) for datum in data], np.int64),
        step=np.array([datum.get("Step", NO_STEP) for datum in data], np.int64),
        epoch=np.full(len(data), np.nan),
    )
