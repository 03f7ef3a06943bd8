"""Signed HTTP to the server, and what is read through it."""
