"""Tables on their way out: the file formats, and the answer that carries a file."""

import io
from typing import Final

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from starlette.responses import Response

MEDIA_TYPES: Final = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.file",
}


def file_of(table: pa.Table, form: str) -> bytes:
    """The table as a file: ``csv``, ``parquet`` or ``arrow``."""
    sink = io.BytesIO()
    if form == "csv":
        pyarrow.csv.write_csv(table, sink, pyarrow.csv.WriteOptions(quoting_style="needed"))
    elif form == "parquet":
        pyarrow.parquet.write_table(table, sink, compression="zstd")
    else:
        with pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
    return sink.getvalue()


def answer(body: bytes, form: str, name: str) -> Response:
    """The answer with that content: JSON as it is, anything else as the file ``name``, without its ending."""
    headers = {"cache-control": "no-store"}
    if form != "json":
        headers["content-disposition"] = f'attachment; filename="{name}.{form}"'
    return Response(body, media_type=MEDIA_TYPES[form], headers=headers)
