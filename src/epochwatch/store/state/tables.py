"""Tables of the state store. Times are Unix seconds unless a name says ms. Migrations make and change them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    false,
)

METADATA = MetaData()


def _owned(name: str, *columns: Column[object]) -> Table:
    """A table whose rows belong to a tenant."""
    return Table(
        name,
        METADATA,
        Column("account", String(12), primary_key=True),
        Column("region", String(64), primary_key=True),
        *columns,
    )


ACCESS_KEYS = Table(
    "access_keys",
    METADATA,
    Column("id", String(128), primary_key=True),
    Column("secret", String(256), nullable=False),
    Column("account", String(12), nullable=False),
)


def _jobs(name: str) -> Table:
    """Jobs of one kind."""
    table = _owned(
        name,
        Column("name", String(63), primary_key=True),
        Column("status", String(32), nullable=False),
        Column("created", Float, nullable=False),
        Column("updated", Float, nullable=False),
        Column("record", Text, nullable=False),  # the whole TrainingJob as JSON; columns above are for searching
        Column("request", Text),  # what the job was created with, as JSON; none for a run
        Column("stamp", BigInteger, nullable=False, server_default="0"),  # another with each change of the record
    )
    Index(f"{name}_by_creation", table.c.account, table.c.region, table.c.created)
    Index(f"{name}_by_stamp", table.c.account, table.c.region, table.c.name, table.c.stamp)
    return table


TRAINING_JOBS = _jobs("training_jobs")
TRAINING_JOBS.append_column(Column("diagnosis", Text))  # the whole Diagnosis as JSON; none where nothing was told
PROCESSING_JOBS = _jobs("processing_jobs")
LAUNCHES = _owned(
    "launches",
    Column("kind", String(16), primary_key=True),
    Column("job", String(63), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("launcher", String(32), nullable=False),
    Column("place", Text, nullable=False),  # JSON
    Column("stop_requested", Float),
    Column("attempt", Integer, nullable=False),
    Column("created", Float, nullable=False),
    Column("started", Float),
)
Index("launches_by_state", LAUNCHES.c.state, LAUNCHES.c.created)
RUNS = _owned(
    "runs",
    Column("run_id", String(64), primary_key=True),
    Column("job", String(63), nullable=False),
    Column("host", String(255), nullable=False),
    Column("log_group", String(512), nullable=False),
    Column("log_stream", String(512), nullable=False),
    Column("started", Float, nullable=False),
)
Index("runs_by_job", RUNS.c.account, RUNS.c.region, RUNS.c.job)
LOG_GROUPS = _owned(
    "log_groups",
    Column("name", String(512), primary_key=True),
    Column("created_ms", BigInteger, nullable=False),
    Column("retention_days", Integer),
    Column("log_group_class", String(32), nullable=False),
    Column("kms_key", String(256)),
    Column("tags", Text, nullable=False),
    Column("deletion_protected", Boolean, nullable=False, server_default=false()),
)
LOG_STREAMS = _owned(
    "log_streams",
    Column("log_group", String(512), primary_key=True),
    Column("name", String(512), primary_key=True),
    Column("created_ms", BigInteger, nullable=False),
)
METRIC_FILTERS = _owned(
    "metric_filters",
    Column("log_group", String(512), primary_key=True),
    Column("name", String(512), primary_key=True),
    Column("created_ms", BigInteger, nullable=False),
    Column("metric_name", String(255), nullable=False),
    Column("namespace", String(255), nullable=False),
    Column("definition", Text, nullable=False),  # the whole MetricFilterDefinition as JSON
)
METRIC_FILTER_MINUTES = _owned(
    "metric_filter_minutes",  # minutes in which events came for a filter with a default value
    Column("log_group", String(512), primary_key=True),
    Column("name", String(512), primary_key=True),
    Column("minute", BigInteger, primary_key=True, autoincrement=False),  # since 1970
    Column("matched", Boolean, nullable=False),
)
QUERY_DEFINITIONS = _owned(
    "query_definitions",
    Column("id", String(36), primary_key=True),
    Column("name", String(255), nullable=False),
    Column("language", String(8), nullable=False),
    Column("modified_ms", BigInteger, nullable=False),
    Column("client_token", String(128)),  # of the request that made it
    Column("definition", Text, nullable=False),  # the whole QueryDefinition as JSON
)
RESOURCES = _owned(
    "resources",
    Column("kind", String(32), primary_key=True),
    Column("name", String(120), primary_key=True),
    Column("parent", String(120), nullable=False),
    Column("status", String(32), nullable=False),
    Column("created", Float, nullable=False),
    Column("updated", Float, nullable=False),
    Column("record", Text, nullable=False),  # JSON
    Column("tags", Text, nullable=False),  # JSON
)
Index("resources_by_status", RESOURCES.c.kind, RESOURCES.c.status)
TRIAL_MEMBERSHIPS = _owned(
    "trial_memberships",
    Column("trial", String(120), primary_key=True),
    Column("component", String(120), primary_key=True),
)
ANOMALY_DETECTORS = _owned(
    "anomaly_detectors",
    Column("id", String(64), primary_key=True),  # a hash of what it watches
    Column("created", Float, nullable=False),
    Column("record", Text, nullable=False),
)
ALARMS = _owned(
    "alarms",
    Column("name", String(255), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("definition", Text, nullable=False),  # JSON: what it was put with
    Column("actions_enabled", Boolean, nullable=False),
    Column("tags", Text, nullable=False),  # JSON
    Column("state", String(17), nullable=False),
    Column("reason", Text, nullable=False),
    Column("reason_data", Text),
    Column("progress", Text, nullable=False),  # JSON: what its evaluation has to remember
    Column("created", Float, nullable=False),
    Column("configured", Float, nullable=False),
    Column("updated", Float, nullable=False),
    Column("transitioned", Float, nullable=False),
    Column("revision", Integer, nullable=False),  # goes up with each change
    Column("every", Integer, nullable=False),  # seconds between evaluations
    Column("slot", Integer, nullable=False),  # at which second of these
)
Index("alarms_by_slot", ALARMS.c.every, ALARMS.c.slot)
Index("alarms_by_kind", *(ALARMS.c[name] for name in ("account", "region", "kind", "name")))
_NUMBER = BigInteger().with_variant(Integer, "sqlite")
ALARM_HISTORY = Table(
    "alarm_history",
    METADATA,
    Column("id", _NUMBER, primary_key=True, autoincrement=True),
    Column("account", String(12), nullable=False),
    Column("region", String(64), nullable=False),
    Column("alarm", String(255), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("at", Float, nullable=False),
    Column("type", String(32), nullable=False),
    Column("summary", String(255), nullable=False),
    Column("data", Text, nullable=False),
    sqlite_autoincrement=True,  # a number is not given twice, though the newest row is deleted
)
Index("alarm_history_by_alarm", *(ALARM_HISTORY.c[name] for name in ("account", "region", "alarm", "at", "id")))
Index("alarm_history_by_time", ALARM_HISTORY.c.at)
ALARM_ACTIONS = Table(
    "alarm_actions",  # to be performed: the outbox
    METADATA,
    Column("id", _NUMBER, primary_key=True, autoincrement=True),
    Column("account", String(12), nullable=False),
    Column("region", String(64), nullable=False),
    Column("alarm", String(255), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("action", String(1024), nullable=False),
    Column("message", Text, nullable=False),  # JSON
    Column("due", Float, nullable=False),
    Column("attempts", Integer, nullable=False),
    sqlite_autoincrement=True,
)
Index("alarm_actions_by_due", ALARM_ACTIONS.c.due)
DASHBOARDS = Table(
    "dashboards",  # an account's in all regions
    METADATA,
    Column("account", String(12), primary_key=True),
    Column("name", String(255), primary_key=True),
    Column("body", Text, nullable=False),  # JSON, as it was put
    Column("modified", Float, nullable=False),
    Column("tags", Text, nullable=False),  # JSON
)
JOB_VIEWS = _owned(
    "job_views",  # of the table of training jobs
    Column("name", String(128), primary_key=True),
    Column("view", Text, nullable=False),  # JSON
    Column("modified", Float, nullable=False),
    Column("is_default", Boolean, nullable=False),
)
TOPICS = _owned(
    "topics",
    Column("name", String(256), primary_key=True),
    Column("attributes", Text, nullable=False),  # JSON
    Column("tags", Text, nullable=False),  # JSON
    Column("ended", Integer, nullable=False),  # subscriptions
)
SUBSCRIPTIONS = _owned(
    "subscriptions",
    Column("id", String(36), primary_key=True),
    Column("topic", String(256), nullable=False),
    Column("protocol", String(16), nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("token", String(128), nullable=False),
    Column("token_made", Float, nullable=False),
    Column("attributes", Text, nullable=False),  # JSON
    Column("authenticated", Boolean, nullable=False),
    Column("guarded", Boolean, nullable=False),
)
Index("subscriptions_by_topic", *(SUBSCRIPTIONS.c[name] for name in ("account", "region", "topic", "id")))
NOTIFICATIONS = Table(
    "notifications",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("content", Text, nullable=False),  # JSON
)
DELIVERIES = Table(
    "deliveries",  # of notifications to subscriptions
    METADATA,
    Column("id", _NUMBER, primary_key=True, autoincrement=True),
    Column("account", String(12), nullable=False),
    Column("region", String(64), nullable=False),
    Column("notification", String(36), nullable=False),
    Column("subscription", String(36), nullable=False),
    Column("due", Float, nullable=False),
    Column("attempts", Integer, nullable=False),
    sqlite_autoincrement=True,
)
Index("deliveries_by_due", DELIVERIES.c.due)
Index("deliveries_by_subscription", DELIVERIES.c.subscription)
Index("deliveries_by_notification", DELIVERIES.c.notification)
SIGNING_KEYS = Table(
    "signing_keys",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("private", Text, nullable=False),  # PEM
    Column("certificate", Text, nullable=False),  # PEM
)
RETENTION_POLICIES = Table(
    "retention_policies",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("lifetimes", String(255), nullable=False, unique=True),
)
TIER_PROGRESS = Table(
    "tier_progress",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("value", BigInteger, nullable=False),
)
