"""Beside the training: records what it prints in a durable spool, samples its host, ships both to the server."""
