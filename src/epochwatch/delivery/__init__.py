"""Brings messages to subscribers, from the outbox in the store."""
