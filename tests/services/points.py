"""Points of one metric, a second apart, for tests."""

from collections.abc import Sequence

import numpy as np

from epochwatch.model.batch import NO_STEP
from epochwatch.store.run_points import RunPointColumns


def columns(
    metric: str, values: Sequence[float], start: float, step: Sequence[int] | None = None
) -> RunPointColumns:
    count = len(values)
    return RunPointColumns(
        metric=[metric] * count,
        value=np.array(values, np.float64),
        time=np.array([round((start + n) * 1e6) for n in range(count)], np.int64),
        step=np.array([NO_STEP] * count if step is None else step, np.int64),
        epoch=np.full(count, np.nan),
        host="algo-1",
    )
