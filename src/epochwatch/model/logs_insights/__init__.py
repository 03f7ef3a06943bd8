"""CloudWatch Logs Insights: queries over log events, as text and as what they say."""

from epochwatch.model.logs_insights.errors import MalformedQuery
from epochwatch.model.logs_insights.grammar import parse

__all__ = ["MalformedQuery", "parse"]
