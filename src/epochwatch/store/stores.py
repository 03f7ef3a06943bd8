"""All stores of a server, opened by three URLs."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from epochwatch.model.retention import Lifetimes
from epochwatch.store.engine import Engine
from epochwatch.store.host_samples import compact_due
from epochwatch.store.ingest import Ingest
from epochwatch.store.job_logs import JobLogs
from epochwatch.store.live import LiveFeed
from epochwatch.store.log_deletion import LogExpiry
from epochwatch.store.log_queries import LogQueries
from epochwatch.store.logs import LogStore
from epochwatch.store.lost_runs import LostRuns
from epochwatch.store.metric_filters import put_defaults
from epochwatch.store.metric_shapes import MetricShapes
from epochwatch.store.metric_summaries import MetricSummaries
from epochwatch.store.metrics import MetricStore
from epochwatch.store.objects import ObjectStore
from epochwatch.store.profiles import seal_due
from epochwatch.store.rollup import Rollup
from epochwatch.store.rows import SequenceNumbers
from epochwatch.store.run_points import RunPointStore
from epochwatch.store.series import SeriesIndex
from epochwatch.store.sources import Sources
from epochwatch.store.staging import Staging
from epochwatch.store.state import StateStore
from epochwatch.store.summaries import SummaryReader
from epochwatch.store.tiers import Tiers
from epochwatch.store.wal import WriteAheadLog


@dataclass(frozen=True, slots=True)
class Stores:
    """Everything a server keeps. Open with `open`, close once."""

    engine: Engine
    series: SeriesIndex
    tiers: Tiers
    rollup: Rollup
    staging: Staging | None
    """None where the engine is shared."""
    ingest: Ingest
    sources: Sources
    metrics: MetricStore
    run_points: RunPointStore
    metric_summaries: MetricSummaries
    metric_shapes: MetricShapes
    logs: LogStore
    log_queries: LogQueries
    log_expiry: LogExpiry
    job_logs: JobLogs
    state: StateStore
    objects: ObjectStore
    feed: LiveFeed
    lost_runs: LostRuns

    @classmethod
    def open(
        cls,
        metrics_url: str,
        state_url: str,
        objects_url: str,
        retention: Mapping[str, Lifetimes] | None = None,
    ) -> "Stores":
        """Open the three places and bring their tables up to date. ``retention`` gives lifetimes of datapoints by
        namespace where they differ from the defaults. Raises UsageError or EpochwatchError naming the place and what
        is wrong with it.
        """
        state = StateStore.open(state_url)
        try:
            objects = ObjectStore.open(objects_url)
            engine = Engine.open(metrics_url)
        except BaseException:
            state.close()
            raise
        tiers = Tiers(state.tiers, retention or {}, shared=engine.shared)
        staging = None
        if engine.directory is not None:
            staging = Staging(engine, tiers, WriteAheadLog(engine.directory / "log"))
            staging.recover()
            engine.settle = staging.settle
        series = SeriesIndex(engine)
        numbers = SequenceNumbers()
        feed = LiveFeed()
        ingest = Ingest(engine, series, tiers, staging)
        run_points = RunPointStore(engine, ingest, numbers)
        return cls(
            engine=engine,
            series=series,
            tiers=tiers,
            rollup=Rollup(engine, tiers, ingest.paused),
            staging=staging,
            ingest=ingest,
            sources=Sources(engine),
            metrics=MetricStore(SummaryReader(engine, tiers), ingest, series, numbers, tiers),
            run_points=run_points,
            metric_summaries=MetricSummaries(engine, ingest, run_points),
            metric_shapes=MetricShapes(engine),
            logs=LogStore(engine, ingest, numbers, state.log_groups),
            log_queries=LogQueries(engine),
            log_expiry=LogExpiry(engine, state.log_groups),
            job_logs=JobLogs(),
            state=state,
            objects=objects,
            feed=feed,
            lost_runs=LostRuns(state, feed),
        )

    def warm_up(self) -> None:
        """Load what the first insert would otherwise wait for: pyarrow looks for pandas, which takes over a second
        where it is installed, before it makes its first array of a numpy one.
        """
        pa.array(np.zeros(1))

    def maintain(self, now: float) -> None:
        """Do what is due at ``now`` (Unix seconds): to be called about once a minute, by any number of servers."""
        self.job_logs.save(self, now)
        with self.state.elected("maintenance") as chosen:
            if chosen:
                put_defaults(self, now)
                self.rollup.run(now)
                self.log_expiry.run(now)
                compact_due(self.objects, now)
                seal_due(self.objects, now)
                self.lost_runs.run(now)

    def reset(self) -> None:
        """Forget everything that is stored."""
        self.log_queries.clear()
        self.job_logs.clear()
        self.engine.settle()
        self.engine.truncate()
        self.series.clear()
        self.sources.clear()
        self.state.clear()
        self.tiers.clear()
        self.objects.clear()

    def close(self) -> None:
        """Commit what was submitted and close everything."""
        self.log_queries.close()
        self.job_logs.save(self, time.time())
        self.job_logs.close()
        self.ingest.close()
        if self.staging is not None:
            self.staging.close()
        self.engine.close()
        self.state.close()
