"""Draws widgets as CloudWatch does."""
