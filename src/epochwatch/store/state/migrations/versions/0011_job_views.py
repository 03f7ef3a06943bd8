"""Saved views of the table of jobs, and a stamp by which a job's record is known to be unchanged."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, and add the column with its index."""
    op.create_table(
        "job_views",
        sa.Column("account", sa.String(12), primary_key=True),
        sa.Column("region", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(128), primary_key=True),
        sa.Column("view", sa.Text, nullable=False),
        sa.Column("modified", sa.Float, nullable=False),
        sa.Column("is_default", sa.Boolean, nullable=False),
    )
    for jobs in ("training_jobs", "processing_jobs"):
        op.add_column(jobs, sa.Column("stamp", sa.BigInteger, nullable=False, server_default="0"))
        op.create_index(f"{jobs}_by_stamp", jobs, ["account", "region", "name", "stamp"])
