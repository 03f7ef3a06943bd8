"""Evaluates alarms by itself: when each is due, over what is stored then."""
