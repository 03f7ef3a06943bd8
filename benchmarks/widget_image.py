"""How long GetMetricWidgetImage takes: each view over stored datapoints, through the operation as the server calls it.

Three hours of twenty metrics with a datapoint a second are stored first. Each picture is drawn many times; the first
one, which imports the drawing library, is told apart.

Run: ``python -m benchmarks.widget_image``; ``--smoke`` for few repetitions.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from epochwatch.model.metric import DatapointColumns, MetricId
from epochwatch.model.tenant import Tenant
from epochwatch.services.call import Call
from epochwatch.services.cloudwatch.metric_widget_image import get_metric_widget_image
from epochwatch.store.stores import Stores

TENANT = Tenant()
SECONDS = 3 * 3600
METRICS = 20


def store(stores: Stores, now: int) -> None:
    """The datapoints."""
    random = np.random.default_rng(7)
    for number in range(METRICS):
        metric = MetricId.of("lab", "load", [("host", f"h{number}")])
        columns = DatapointColumns()
        for second, value in enumerate(50 + random.standard_normal(SECONDS).cumsum() / 10):
            columns.add_value(metric, now - SECONDS + second, float(value), resolution=1)
        stores.metrics.put(TENANT, columns)


def widgets() -> dict[str, dict[str, Any]]:
    """What is drawn, by name."""

    def of(count: int, **properties: Any) -> dict[str, Any]:
        rows = [["lab", "load", "host", f"h{number}"] for number in range(count)]
        return {"metrics": rows, "period": 60, "title": "Load"} | properties

    lines = {"horizontal": [{"value": 60, "label": "high", "fill": "above"}]}
    gauge = {"left": {"min": 0, "max": 100}}
    search = [[{"expression": "SEARCH('{lab,host} load', 'Maximum', 60)"}]]
    return {
        "one line": of(1),
        "three lines, annotated, dark": of(3, annotations=lines, theme="dark"),
        "twenty lines": of(20),
        "twenty lines, each second": of(20, period=1),
        "stacked": of(5, stacked=True),
        "search": of(0, metrics=search),
        "anomaly band": of(
            1, metrics=[["lab", "load", "host", "h0", {"id": "m"}], [{"expression": "ANOMALY_DETECTION_BAND(m)"}]]
        ),
        "singleValue": of(4, view="singleValue"),
        "gauge": of(2, view="gauge", yAxis=gauge),
        "bar": of(8, view="bar"),
        "pie": of(8, view="pie"),
        "2000 x 2000 pixels": of(3, width=2000, height=2000),
    }


def main() -> None:
    """Print the milliseconds of each picture."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--smoke", action="store_true")
    repetitions = 3 if parser.parse_args().smoke else 30
    now = int(time.time()) // 60 * 60
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        stores = Stores.open(
            f"chdb://{home / 'metrics'}", f"sqlite:///{home / 'state.db'}", f"file://{home / 'objects'}"
        )
        store(stores, now)
        call = Call(TENANT, stores, "benchmark", float(now))
        medians = []
        print(f"{'':<30} {'first':>8} {'median':>8} {'p90':>8} {'CPU':>8}  ms")
        for name, widget in widgets().items():
            request = {"MetricWidget": json.dumps(widget)}
            taken, cpu = [], []
            for _ in range(repetitions + 1):
                begin, begin_cpu = time.perf_counter(), time.process_time()
                get_metric_widget_image(call, request)
                taken.append(1000 * (time.perf_counter() - begin))
                cpu.append(1000 * (time.process_time() - begin_cpu))
            medians.append(statistics.median(taken[1:]))
            tenth = statistics.quantiles(taken[1:], n=10)[-1]
            print(f"{name:<30} {taken[0]:8.0f} {medians[-1]:8.0f} {tenth:8.0f} {statistics.median(cpu[1:]):8.0f}")
        print(f"median of all: {statistics.median(medians):.0f} ms")
        stores.close()


if __name__ == "__main__":
    main()
