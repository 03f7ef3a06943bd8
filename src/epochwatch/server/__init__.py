"""The server: opens the stores, puts the faces in front of them, and serves them on one port."""

from epochwatch.server.process import serve

__all__ = ["serve"]
