"""The filter of the jobs table: ``status = Failed and metrics."validation:loss".best < 0.3 and params.lr >= 1e-4``."""

from epochwatch.model.job_filter.attributes import Attribute
from epochwatch.model.job_filter.errors import InvalidFilter
from epochwatch.model.job_filter.grammar import LONGEST, Filter, Narrowing, column, key, parse
from epochwatch.model.job_filter.row import JobRow, TableRow

__all__ = [
    "LONGEST",
    "Attribute",
    "Filter",
    "InvalidFilter",
    "JobRow",
    "Narrowing",
    "TableRow",
    "column",
    "key",
    "parse",
]
