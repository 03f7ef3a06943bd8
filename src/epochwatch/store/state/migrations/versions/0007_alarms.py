"""Alarms, their history, and the actions they have to perform."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "alarms",
        sa.Column("account", sa.String(12), primary_key=True),
        sa.Column("region", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("definition", sa.Text, nullable=False),
        sa.Column("actions_enabled", sa.Boolean, nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("state", sa.String(17), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("reason_data", sa.Text),
        sa.Column("progress", sa.Text, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("configured", sa.Float, nullable=False),
        sa.Column("updated", sa.Float, nullable=False),
        sa.Column("transitioned", sa.Float, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("every", sa.Integer, nullable=False),
        sa.Column("slot", sa.Integer, nullable=False),
    )
    op.create_index("alarms_by_slot", "alarms", ["every", "slot"])
    op.create_index("alarms_by_kind", "alarms", ["account", "region", "kind", "name"])
    op.create_table(
        "alarm_history",
        sa.Column("id", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("account", sa.String(12), nullable=False),
        sa.Column("region", sa.String(64), nullable=False),
        sa.Column("alarm", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("type", sa.String(32), nullable=False),
        sa.Column("summary", sa.String(255), nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("alarm_history_by_alarm", "alarm_history", ["account", "region", "alarm", "at", "id"])
    op.create_index("alarm_history_by_time", "alarm_history", ["at"])
    op.create_table(
        "alarm_actions",
        sa.Column("id", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("account", sa.String(12), nullable=False),
        sa.Column("region", sa.String(64), nullable=False),
        sa.Column("alarm", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("action", sa.String(1024), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("due", sa.Float, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("alarm_actions_by_due", "alarm_actions", ["due"])
