"""Jobs made through the API: what they were created with, processing jobs, and launches."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables and the column."""
    op.add_column("training_jobs", sa.Column("request", sa.Text))
    op.create_table(
        "processing_jobs",
        sa.Column("account", sa.String(12), primary_key=True),
        sa.Column("region", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(63), primary_key=True),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("updated", sa.Float, nullable=False),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("request", sa.Text),
    )
    op.create_index("processing_jobs_by_creation", "processing_jobs", ["account", "region", "created"])
    op.create_table(
        "launches",
        sa.Column("account", sa.String(12), primary_key=True),
        sa.Column("region", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("job", sa.String(63), primary_key=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("launcher", sa.String(32), nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("stop_requested", sa.Float),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("started", sa.Float),
    )
    op.create_index("launches_by_state", "launches", ["state", "created"])
