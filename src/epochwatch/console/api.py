"""What the console (and any program) reads: jobs, points, curves, hosts and logs as JSON. See docs/console.md."""

import math
import time
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from epochwatch import __version__
from epochwatch.console import compare, insights
from epochwatch.console.alarm_list import alarm_states, listed_alarms
from epochwatch.console.alarms import checked_rule, swept_alarm, tried_alarm
from epochwatch.console.artefacts import artefact, artefacts
from epochwatch.console.compare_logs import compared_logs
from epochwatch.console.curves import AXES, curve, summarised
from epochwatch.console.dashboards import (
    LARGEST_WRITTEN,
    dashboard,
    drawn_dashboard,
    listed_dashboards,
    write_dashboard,
)
from epochwatch.console.explorer import explorable, explored
from epochwatch.console.exports import MEDIA_TYPES, answer
from epochwatch.console.expressions import expression_reference
from epochwatch.console.hosts import PACE_SECONDS, cores, host_paces, host_record, shift_of
from epochwatch.console.job_views import delete_job_view, job_views, put_job_view, rename_job_view
from epochwatch.console.jobs import available_columns, listed_jobs
from epochwatch.console.live import Live
from epochwatch.console.log_differences import LogDifferences
from epochwatch.console.log_places import line_of_point, points_of_line
from epochwatch.console.log_tail import LogTails
from epochwatch.console.logs import log_density, log_page, log_text
from epochwatch.console.metrics import listed_metrics
from epochwatch.console.notes import put_note
from epochwatch.console.notifications import notifications
from epochwatch.console.points import exported, tracks, written
from epochwatch.console.query import query
from epochwatch.console.records import job_detail
from epochwatch.console.reports import Reports
from epochwatch.console.requests import LARGEST_FORM, Asked, Door, Refusal, no_such_job
from epochwatch.console.search import Search
from epochwatch.console.tuning import tuning
from epochwatch.console.widgets import widget
from epochwatch.model.job import TrainingJob
from epochwatch.model.metric import TRAINING_JOBS_NAMESPACE
from epochwatch.model.periods import Buckets
from epochwatch.store.buckets import BucketStore
from epochwatch.store.run_points import TRAINING_JOB
from epochwatch.store.stores import Stores

MAX_WIDTH = 20_000
MAX_HOST_METRICS = 2000
HOUR = 3600
DEFAULT_CORES_WIDTH, MAX_CORES_WIDTH = 240, 1000
DEFAULT_WIDTH = 800
"""Buckets of a curve: about the pixels of a chart."""
FOREVER = 2**32 - 1


class Api:
    """The endpoints under ``/_/api``. Reading runs in threads."""

    def __init__(self, stores: Stores, door: Door, buckets: BucketStore) -> None:
        self._stores = stores
        self._buckets = buckets
        self._door = door
        self._live = Live(stores, door)
        self._reports = Reports(stores)
        self._differences = LogDifferences()
        self._search = Search(stores)

    def routes(self) -> list[Route]:
        """Routes relative to ``/_/api``."""
        return [
            Route("/overview", self._answering(self._overview)),
            Route("/jobs", self._answering(partial(listed_jobs, self._stores), together=True)),
            Route("/columns", self._answering(partial(available_columns, self._stores), together=True)),
            Route("/views", self._answering(partial(job_views, self._stores))),
            Route("/views/{name:path}", self._answering(partial(put_job_view, self._stores)), methods=["PUT"]),
            Route("/views/{name:path}", self._answering(partial(rename_job_view, self._stores)), methods=["POST"]),
            Route(
                "/views/{name:path}", self._answering(partial(delete_job_view, self._stores)), methods=["DELETE"]
            ),
            Route("/jobs/{job}", self._answering(self._job, together=True)),
            Route("/jobs/{job}/note", self._answering(partial(put_note, self._stores)), methods=["PUT"]),
            Route("/jobs/{job}/artefacts", self._answering(partial(artefacts, self._stores, self._buckets))),
            Route("/jobs/{job}/artefacts/object", self._answering(partial(artefact, self._stores, self._buckets))),
            Route("/jobs/{job}/points", self._answering(self._points)),
            Route("/jobs/{job}/curves", self._answering(self._curves, together=True)),
            Route("/jobs/{job}/hosts", self._answering(self._hosts, together=True)),
            Route("/jobs/{job}/hosts/{host}/cores", self._answering(self._cores, together=True)),
            Route("/jobs/{job}/logs", self._answering(partial(log_page, self._stores))),
            Route("/jobs/{job}/logs/density", self._answering(partial(log_density, self._stores))),
            Route("/jobs/{job}/logs/text", self._answering(partial(log_text, self._stores))),
            Route("/jobs/{job}/logs/place", self._answering(partial(line_of_point, self._stores))),
            Route("/jobs/{job}/logs/points", self._answering(partial(points_of_line, self._stores))),
            Route("/logs/events", self._answering(partial(log_page, self._stores))),
            Route("/logs/density", self._answering(partial(log_density, self._stores))),
            Route("/logs/text", self._answering(partial(log_text, self._stores))),
            Route("/logs/tail", LogTails(self._stores, self._door).endpoint),
            Route("/jobs/{job}/report", self._answering(self._report)),
            Route("/jobs/{job}/series", self._answering(partial(insights.series, self._stores))),
            Route("/jobs/{job}/steps", self._answering(partial(insights.steps, self._stores))),
            Route("/jobs/{job}/operators", self._answering(partial(insights.operators_of, self._stores))),
            Route("/jobs/{job}/windows/{path:path}", self._answering(partial(insights.trace, self._stores))),
            Route("/tuning/{name}", self._answering(partial(tuning, self._stores))),
            Route("/query", self._answering(self._query), methods=["GET", "POST"]),
            Route("/widget", self._answering(self._widget), methods=["GET", "POST"]),
            Route("/expressions", self._answering(expression_reference)),
            Route("/dashboards", self._answering(partial(listed_dashboards, self._stores))),
            Route("/drawn-dashboard", self._answering(partial(drawn_dashboard, self._stores)), methods=["POST"]),
            Route("/dashboards/{name}", self._answering(partial(dashboard, self._stores))),
            Route(
                "/dashboards/{name}",
                self._answering(partial(write_dashboard, self._stores), most=LARGEST_WRITTEN),
                methods=["PUT"],
            ),
            Route("/explorer", self._answering(partial(explored, self._stores)), methods=["POST"]),
            Route("/explorer/choices", self._answering(partial(explorable, self._stores))),
            Route("/metrics", self._answering(self._metrics)),
            Route("/alarms", self._answering(partial(listed_alarms, self._stores))),
            Route("/alarms/states", self._answering(partial(alarm_states, self._stores))),
            Route("/alarms/back-test", self._answering(partial(tried_alarm, self._stores)), methods=["POST"]),
            Route("/alarms/sweep", self._answering(partial(swept_alarm, self._stores)), methods=["POST"]),
            Route("/alarms/rule", self._answering(partial(checked_rule, self._stores)), methods=["POST"]),
            Route("/search", self._answering(self._search.search)),
            Route("/notifications", self._answering(partial(notifications, self._stores))),
            Route("/compare/jobs", self._answering(partial(compare.compared_jobs, self._stores))),
            Route("/compare/curves", self._answering(partial(compare.compared_curves, self._stores))),
            Route("/compare/logs", self._answering(partial(compared_logs, self._stores, self._differences))),
            Route("/live", self._live.endpoint),
        ]

    def _answering(
        self, act: Callable[[Asked], Any], *, together: bool = False, most: int = LARGEST_FORM
    ) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            return await self._door.answer(request, act, together=together, most=most)

        return endpoint

    def _overview(self, asked: Asked) -> dict[str, Any]:
        _, total = self._stores.state.jobs.list(asked.tenant, limit=1)
        base = urlsplit(str(asked.request.base_url))
        return {
            "version": __version__,
            "account": asked.tenant.account,
            "region": asked.tenant.region,
            "jobs": total,
            "endpoint": f"{base.scheme}://{base.netloc}",
        }

    def _job(self, asked: Asked) -> dict[str, Any]:
        job = self._found(asked)
        metrics = self._stores.metric_summaries.of(asked.tenant, [job])[job.name]
        diagnosis = self._stores.state.jobs.diagnosis(asked.tenant, job.name) if job.diagnosis else None
        return job_detail(asked.tenant, job, metrics, diagnosis)

    def _points(self, asked: Asked) -> Response:
        form = asked.choice("format", tuple(MEDIA_TYPES), "json")
        job = self._found(asked)
        points = self._stores.run_points.points(
            asked.tenant, TRAINING_JOB, job.name, asked.texts("metric") or None, asked.text("host") or None
        )
        return answer(written(exported(points), form), form, job.name)

    def _curves(self, asked: Asked) -> dict[str, Any]:
        metrics = asked.texts("metric")
        if not metrics:
            raise Refusal(400, "metric is missing.", "Name at least one metric of the job.")
        axis = asked.choice("x", AXES, "step")
        width = asked.whole("width", DEFAULT_WIDTH, 1, MAX_WIDTH)
        smoothing = asked.real("smoothing", 0.0, 0.0, 0.99)
        window = asked.window()
        job = self._found(asked)
        points = self._stores.run_points.points(asked.tenant, TRAINING_JOB, job.name, metrics)
        order = {metric: index for index, metric in enumerate(metrics)}
        drawn = [
            {"metric": metric, "host": host, **curve(track, axis, job.started, window, width, smoothing)}
            for metric, host, track in tracks(points)
        ]
        return {"x": axis, "curves": sorted(drawn, key=lambda one: order[one["metric"]])}

    def _hosts(self, asked: Asked) -> dict[str, Any]:
        width = asked.whole("width", DEFAULT_WIDTH, 1, MAX_WIDTH)
        low, high = asked.window()
        job = self._found(asked)
        found = host_paces(self._stores, asked.tenant, job)
        return {
            "hosts": [
                self._host(asked, job, host, (low, high), width) | host_record(job, host, found.get(host))
                for host in job.hosts
            ]
        }

    def _host(
        self, asked: Asked, job: TrainingJob, host: str, window: tuple[float, float], width: int
    ) -> dict[str, Any]:
        metrics, _ = self._stores.metrics.list(
            asked.tenant,
            TRAINING_JOBS_NAMESPACE,
            None,
            [("Host", f"{job.name}/{host}")],
            limit=MAX_HOST_METRICS,
        )
        shift = shift_of(job, host)
        start, end = int(max(window[0] - shift, 0)), int(min(window[1] - shift + 1, FOREVER))
        found = self._stores.metrics.read(asked.tenant, metrics, Buckets(start, end, 1))
        drawn = []
        for one in metrics:
            columns = summarised(list(found[one].values()), width)
            drawn.append({"metric": one.name, **columns, "x": [time + shift for time in columns["x"]]})
        return {"host": host, "metrics": drawn}

    def _cores(self, asked: Asked) -> dict[str, Any]:
        """Without a window, of the job's last ten minutes."""
        width = asked.whole("width", DEFAULT_CORES_WIDTH, 1, MAX_CORES_WIDTH)
        low, high = asked.window()
        job, host = self._found(asked), str(asked.request.path_params["host"])
        if host not in job.hosts:
            raise Refusal(404, f"The job '{job.name}' has no host '{host}'.", "See them in: epochwatch job NAME")
        end = max(min(high, job.ended or time.time()), job.started)
        start = min(max(low, job.started - HOUR), end) if low > -math.inf else end - PACE_SECONDS
        return cores(self._stores, asked.tenant, job, host, (start, max(end, start + 1)), width)

    def _report(self, asked: Asked) -> Response:
        return insights.report(self._reports, asked)

    def _query(self, asked: Asked) -> Response:
        return query(self._stores, asked)

    def _metrics(self, asked: Asked) -> dict[str, Any]:
        return listed_metrics(self._stores, asked)

    def _widget(self, asked: Asked) -> Response | dict[str, Any]:
        return widget(self._stores, asked)

    def _found(self, asked: Asked) -> TrainingJob:
        job: TrainingJob | None = self._stores.state.jobs.get(asked.tenant, asked.job)
        if job is None:
            raise no_such_job(asked.job)
        return job
