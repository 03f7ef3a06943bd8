"""The database behind the state store: opened by URL, brought to the newest schema, used in transactions."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from epochwatch.errors import EpochwatchError, UsageError
from epochwatch.model.tenant import Tenant
from epochwatch.store.state.tables import METADATA

BUSY_SECONDS = 30
SQLITE_CONNECTIONS = 40
"""Kept open: one for each thread that answers requests. To open one takes longer than most of what it is asked."""
_READS = "epochwatch_reads"
NEWEST_REVISION = "0011"
"""The newest migration: a database that is there needs no Alembic, whose import is a fifth of a server's start."""


class Database:
    """Transactions on SQLite or PostgreSQL. Safe to use from any number of threads."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._waiters = threading.BoundedSemaphore(4)  # who has a lock must find a connection left to work with
        # SQLite lets one write at a time and those who wait look now and then: one may wait for ever among many.
        self._turn: AbstractContextManager[object] = (
            threading.RLock() if engine.dialect.name == "sqlite" else nullcontext()
        )

    @classmethod
    def open(cls, url: str) -> "Database":
        """``sqlite:///path`` or ``postgresql://user:password@host/database``. Raises UsageError for another URL,
        EpochwatchError where the database does not answer or is newer than this program.
        """
        try:
            parsed = make_url(url)
        except ArgumentError as error:
            raise _unusable(url) from error
        if parsed.drivername == "sqlite":
            engine = _sqlite(parsed)
        elif parsed.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
            engine = sa.create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
        else:
            raise _unusable(url)
        try:
            _migrate(engine)
        except Exception as error:
            engine.dispose()
            place = parsed.render_as_string(hide_password=True)
            raise EpochwatchError(f"cannot open the state store at {place}: {_first_line(error)}") from error
        return cls(engine)

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """A transaction: committed at the end, rolled back on an exception."""
        with self._turn, self._engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A transaction that only reads: it sees one state of the database, and waits for nobody."""
        with self._engine.connect().execution_options(**{_READS: True}) as connection, connection.begin():
            yield connection

    @contextmanager
    def elected(self, duty: str) -> Iterator[bool]:
        """Whether this server is the one to do ``duty`` now: of several servers on one database only one is, for as
        long as the context lasts. A SQLite database has one server.
        """
        if self.dialect != "postgresql":
            yield True
            return
        number = _lock_number(duty)
        with self._engine.connect() as connection:
            chosen = bool(connection.execute(sa.text("SELECT pg_try_advisory_lock(:n)"), {"n": number}).scalar())
            connection.commit()  # the lock is the session's, no transaction stays open meanwhile
            try:
                yield chosen
            finally:
                if chosen:
                    connection.execute(sa.text("SELECT pg_advisory_unlock(:n)"), {"n": number})
                    connection.commit()

    @contextmanager
    def alone(self, what: str) -> Iterator[None]:
        """Of several servers on one database, one at a time is in the context for ``what``; the others wait. Threads
        of one server are not kept apart.
        """
        if self.dialect != "postgresql":
            yield
            return
        number = _lock_number(what)
        with self._waiters, self._engine.connect() as connection:
            connection.execute(sa.text("SELECT pg_advisory_lock(:n)"), {"n": number})
            connection.commit()
            try:
                yield
            finally:
                connection.execute(sa.text("SELECT pg_advisory_unlock(:n)"), {"n": number})
                connection.commit()

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._engine.dialect.name

    def bytewise(self, column: sa.Column[Any]) -> sa.ColumnElement[Any]:
        """``column`` as text to sort and compare by its bytes, whatever order the database has for its language."""
        return column.collate("C") if self.dialect == "postgresql" else column

    def holds(self, column: sa.ColumnElement[Any], text: str) -> sa.ColumnElement[bool]:
        """``column`` has ``text`` in it, with its case. (SQLite's LIKE sees no case, and refuses long patterns.)"""
        function = sa.func.strpos if self.dialect == "postgresql" else sa.func.instr
        return function(column, text) > 0

    def clear(self) -> None:
        """Delete every row of every table."""
        with self.begin() as connection:
            for table in reversed(METADATA.sorted_tables):
                connection.execute(table.delete())

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def _lock_number(what: str) -> int:
    return int.from_bytes(hashlib.blake2b(what.encode(), digest_size=8).digest(), "big", signed=True)


def owned(table: sa.Table, tenant: Tenant) -> sa.ColumnElement[bool]:
    """The condition that a row of ``table`` belongs to ``tenant``."""
    return (table.c.account == tenant.account) & (table.c.region == tenant.region)


def owner(tenant: Tenant) -> dict[str, str]:
    """The columns that make a new row ``tenant``'s."""
    return {"account": tenant.account, "region": tenant.region}


def _sqlite(url: sa.URL) -> sa.Engine:
    if not url.database:
        raise UsageError("the state store needs a file", "use sqlite:///path")
    Path(url.database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_SECONDS}, pool_size=SQLITE_CONNECTIONS)

    @sa.event.listens_for(engine, "connect")
    def configure(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, as writers from the start
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        # A reader that turns writer half way can fail at once instead of waiting its turn.
        reads = connection.get_execution_options().get(_READS)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def _migrate(engine: sa.Engine) -> None:
    if _revision(engine) == NEWEST_REVISION:
        return
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":  # servers that start together migrate one after another
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(46004600)"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _revision(engine: sa.Engine) -> str | None:
    """The database's revision; None where it has none yet."""
    try:
        with engine.connect() as connection:
            return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    except SQLAlchemyError:
        return None


def _unusable(url: str) -> UsageError:
    return UsageError(
        f"the state store cannot be '{url.partition(':')[0]}:…'",
        "use sqlite:///path or postgresql://user:password@host/database",
    )


def _first_line(error: BaseException) -> str:
    detail = getattr(error, "orig", None) or error
    return (str(detail).strip().splitlines() or [type(error).__name__])[0][:300]
