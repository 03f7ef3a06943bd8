"""Puts rows of all tables into the engine."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from epochwatch.store.engine import Engine
from epochwatch.store.schema import LATE_DATAPOINTS, SCHEMAS
from epochwatch.store.tiers import Tiers

Tables = Mapping[str, Sequence[pa.RecordBatch]]


def insert_tables(engine: Engine, tiers: Tiers, rows: Tables, generation: int, token: str = "") -> None:
    """Insert batches by table, what refers to a row after it. Datapoints whose hour is closed go where late ones are
    kept, as of ``generation``. Rows that were inserted with the same ``token`` before are not inserted again.
    """
    for table in SCHEMAS:
        if table not in rows:
            continue
        whole = pa.Table.from_batches(rows[table], rows[table][0].schema)
        if table == "datapoints":
            _insert_datapoints(engine, tiers, whole, generation, token)
        elif whole.num_rows:
            engine.insert(table, whole, token)


def _insert_datapoints(engine: Engine, tiers: Tiers, rows: pa.Table, generation: int, token: str) -> None:
    late = tiers.late(rows["policy"].to_numpy(), rows["ts"].to_numpy())
    timely = rows.filter(pa.array(~late)) if late.any() else rows
    if timely.num_rows:
        engine.insert("datapoints", timely, token)
    if timely.num_rows < rows.num_rows:
        behind = rows.filter(pa.array(late))
        numbers = pa.array(np.full(behind.num_rows, generation, np.uint32))
        engine.insert("late_datapoints", behind.append_column(LATE_DATAPOINTS.field("generation"), numbers), token)
