"""Saved queries of Logs Insights."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "query_definitions",
        sa.Column("account", sa.String(12), primary_key=True),
        sa.Column("region", sa.String(64), primary_key=True),
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("modified_ms", sa.BigInteger, nullable=False),
        sa.Column("client_token", sa.String(128)),
        sa.Column("definition", sa.Text, nullable=False),
    )
