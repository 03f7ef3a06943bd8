"""Experiments, trials, trial components and tuning jobs in one table, and which component belongs to which trial."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables; the trial components move."""
    op.create_table(
        "resources",
        sa.Column("account", sa.String(12), primary_key=True),
        sa.Column("region", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(32), primary_key=True),
        sa.Column("name", sa.String(120), primary_key=True),
        sa.Column("parent", sa.String(120), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("updated", sa.Float, nullable=False),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
    )
    op.create_index("resources_by_status", "resources", ["kind", "status"])
    op.create_table(
        "trial_memberships",
        sa.Column("account", sa.String(12), primary_key=True),
        sa.Column("region", sa.String(64), primary_key=True),
        sa.Column("trial", sa.String(120), primary_key=True),
        sa.Column("component", sa.String(120), primary_key=True),
    )
    op.execute(
        "INSERT INTO resources (account, region, kind, name, parent, status, created, updated, record, tags)"
        " SELECT account, region, 'experiment-trial-component', name, '', '', created, created, '{}', '{}'"
        " FROM trial_components"
    )
    op.drop_table("trial_components")
