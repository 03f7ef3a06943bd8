"""Hooks: what saves tensors out of a training while it runs."""
