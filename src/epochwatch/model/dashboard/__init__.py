"""Dashboards and their widgets: what a body may say, and what it means."""
