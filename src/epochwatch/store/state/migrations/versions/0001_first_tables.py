"""Keys, training jobs, runs, log groups and streams, trial components."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "access_keys",
        sa.Column("id", sa.String(128), primary_key=True),
        sa.Column("secret", sa.String(256), nullable=False),
        sa.Column("account", sa.String(12), nullable=False),
    )
    op.create_table(
        "training_jobs",
        *_tenant(),
        sa.Column("name", sa.String(63), primary_key=True),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("updated", sa.Float, nullable=False),
        sa.Column("record", sa.Text, nullable=False),
    )
    op.create_index("training_jobs_by_creation", "training_jobs", ["account", "region", "created"])
    op.create_table(
        "runs",
        *_tenant(),
        sa.Column("run_id", sa.String(64), primary_key=True),
        sa.Column("job", sa.String(63), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("log_group", sa.String(512), nullable=False),
        sa.Column("log_stream", sa.String(512), nullable=False),
        sa.Column("started", sa.Float, nullable=False),
    )
    op.create_index("runs_by_job", "runs", ["account", "region", "job"])
    op.create_table(
        "log_groups",
        *_tenant(),
        sa.Column("name", sa.String(512), primary_key=True),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("retention_days", sa.Integer),
        sa.Column("log_group_class", sa.String(32), nullable=False),
        sa.Column("kms_key", sa.String(256)),
        sa.Column("tags", sa.Text, nullable=False),
    )
    op.create_table(
        "log_streams",
        *_tenant(),
        sa.Column("log_group", sa.String(512), primary_key=True),
        sa.Column("name", sa.String(512), primary_key=True),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "trial_components",
        *_tenant(),
        sa.Column("name", sa.String(120), primary_key=True),
        sa.Column("created", sa.Float, nullable=False),
    )


def downgrade() -> None:
    """Drop the tables."""
    for table in ("trial_components", "log_streams", "log_groups", "runs", "training_jobs", "access_keys"):
        op.drop_table(table)


def _tenant() -> "tuple[sa.Column[str], sa.Column[str]]":
    return (
        sa.Column("account", sa.String(12), primary_key=True),
        sa.Column("region", sa.String(64), primary_key=True),
    )
