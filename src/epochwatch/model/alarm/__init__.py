"""Alarms: which state they are in, by datapoints (``evaluation``) or by other alarms (``composite``)."""
