"""Retention policies, how far tiers are rolled up, and anomaly detectors."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "anomaly_detectors",
        sa.Column("account", sa.String(12), primary_key=True),
        sa.Column("region", sa.String(64), primary_key=True),
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("record", sa.Text, nullable=False),
    )
    op.create_table(
        "retention_policies",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("lifetimes", sa.String(255), nullable=False, unique=True),
    )
    op.create_table(
        "tier_progress",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.BigInteger, nullable=False),
    )
