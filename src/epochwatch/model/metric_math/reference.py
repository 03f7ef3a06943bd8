"""What one may write into an expression, a statistic or a label, in a line each: for whoever writes one."""

from typing import Final, NamedTuple

from epochwatch.model.insights import Function
from epochwatch.model.labels import DYNAMIC_VALUES, PROPERTIES


class Entry(NamedTuple):
    """Something that can be written, how it is called with its arguments, and what it means."""

    name: str
    usage: str
    meaning: str


FUNCTIONS: Final = (
    Entry("ABS", "ABS(m1)", "the absolute value of each point"),
    Entry("ANOMALY_DETECTION_BAND", "ANOMALY_DETECTION_BAND(m1, 2)", "the band of expected values, in deviations"),
    Entry("AVG", "AVG(m1)", "the average of a series; of an array, at each time"),
    Entry("CEIL", "CEIL(m1)", "each point rounded up"),
    Entry("DATAPOINT_COUNT", "DATAPOINT_COUNT(m1)", "how many points a series has; of an array, at each time"),
    Entry("DATE", "DATE(m1)", "the day of the month of each period, in UTC"),
    Entry("DAY", "DAY(m1)", "the day of the week of each period: 1 is Monday, 7 Sunday"),
    Entry("DB_PERF_INSIGHTS", "DB_PERF_INSIGHTS('RDS', 'id', 'metric')", "a database's metric; refused here"),
    Entry("DIFF", "DIFF(m1)", "each point less the one before"),
    Entry("DIFF_TIME", "DIFF_TIME(m1)", "seconds since the point before"),
    Entry("EPOCH", "EPOCH(m1)", "the time of each period in Unix seconds"),
    Entry("FILL", "FILL(m1, REPEAT)", "missing points filled with a number, a series, REPEAT or LINEAR"),
    Entry("FIRST", "FIRST([m1, m2])", "the first series of an array"),
    Entry("FLOOR", "FLOOR(m1)", "each point rounded down"),
    Entry("HOUR", "HOUR(m1)", "the hour of each period, in UTC"),
    Entry("IF", "IF(m1 > 0, m1, m2)", "one value where a condition holds, else another or none"),
    Entry("INSIGHT_RULE_METRIC", "INSIGHT_RULE_METRIC('rule', 'metric')", "Contributor Insights; refused here"),
    Entry("LAMBDA", "LAMBDA('name')", "what a function of AWS answers; refused here"),
    Entry("LAST", "LAST([m1, m2])", "the last series of an array"),
    Entry("LOG", "LOG(m1)", "the natural logarithm of each point"),
    Entry("LOG10", "LOG10(m1)", "the logarithm to base 10 of each point"),
    Entry("MAX", "MAX(m1)", "the greatest point of a series; of an array, at each time"),
    Entry("METRICS", 'METRICS("part")', "the metrics of the graph; those whose id has a part"),
    Entry("METRIC_COUNT", "METRIC_COUNT(METRICS())", "how many series an array has"),
    Entry("MIN", "MIN(m1)", "the least point of a series; of an array, at each time"),
    Entry("MINUTE", "MINUTE(m1)", "the minute of each period, in UTC"),
    Entry("MONTH", "MONTH(m1)", "the month of each period, in UTC"),
    Entry("PERIOD", "PERIOD(m1)", "the period of a metric in seconds"),
    Entry("RATE", "RATE(m1)", "the change to the point before, a second"),
    Entry("REMOVE_EMPTY", "REMOVE_EMPTY(METRICS())", "the series of an array that have points"),
    Entry("RUNNING_SUM", "RUNNING_SUM(m1)", "the sum of the points so far"),
    Entry("SEARCH", "SEARCH('{Namespace,Dimension} words', 'Average', 60)", "a series for every metric found"),
    Entry("SERVICE_QUOTA", "SERVICE_QUOTA(m1)", "a quota of AWS; refused here"),
    Entry("SLICE", "SLICE(METRICS(), 0, 3)", "a part of an array, from and to, counted from 0"),
    Entry("SORT", "SORT(METRICS(), MAX, DESC, 5)", "an array by AVG, MIN, MAX or SUM, ASC or DESC; the first few"),
    Entry("STDDEV", "STDDEV(m1)", "the standard deviation of a series; of an array, at each time"),
    Entry("SUM", "SUM(m1)", "the sum of a series; of an array, at each time"),
    Entry("TIME_SERIES", "TIME_SERIES(1)", "a number as a series, in every period"),
    Entry("YEAR", "YEAR(m1)", "the year of each period, in UTC"),
)
"""Every function of metric math."""

STATISTICS: Final = (
    Entry("Average", "Average", "sum by number of samples"),
    Entry("Sum", "Sum", "sum of the samples"),
    Entry("Minimum", "Minimum", "least sample"),
    Entry("Maximum", "Maximum", "greatest sample"),
    Entry("SampleCount", "SampleCount", "number of samples"),
    Entry("p50", "p50", "median"),
    Entry("p90", "p90", "percentile: 90 % of the samples lie at or below it"),
    Entry("p99", "p99", "percentile; p0 to p100, with decimals: p99.9"),
    Entry("IQM", "IQM", "interquartile mean: of the middle half of the samples"),
    Entry("tm90", "tm90", "trimmed mean: without the highest 10 %"),
    Entry("TM(10%:90%)", "TM(10%:90%)", "trimmed mean between two percentiles or values"),
    Entry("wm90", "wm90", "winsorized mean: the highest 10 % count as the 90th percentile"),
    Entry("WM(10%:90%)", "WM(10%:90%)", "winsorized mean between two percentiles or values"),
    Entry("PR(:300)", "PR(:300)", "percentile rank: percentage of the samples within values"),
    Entry("TC(10%:90%)", "TC(10%:90%)", "trimmed count: number of samples within"),
    Entry("TS(10%:90%)", "TS(10%:90%)", "trimmed sum: sum of the samples within"),
)
"""Forms of statistics."""

_LABEL_MEANINGS: Final = {
    "LABEL": "the label it would have without one",
    "AVG": "average over the range",
    "SUM": "sum over the range",
    "MIN": "least value",
    "MAX": "greatest value",
    "FIRST": "first value",
    "LAST": "newest value",
    "DATAPOINT_COUNT": "how many points",
    "FIRST_LAST_RANGE": "last less first",
    "MIN_MAX_RANGE": "greatest less least",
}

LABELS: Final = (
    *(Entry(f"${{{one}}}", f"${{{one}}}", meaning) for one, meaning in _LABEL_MEANINGS.items()),
    *(
        Entry(f"${{{one}}}", f"${{{one}}}", one.lower().replace("_", " "))
        for one in sorted(DYNAMIC_VALUES - _LABEL_MEANINGS.keys())
    ),
    *(Entry(f"${{PROP('{one}')}}", f"${{PROP('{one}')}}", "of the metric") for one in sorted(PROPERTIES)),
    Entry("${PROP('Dim.')}", "${PROP('Dim.Host')}", "value of a dimension of the metric"),
)
"""Dynamic parts of labels."""

SQL: Final = (
    *(
        Entry(one.name, f"SELECT {one.name}(metric)", "of all samples of the metrics that match")
        for one in Function
    ),
    Entry("SELECT", 'SELECT AVG(metric) FROM "Namespace"', "Metrics Insights: SQL over many metrics"),
    Entry("FROM", 'FROM "Namespace"', "the namespace of the metrics"),
    Entry("SCHEMA", 'FROM SCHEMA("Namespace", Dimension)', "metrics with exactly these dimensions"),
    Entry("WHERE", "WHERE Dimension = 'value'", "which metrics: =, !=, AND, OR"),
    Entry("GROUP BY", "GROUP BY Dimension", "one series for each value"),
    Entry("ORDER BY", "ORDER BY MAX() DESC", "series by a value of theirs"),
    Entry("LIMIT", "LIMIT 5", "how many series"),
)
"""Words of Metrics Insights."""
