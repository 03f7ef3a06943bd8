"""The state store's schema and its migrations agree."""

from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import epochwatch.store.state
from epochwatch.store.state.database import NEWEST_REVISION, Database
from epochwatch.store.state.tables import METADATA


def test_the_newest_revision_is_the_one_the_migrations_end_in() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(epochwatch.store.state.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_heads() == [NEWEST_REVISION]


def test_the_migrations_make_the_tables_the_code_uses(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'state.db'}")
    with database.begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    database.close()


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    for _ in range(2):
        database = Database.open(f"sqlite:///{tmp_path / 'state.db'}")
        with database.begin() as connection:
            assert (
                connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar() == NEWEST_REVISION
            )
        database.close()
