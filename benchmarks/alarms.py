"""How late alarms are evaluated: 10,000 alarms over 5,000 series, with little and with much stored behind them.

Seconds of a simulated clock follow each other; each round takes what it takes. An alarm is due at its second of the
minute; its lag is the time from then to the end of the round that evaluated it, where a round that takes longer than
a second delays those behind it. Every fifth alarm changes its state each minute, so that transitions, history and
actions are written as well; one in a hundred is composite.

Run: ``python -m benchmarks.alarms``; ``--smoke`` for a tenth of the alarms, ``--minutes N`` for a longer time,
``--stored N`` for more minutes stored.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np

from epochwatch.alarms.rounds import Rounds
from epochwatch.model.metric import DatapointColumns, MetricId
from epochwatch.model.tenant import Tenant
from epochwatch.services.call import Call
from epochwatch.services.cloudwatch.alarms import put_composite_alarm, put_metric_alarm
from epochwatch.store.stores import Stores

BEGIN = int(time.time()) // 60 * 60 - 3600
TENANT = Tenant()
COMPOSITES = 100


def put_alarms(stores: Stores, count: int, series: int) -> None:
    """Two alarms on each series, and composite ones on them."""
    call = Call(TENANT, stores, "benchmark", float(BEGIN))
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
    for minute in range(minutes):
        at = begin + 60 * minute
        columns = DatapointColumns()
        for number in range(series):
            high = number % 5 == 0 and at // 300 % 2
            columns.add_value(
                MetricId("lab", "load", (("host", f"h{number}"),)), at + 1, 90.0 if high else 10.0, resolution=60
            )
        stores.metrics.put(TENANT, columns)


def lags(stores: Stores, minutes: int) -> tuple[list[float], int, int]:
    """The lag of each evaluation in seconds, how many alarms were evaluated, and how many changes were made."""
    rounds = Rounds(stores)
    rounds.run(BEGIN - 1)
    found: list[float] = []
    evaluated = changed = 0
    finished = float(BEGIN)
    second = BEGIN
    while second < BEGIN + 60 * minutes:
        began = time.perf_counter()
        done = rounds.run(float(second))
        taken = time.perf_counter() - began
        start = max(float(second), finished)
        finished = start + taken
        found += [finished - second] * done.evaluated
        evaluated += done.evaluated
        changed += len(done.changes)
        second += 1
    return found, evaluated, changed


def main() -> None:
    """Print the lags."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--minutes", type=int, default=5)
    parser.add_argument(
        "--stored", type=int, default=120, help="minutes of datapoints before those; a week has 10080"
    )
    options = parser.parse_args()
    count, series = (1_000, 500) if options.smoke else (10_000, 5_000)
    with tempfile.TemporaryDirectory() as home:
        stores = Stores.open(
            f"chdb://{Path(home) / 'metrics'}", f"sqlite:///{home}/state.db", f"file://{home}/objects"
        )
        began = time.perf_counter()
        put_alarms(stores, count, series)
        print(f"{count} alarms put in {time.perf_counter() - began:.1f} s")
        put_minutes(stores, series, BEGIN - 600, 10 + options.minutes)
        for stored in (0, options.stored):
            if stored:
                put_minutes(stores, series, BEGIN - 600 - 60 * stored, stored)
            cpu = time.process_time()
            found, evaluated, changed = lags(stores, options.minutes)
            cpu = time.process_time() - cpu
            median, late = np.percentile(found, [50, 99])
            print(
                f"{stored + 10 + options.minutes} min stored: {evaluated} evaluations, {changed} changes, lag median "
                f"{median:.3f} s, p99 {late:.3f} s, {cpu / options.minutes:.1f} CPU seconds a minute of alarms "
                f"(load {os.getloadavg()[0]:.0f})",
                flush=True,
            )
        stores.close()


if __name__ == "__main__":
    main()
