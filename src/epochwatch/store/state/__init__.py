"""The state store: records that change and need transactions. SQLite or PostgreSQL, by the same code."""

from epochwatch.store.state.store import StateStore

__all__ = ["StateStore"]
