"""All points of a job's metrics, whole: as JSON, CSV, Parquet or Arrow."""

from collections.abc import Iterator

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from epochwatch.console.curves import Track, number
from epochwatch.console.exports import file_of
from epochwatch.model.batch import NO_STEP


def exported(points: pa.Table) -> pa.Table:
    """Stored points as people read them: metric, host, step or null, epoch or null, time (Unix seconds), value."""
    step, epoch = points["step"], points["epoch"]
    return pa.table(
        {
            "metric": points["metric"].cast(pa.string()),
            "host": points["host"].cast(pa.string()),
            "step": pc.if_else(pc.equal(step, NO_STEP), pa.scalar(None, pa.int64()), step),
            "epoch": pc.if_else(pc.is_nan(epoch), pa.scalar(None, pa.float64()), epoch),
            "time": pc.divide(points["time"].cast(pa.float64()), 1e6),
            "value": points["value"],
        }
    )


def written(points: pa.Table, form: str) -> bytes:
    """The exported points as a file of one of MEDIA_TYPES."""
    if form != "json":
        return file_of(points, form)
    rows = points.to_pylist()
    for row in rows:
        row["value"] = number(row["value"])
    return msgspec.json.encode({"points": rows})


def tracks(points: pa.Table) -> Iterator[tuple[str, str, Track]]:
    """Stored points (ordered by metric, then time) as (metric, host, columns), hosts in the order of their names."""
    names = points["metric"].cast(pa.string()).combine_chunks().dictionary_encode()
    hosts = points["host"].cast(pa.string()).combine_chunks().dictionary_encode()
    step = points["step"].to_numpy()
    columns = Track(
        step=np.where(step == NO_STEP, np.nan, step.astype(np.float64)),
        epoch=points["epoch"].to_numpy(),
        time=points["time"].to_numpy().astype(np.float64) / 1e6,
        value=points["value"].to_numpy(),
    )
    metric_of, host_of = names.indices.to_numpy(), hosts.indices.to_numpy()
    metric_names, host_names = names.dictionary.to_pylist(), hosts.dictionary.to_pylist()
    for metric in sorted(range(len(metric_names)), key=metric_names.__getitem__):
        for host in sorted(range(len(host_names)), key=host_names.__getitem__):
            rows = (metric_of == metric) & (host_of == host)
            if rows.any():
                yield (
                    metric_names[metric],
                    host_names[host],
                    Track(columns.step[rows], columns.epoch[rows], columns.time[rows], columns.value[rows]),
                )
