"""All points of a job's metrics, whole: as JSON, CSV, Parquet or Arrow."""

import io
from collections.abc import Iterator

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from epochwatch.console.curves import Track, number
from epochwatch.model.batch import NO_STEP

MEDIA_TYPES = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.file",
}


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


def written(points: pa.Table, format: str) -> bytes:
    """The table as a file of one of MEDIA_TYPES."""
    sink = io.BytesIO()
    if format == "csv":
        pyarrow.csv.write_csv(points, sink, pyarrow.csv.WriteOptions(quoting_style="needed"))
    elif format == "parquet":
        pyarrow.parquet.write_table(points, sink, compression="zstd")
    elif format == "arrow":
        with pa.ipc.new_file(sink, points.schema) as writer:
            writer.write_table(points)
    else:
        rows = points.to_pylist()
        for row in rows:
            row["value"] = number(row["value"])
        return msgspec.json.encode({"points": rows})
    return sink.getvalue()


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
