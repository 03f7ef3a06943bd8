"""Metrics of their own for the tests of alarms."""

import math
import time

from epochwatch.model.metric import DatapointColumns, MetricId
from epochwatch.model.tenant import Tenant
from epochwatch.store.stores import Stores

NAMESPACE = "AlarmLab"
RUN = (("run", "r7"),)
HOURS = 4


def fill(stores: Stores, tenant: Tenant) -> None:
    """``loss`` and ``steps`` each 30 seconds of four hours: a wave from 1 to 3 that reaches 8 in three minutes of the
    last two hours; ``steps`` is always 2.
    """
    now = int(time.time()) // 60 * 60
    columns = DatapointColumns()
    for back in range(HOURS * 3600, 0, -30):
        moment = now - back
        spiked = back // 60 in (30, 60, 90)
        columns.add_value(MetricId(NAMESPACE, "loss", RUN), moment, 8.0 if spiked else 2 + math.sin(back / 900))
        columns.add_value(MetricId(NAMESPACE, "steps", RUN), moment, 2.0)
    stores.metrics.put(tenant, columns)
