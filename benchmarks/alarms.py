"""How late alarms are evaluated: 10,000 alarms over 5,000 series, in the course of a simulated week.

Every series gets a value each minute of the week, and what is due is rolled up, so that ever more is stored. At the
start, and at the end of each day, some minutes are lived through: seconds of a simulated clock follow each other; each
round takes what it takes. An alarm is due at its second of the minute; its lag is the time from then to the end of the
round that evaluated it, where a round that takes longer than a second delays those behind it. Every fifth alarm changes
its state every other five minutes, so that transitions, history and actions are written as well; one in a hundred is
composite.

Run: ``python -m benchmarks.alarms``; ``--smoke`` for a tenth of the alarms, ``--minutes N`` for a longer time each day,
``--days N`` for another number of days.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from epochwatch.alarms.rounds import Rounds
from epochwatch.model.metric import NO_UNIT, DatapointColumns, MetricId
from epochwatch.model.tenant import Tenant
from epochwatch.services.call import Call
from epochwatch.services.cloudwatch.alarms import put_composite_alarm, put_metric_alarm
from epochwatch.store.stores import Stores

TENANT = Tenant()
COMPOSITES = 100
DAY_MINUTES = 24 * 60
BLOCK_MINUTES = 20
"""So many minutes of all series are put at once."""


def put_alarms(stores: Stores, count: int, series: int, now: int) -> None:
    """Two alarms on each series, and composite ones on them."""
    call = Call(TENANT, stores, "benchmark", float(now))
    for number in range(count):
        request = {
            "AlarmName": f"alarm-{number}",
            "Namespace": "lab",
            "MetricName": "load",
            "Dimensions": [{"Name": "host", "Value": f"h{number % series}"}],
            "Statistic": ("Average", "Maximum")[number // series % 2],
            "Period": 60,
            "EvaluationPeriods": 3,
            "DatapointsToAlarm": 1,
            "Threshold": 50.0,
            "ComparisonOperator": "GreaterThanThreshold",
            "AlarmActions": [f"arn:aws:sns:{TENANT.region}:{TENANT.account}:pager"],
        }
        put_metric_alarm(call, request)
    for number in range(count // COMPOSITES):
        rule = " OR ".join(f"ALARM(alarm-{number * 50 + child})" for child in range(5))
        put_composite_alarm(call, {"AlarmName": f"composite-{number}", "AlarmRule": rule})


def put_minutes(stores: Stores, series: int, begin: int, minutes: int) -> None:
    """A value of each series each minute; each fifth series crosses its threshold every other five minutes."""
    for first in range(0, minutes, BLOCK_MINUTES):
        columns = DatapointColumns()
        numbers = [
            columns.number_of(MetricId("lab", "load", (("host", f"h{n}"),)), NO_UNIT) for n in range(series)
        ]
        for minute in range(first, min(first + BLOCK_MINUTES, minutes)):
            at = begin + 60 * minute
            high = 90.0 if at // 300 % 2 else 10.0
            values = [10.0 if number % 5 else high for number in range(series)]
            columns.add_values(numbers, [at + 1] * series, values, [60] * series)
        stores.metrics.put(TENANT, columns)


class Lags(NamedTuple):
    """Of the evaluations in a stretch of time."""

    seconds: list[float]
    changes: int
    cpu_seconds: float


def lags(stores: Stores, begin: int, minutes: int) -> Lags:
    """Live through these minutes."""
    rounds = Rounds(stores)
    rounds.run(begin - 1)
    cpu = time.process_time()
    found: list[float] = []
    changes = 0
    finished = float(begin)
    for second in range(begin, begin + 60 * minutes):
        began = time.perf_counter()
        done = rounds.run(float(second))
        taken = time.perf_counter() - began
        finished = max(float(second), finished) + taken
        found += [finished - second] * done.evaluated
        changes += len(done.changes)
    return Lags(found, changes, time.process_time() - cpu)


def live(stores: Stores, series: int, minutes: int, days: int) -> None:
    """The week: print the lags at its start and at the end of each day."""
    begin = int(time.time()) // 60 * 60 - (days + 1) * DAY_MINUTES * 60
    put_minutes(stores, series, begin, 10)
    stored = 10
    for day in range(days + 1):
        until = day * DAY_MINUTES + 10 + minutes
        put_minutes(stores, series, begin + 60 * stored, until - stored)
        stored = until
        now = begin + 60 * (until - minutes)
        stores.maintain(now)
        found = lags(stores, now, minutes)
        median, late = np.percentile(found.seconds, [50, 99])
        print(
            f"after {day} days, {stored * series / 1e6:.1f} M values: {len(found.seconds)} evaluations, "
            f"{found.changes} changes, lag median {median:.3f} s, p99 {late:.3f} s, "
            f"{found.cpu_seconds / minutes:.1f} CPU seconds a minute of alarms (load {os.getloadavg()[0]:.0f})",
            flush=True,
        )


def main() -> None:
    """Print the lags."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--minutes", type=int, default=6)
    parser.add_argument("--days", type=int, default=7)
    options = parser.parse_args()
    count, series = (1_000, 500) if options.smoke else (10_000, 5_000)
    with tempfile.TemporaryDirectory() as home:
        stores = Stores.open(
            f"chdb://{Path(home) / 'metrics'}", f"sqlite:///{home}/state.db", f"file://{home}/objects"
        )
        began = time.perf_counter()
        put_alarms(stores, count, series, int(time.time()))
        print(f"{count} alarms put in {time.perf_counter() - began:.1f} s")
        live(stores, series, options.minutes, options.days)
        stores.close()


if __name__ == "__main__":
    main()
