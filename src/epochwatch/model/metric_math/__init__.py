"""Metric math: expressions over time series, as CloudWatch's GetMetricData understands them.

``parse`` says what an expression needs, the caller fetches it and passes it as an Environment to ``evaluate``.
"""

from epochwatch.model.metric_math.evaluation import Environment, evaluate, returned
from epochwatch.model.metric_math.grammar import parse
from epochwatch.model.metric_math.series import TimeSeries, Value
from epochwatch.model.metric_math.syntax import Expression, InvalidExpression, SearchCall

__all__ = [
    "Environment",
    "Expression",
    "InvalidExpression",
    "SearchCall",
    "TimeSeries",
    "Value",
    "evaluate",
    "parse",
    "returned",
]
