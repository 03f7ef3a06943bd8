"""Random expressions for GetMetricData: metric math, SEARCH and Metrics Insights, most of them right."""

import re
from collections.abc import Sequence
from random import Random
from typing import Final

STATISTICS: Final = (
    "Average",
    "Sum",
    "Minimum",
    "Maximum",
    "SampleCount",
    "p99",
    "p0",
    "p100",
    "p99.9999999999",
    "IQM",
)
MORE_STATISTICS: Final = (
    "tm90",
    "TM(10%:90%)",
    "TM(1:)",
    "wm95",
    "WM(:5%)",
    "tc5",
    "TC(:0.5)",
    "ts99",
    "TS(5%:)",
    "PR(:1)",
)
FUNCTIONS: Final = re.findall(
    r"\w+",
    "ABS ANOMALY_DETECTION_BAND AVG CEIL DATAPOINT_COUNT DAY DIFF DIFF_TIME EPOCH FILL FIRST FLOOR HOUR IF LAST LOG "
    "LOG10 INSIGHT_RULE_METRIC MAX METRIC_COUNT METRICS MIN MINUTE MONTH PERIOD RATE REMOVE_EMPTY RUNNING_SUM SEARCH "
    "SERVICE_QUOTA SLICE SORT STDDEV SUM TIME_SERIES YEAR DB_PERF_INSIGHTS NOPE",
)
FORMULAS: Final = (
    "a + b * 2",
    "a / b",
    "(a - b) ^ 2",
    "-a",
    "100 * SUM([a, b]) / SUM(METRICS())",
    "IF(a > 0.5, a, b)",
    "IF(a AND NOT b, 1, 0)",
    "RATE(a)",
    "DIFF(a) + DIFF_TIME(a)",
    "FILL(a, 0)",
    "FILL(METRICS(), LINEAR)",
    "FILL(b, REPEAT)",
    "RUNNING_SUM(a)",
    "STDDEV([a, b])",
    "SORT(METRICS(), AVG, DESC, 3)",
    "SLICE(METRICS(), 0, 2)",
    "REMOVE_EMPTY(METRICS())",
    "ANOMALY_DETECTION_BAND(a, 2)",
    "TIME_SERIES(5)",
    "HOUR(a) + EPOCH(b) + PERIOD(a)",
    "METRIC_COUNT([a, b])",
    "MAX([MIN(a), AVG(b), 5])",
    "LOG10(CEIL(ABS(a)))",
    "FIRST(METRICS())",
    "DATAPOINT_COUNT(METRICS())",
)
SEARCHES: Final = (
    "{Team/Training,algo} MetricName=a",
    "{Team/Training}",
    '"job-1" OR train-loss NOT Errors',
    "Namespace=Team/Training (a AND b1) :aws.AccountId=LOCAL",
    '{Team/Training} "a',
    "MetricName=(a OR b1) AND NOT ((x",
    "",
)
INSIGHTS: Final = (
    "SELECT AVG(a) FROM SCHEMA(\"Team/Training\", algo) WHERE algo = 'job-1' GROUP BY algo ORDER BY MAX() DESC LIMIT 9",
    'SELECT COUNT(b1) FROM "Team/Training"',
    'SELECT SUM("train-loss") FROM "/aws/sagemaker/TrainingJobs" GROUP BY Host, TrainingJobName',
    "SELECT MAX(a) FROM SCHEMA(\"Team/Training\", Host, algo) WHERE Host != 'algo-1' GROUP BY Host ORDER BY SUM() ASC",
    "SELECT MIN(a) FROM SCHEMA(\"Team/Training\") WHERE a != '' AND b LIKE 'x' OR",
    "SELECT * FROM samples",
)
WRAPPED: Final = ("{}", "SUM({})", "FILL({}, 0)", "MAX({}) - MIN({})", "SORT({}, SUM, ASC)", "NOPE({})")
SPANS: Final = (1, 60, 60, 60, 300, 3600, 0, 61, 86_400)
OPERATORS: Final = ("+", "-", "*", "/", "^", "==", "!=", "<", ">=", "AND", "OR", "&&", "||")
SPLINTERS: Final = ("(", ")", "'", '"', ",", "\u00e9", "\x00", "((((" * 50, "[" * 3000, "-" * 9000, "1" * 400)


def statistic(chance: Random) -> str:
    """A statistic's name."""
    return chance.choice(STATISTICS + MORE_STATISTICS)


def expression(chance: Random, ids: Sequence[str]) -> str:
    """An expression over the queries of these ids."""
    kind = chance.random()
    if kind < 0.2:
        text = chance.choice(INSIGHTS)
    elif kind < 0.4:
        search = f"SEARCH('{chance.choice(SEARCHES)}', '{statistic(chance)}', {chance.choice(SPANS)})"
        text = chance.choice(WRAPPED).replace("{}", search)
    elif kind < 0.8:
        one, other = chance.choice(ids), chance.choice(ids)
        text = re.sub(r"\b[ab]\b", lambda found: one if found.group() == "a" else other, chance.choice(FORMULAS))
    else:
        text = _formula(chance, ids, 0)
    return _misspelt(chance, text) if chance.random() < 0.2 else text


def _formula(chance: Random, ids: Sequence[str], depth: int) -> str:
    if depth > 4 or chance.random() < 0.25:
        return chance.choice(
            (*ids, "METRICS()", "0", "1.5", "-3", '"a"', "1e308", "REPEAT", f"[{', '.join(ids)}]")
        )
    if chance.random() < 0.4:
        return (
            f"({_formula(chance, ids, depth + 1)} {chance.choice(OPERATORS)} {_formula(chance, ids, depth + 1)})"
        )
    arguments = ", ".join(_formula(chance, ids, depth + 1) for _ in range(chance.randrange(4)))
    return f"{chance.choice(FUNCTIONS)}({arguments})"


def _misspelt(chance: Random, text: str) -> str:
    place, what = chance.randrange(len(text) + 1), chance.random()
    if what < 0.3:
        return text[:place]
    if what < 0.6:
        return text[:place] + text[place + 1 :]
    return text[:place] + chance.choice(SPLINTERS) + text[place:]
