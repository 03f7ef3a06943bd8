"""The records an agent sends to the server, and what the server answers.

They travel as msgpack. Numbers travel as columns: little-endian arrays in ``bytes`` fields, so that neither
side builds an object per value. A *source* is one growing file of a run's spool (its output, a journal, its
host samples); a *position* is a place in that file. Positions of one source never decrease, whole lines share
one position, and what is derived from a source is a pure function of its bytes. That is what makes delivery
exactly-once: the server knows for each source how far it has committed and drops what it already has.
"""

import msgspec

from epochwatch.model.clock import ClockOffset
from epochwatch.model.diagnosis import Diagnosis
from epochwatch.model.metric import NO_UNIT
from epochwatch.model.sampling import Wanted

NO_STEP = -(2**63)
"""Step column value for "no step known"."""


class Definition(msgspec.Struct, frozen=True, omit_defaults=True):
    """One metric definition as SageMaker has it (``Name``, ``Regex``), where it came from, and how its values are
    kept in CloudWatch.

    ``origin`` is one of ``flag``, ``file``, ``preset:<name>``, ``auto`` (learnt from the log), ``log`` (values sent
    by ``epochwatch.log``; no regex) or ``api`` (of ``CreateTrainingJob``).
    """

    name: str
    regex: str = ""
    origin: str = "flag"
    unit: str = NO_UNIT
    resolution: int = 1
    """Seconds: 1 or 60."""


class Ambiguity(msgspec.Struct, omit_defaults=True):
    """Why a definition may not capture what it was meant to."""

    kind: str
    """``same-text``: every text it captured, a definition of another name captured too. ``several-matches``: lines
    hold several matches, of which the first gives the value.
    """
    lines: int
    """On how many of the lines looked at."""
    of: int
    """Lines looked at: the first that the definition matched."""
    example: str
    """The first such line, cut to 200."""
    other: str = ""
    """The other definition's name."""


class DefinitionHealth(msgspec.Struct, omit_defaults=True):
    """How a definition fared on the log so far."""

    name: str
    regex: str = ""
    origin: str = "flag"
    matched: int = 0
    non_numeric: int = 0
    non_finite: int = 0
    example: str = ""
    """The first line whose captured text was not a number (else the first line that matched), cut to 200."""
    engine: str = ""
    """``re2`` (linear time), ``python`` (guarded worker) or ``disabled: <why>``."""
    warning: str = ""
    shadowed: int = 0
    """Values not taken because an earlier definition of the same name had given one on the line."""
    shadowed_example: str = ""
    """The first such line, cut to 200."""
    refused: int = 0
    """Values not kept because their dimensions were one combination too many."""
    ambiguous: list[Ambiguity] = []


class Registration(msgspec.Struct, omit_defaults=True):
    """First word of a run to the server. Idempotent: the same ``run_id`` gets the same answer."""

    run_id: str
    """32 hex digits, drawn when the spool was made."""
    name: str
    """The wanted training job name; the server appends -2, -3, ... if another run has it."""
    started: float
    """Unix seconds."""
    host: str = "algo-1"
    command: list[str] = []
    working_directory: str = ""
    hostname: str = ""
    user: str = ""
    definitions: list[Definition] = []
    tags: dict[str, str] = {}
    config: dict[str, object] = {}
    """Hyperparameters, as ``epochwatch.init(config=...)`` gave them."""
    job: str = ""
    """The created job that this run is a host of: the exact name, behind ``processing-job/`` if it is one of those."""
    tensors: str = ""
    """Where the training saves tensors, if it does: a directory of its host, or ``s3://bucket/prefix``."""


class Registered(msgspec.Struct):
    """The server's answer: the run's place."""

    name: str
    arn: str
    log_group: str
    log_stream: str
    account: str
    region: str
    console_url: str


class LogEvents(msgspec.Struct):
    """Lines of one output source. Columns have one entry per line."""

    source: str
    positions: bytes
    """uint64: offset just behind the line's end in the source."""
    timestamps: bytes
    """int64, Unix milliseconds: when the bytes arrived."""
    messages: list[str]
    """Text without the line end; invalid UTF-8 replaced."""


class RunPoints(msgspec.Struct, omit_defaults=True):
    """Values of training metrics from one source. Columns have one entry per value, lists one per series."""

    source: str
    positions: bytes
    """uint64."""
    names: list[str]
    """The metric of each series of this batch."""
    metrics: bytes
    """uint32: index into ``names`` and the lists beside it."""
    steps: bytes
    """int64; NO_STEP where unknown."""
    epochs: bytes
    """float64; NaN where unknown."""
    timestamps: bytes
    """int64, Unix microseconds."""
    values: bytes
    """float64; NaN and infinities are kept here (and are no CloudWatch datapoints)."""
    dimensions: list[list[tuple[str, str]]] = []
    """The series' (name, value) pairs, besides the job's; left out where none has any."""
    units: list[str] = []
    """The series' units; left out where none has one."""
    resolutions: list[int] = []
    """Seconds: 1 or 60; left out where all are 1."""


class InstanceSamples(msgspec.Struct):
    """Host metrics (CPUUtilization, ...) from one source. Columns have one entry per value."""

    source: str
    positions: bytes
    names: list[str]
    metrics: bytes
    timestamps: bytes
    """int64, Unix microseconds."""
    values: bytes
    units: list[str] = []
    """CloudWatch's unit for each of ``names``; left out where all are percentages."""


class Batch(msgspec.Struct):
    """What the agent ships in one request; acknowledged when all of it is durable."""

    run_id: str
    log_events: list[LogEvents] = []
    run_points: list[RunPoints] = []
    samples: list[InstanceSamples] = []
    resend: bool = False
    """True when the answer to an earlier attempt was lost: the server re-reads its committed positions."""


class Committed(msgspec.Struct):
    """Durable now: for each source of the batch the position up to which everything is stored."""

    positions: dict[str, int]


class Progress(msgspec.Struct, omit_defaults=True):
    """State of a run, sent when it changes and every 10 s as a heartbeat. Idempotent."""

    run_id: str
    status: str
    """``InProgress``, ``Completed``, ``Failed`` or ``Stopped`` (SageMaker's TrainingJobStatus)."""
    time: float
    """Unix seconds of this state; for a terminal state, when the training ended."""
    exit_code: int | None = None
    failure_reason: str = ""
    definitions: list[Definition] = []
    """All definitions in force, learnt ones included."""
    health: list[DefinitionHealth] = []
    config: dict[str, object] = {}
    summary: dict[str, object] = {}
    """What ``run.summary`` holds."""
    tags: dict[str, str] = {}
    clock: ClockOffset | None = None
    """How far the server's clock is ahead of the host's; None before it was measured."""
    diagnosis: Diagnosis | None = None
    """What the saved tensors tell of the training; None where nothing is new."""


class Heard(msgspec.Struct, omit_defaults=True):
    """The server's answer to Progress."""

    sampling: Wanted | None = None
    """How the host is to be sampled from now on; None where that is the agent's affair."""
    received: float = 0.0
    """Unix seconds by the server's clock at which the request came, and ..."""
    answered: float = 0.0
    """... at which it was answered."""
