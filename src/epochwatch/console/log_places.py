"""From a point of a curve to the line of the log that it came from, and back."""

from typing import Any

import numpy as np

from epochwatch.console.curves import AXES, number, positions
from epochwatch.console.logs import event_json, job_streams, read_token
from epochwatch.console.points import tracks
from epochwatch.console.requests import Asked, Refusal, no_such_job
from epochwatch.model.batch import NO_STEP
from epochwatch.model.job import TrainingJob
from epochwatch.store.log_places import JobLog, line_near, line_of, placed_points, points_of
from epochwatch.store.stores import Stores


def line_of_point(stores: Stores, asked: Asked) -> dict[str, Any]:
    """The line that the point of ``metric`` (on ``host``, else on any) nearest to ``x`` on the ``axis`` came from:
    ``token`` and ``line``, ``point``, and whether it is ``exact``. Of several points that lie ``within`` so much
    of it, as a bucket has them, the one that is nearest to ``value``. What was logged otherwise than by a line has the
    line that was the last at its time.
    """
    metric, axis = asked.text("metric"), asked.choice("axis", AXES, "step")
    if not metric:
        raise Refusal(400, "metric is missing.", "Name a metric of the job.")
    x = asked.real("x", np.nan)
    if np.isnan(x):
        raise Refusal(400, "x is missing.", "Say where on the axis the point is.")
    value, within = asked.real("value", np.nan), asked.real("within", 0.0, 0.0)
    job, log = _log(stores, asked)
    points = placed_points(stores, log, metric, asked.text("host") or None)
    if not points.num_rows:
        raise Refusal(
            404, f"The job '{job.name}' has no points of '{metric}' there.", "See its metrics at /jobs/NAME."
        )
    places = np.concatenate([positions(track, axis, job.started) for _, _, track in tracks(points)])
    if np.isnan(places).all():
        raise Refusal(400, f"{metric} has no place on the axis {axis}.", "Choose another axis.")
    far = np.abs(places - x)
    near = np.flatnonzero(far <= max(within, np.nanmin(far)))
    differences = np.nan_to_num(np.abs(points["value"].to_numpy()[near] - value), nan=np.inf)
    row = int(near[np.argmin(differences)]) if np.isfinite(differences).any() else int(np.nanargmin(far))
    point = points.slice(row, 1).to_pylist()[0]
    line = line_of(stores, log, point["source"], point["seq"], point["time"])
    exact = line is not None
    line = line or line_near(stores, log, point["host"], point["time"])
    if line is None:
        raise Refusal(404, "The job has no log.", "Lines appear as the training writes them.")
    event = event_json(line)
    return {"token": event["token"], "line": event, "exact": exact, "point": _point(point)}


def points_of_line(stores: Stores, asked: Asked) -> dict[str, Any]:
    """The ``points`` that came of the line with the ``token``; none where it has no value of a metric."""
    given = asked.text("token")
    if not given:
        raise Refusal(400, "token is missing.", "Take it from an event of the log.")
    place = read_token(given, "token")
    _, log = _log(stores, asked)
    return {"points": [_point(row) for row in points_of(stores, log, place).to_pylist()]}


def _log(stores: Stores, asked: Asked) -> tuple[TrainingJob, JobLog]:
    job = stores.state.jobs.get(asked.tenant, asked.job)
    if job is None:
        raise no_such_job(asked.job)
    return job, JobLog(asked.tenant, job.name, job_streams(stores, asked, job))


def _point(row: dict[str, Any]) -> dict[str, Any]:
    epoch = row["epoch"]
    return {
        "metric": row["metric"],
        "host": row["host"],
        "step": None if row["step"] == NO_STEP else row["step"],
        "epoch": None if np.isnan(epoch) else epoch,
        "time": row["time"] / 1e6,
        "value": number(row["value"]),
    }
