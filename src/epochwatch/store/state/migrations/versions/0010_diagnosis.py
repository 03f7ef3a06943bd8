"""What the saved tensors tell of a training job."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("training_jobs", sa.Column("diagnosis", sa.Text))
