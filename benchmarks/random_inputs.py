"""Random inputs of operations, led by the service models: right ones, ones at the limits, and ones broken on purpose.

Names come from a small pool, so that a million requests make some hundred log groups, jobs and series, not a million.
"""

import json
from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any, Final

from botocore.model import Shape

from benchmarks.random_expressions import MORE_STATISTICS, expression, statistic
from epochwatch.gateway.shapes import compiled_pattern

NAMES: Final = ("a", "b1", "train-loss", "job-1", "job-2", "algo-1", "Errors", "x" * 40, "1", "ALL")
POOL: Final = (
    *NAMES,
    "/aws/sagemaker/TrainingJobs",
    "AWS/Forbidden",
    "Team/Training",
    "group/with.dots_and-dashes#1",
    "arn:aws:iam::123456789012:role/training",
    "arn:aws:sagemaker:us-east-1:123456789012:training-job/job-1",
    "arn:aws:sagemaker:us-east-1:123456789012:training-plan/plan-1",
    "arn:aws:logs:us-east-1:123456789012:log-group:a:*",
    "arn:aws:kms:us-east-1:123456789012:key/1234abcd",
    "s3://bucket/prefix",
    "123456789012.dkr.ecr.us-east-1.amazonaws.com/image:latest",
    "123456789012",
    "us-east-1",
    "2026-01-01T00:00:00Z",
    "p99",
    "Average",
    "TM(10%:90%)",
    "wm95.5",
    "PR(1:2)",
    "+0130",
    "[ip, user, ...]",
    '{ $.loss > 1 && $.a[0].b = "x*" }',
    '?ERROR ?"out of memory" -debug',
    "%loss=[0-9.]+%",
    "loss=([0-9.]+)",
    '{"a": {"b": [1, 2.5, null, "x"]}, "loss": 0.5}',
    "[1, 2",
    "loss: 0.25 step=7",
    "\ttext \u00e9\U0001f600 with \"quotes\" & <tags> 'and' \\backslashes\\",
    "two\nlines\r\n",
    "\x00\x01\x7f\x85\ufffe",
    " ",
    "",
    "0",
    "-1",
    "1e400",
    "NaN",
    "null",
    "%s%n${jndi:ldap://x}",
    "../../../etc/passwd",
    "'; DROP TABLE samples; --",
    "x" * 255,
    "x" * 256,
    "\u00e9" * 600,
    "y" * 5000,
)
NUMBERS: Final = (0.0, -0.0, 1.0, -1.0, 0.1, 1e-300, 5e-324, 1e300, 2.0**360, 2.0**361, 1.7976931348623157e308)
PERIODS: Final = (1, 5, 10, 30, 60, 120, 300, 3600, 86400, 0, -60, 7, 61, 2**31 - 1)
AGES: Final = (
    0,
    1,
    60,
    3600,
    10_800,
    86_400,
    14 * 86_400,
    16 * 86_400,
    64 * 86_400,
    455 * 86_400,
    3e9,
    -60,
    -7200,
    -7300,
    -1e9,
)

EXCLUSIVE: Final = (
    ("MetricStat", "Expression"),
    ("Statistics", "ExtendedStatistics"),
    ("logGroupName", "logGroupIdentifier"),
    ("logGroupNamePrefix", "logGroupNamePattern", "logGroupIdentifiers"),
    ("logStreamNames", "logStreamNamePrefix"),
    ("SingleMetricAnomalyDetector", "MetricMathAnomalyDetector", "Namespace", "AnomalyDetectorIds"),
    ("SingleMetricAnomalyDetector", "MetricMathAnomalyDetector", "MetricName"),
)
"""Members of which a right input has one."""
NEEDED: Final = ("logGroupName", "Namespace", "MetricName", "Dimensions", "Statistics", "MetricStat", "MetricData")
"""Members that are optional in the model, and mostly there."""
RARE: Final = (
    "nextToken",
    "NextToken",
    "EntityMetricData",
    "OwningAccount",
    "kmsKeyId",
    "logGroupIdentifiers",
    "ReturnData",
)
"""Members that mostly make a request fail or answer nothing."""
LABELS: Final = (
    "plain",
    "${LABEL} ${AVG}",
    "${PROP('Dim.algo')} ${LAST_TIME}",
    "${MAX} ${",
    "${NOPE}",
    "${PROP('",
)


MOST_LETTERS: Final = 10_000
"""Letters of a text for which the model has no limit."""


class Moment(float):
    """A timestamp, which each protocol writes in a way of its own."""


class Inputs:
    """A source of random inputs; the same ``chance`` gives the same inputs."""

    def __init__(self, chance: Random, now: float) -> None:
        self._chance = chance
        self._now = now
        self._texts: dict[str, Callable[[], str]] = {
            "Expression": lambda: expression(chance, ("a0", "b1")),
            "Stat": lambda: statistic(chance),
            "ExtendedStatistics": lambda: chance.choice(MORE_STATISTICS),
            "Label": lambda: chance.choice(LABELS),
            "MetricName": lambda: chance.choice(("a", "b1", "train-loss")),
            "Name": lambda: chance.choice(("algo", "Host", "TrainingJobName")),
            "Value": lambda: chance.choice(("job-1", "job-2", "algo-1")),
            "Unit": lambda: chance.choice(("None", "None", "Percent", "Seconds")),
            "Namespace": lambda: chance.choice(("Team/Training", "/aws/sagemaker/TrainingJobs", "a")),
            "Id": lambda: chance.choice("abcdefgh") + str(chance.randrange(4)),
            "message": self._message,
            "logGroupName": lambda: chance.choice(("a", "b1", "job-1")),
            "logStreamName": lambda: chance.choice(("a", "b1")),
            "TrainingJobName": lambda: chance.choice(("job-1", "job-2")),
            "OwningAccount": lambda: "123456789012",
            "Timezone": lambda: chance.choice(("+0000", "-0730", "+1400")),
            "nextToken": self._token,
            "NextToken": self._token,
        }

    def right(self, shape: Shape) -> Any:
        """A value that mostly satisfies the shape's constraints, often just so."""
        return self._value(shape, "", 0)

    def broken(self, shape: Shape) -> Any:
        """A right value of which up to three parts are replaced by something else."""
        value = self.right(shape)
        for _ in range(self._chance.randint(1, 3)):
            value = self._break(value)
        return value

    def _value(self, shape: Shape, name: str, depth: int) -> Any:
        kind = shape.type_name
        if kind == "structure":
            return self._structure(shape, depth)
        if kind in ("list", "map"):
            count = self._count(shape, depth)
            if name == "MetricDataQueries":
                return self._queries(shape.member, count, depth)
            if kind == "list":
                return [self._value(shape.member, name, depth + 1) for _ in range(count)]
            return {
                self._value(shape.key, "", depth + 1): self._value(shape.value, name, depth + 1)
                for _ in range(count)
            }
        return self._scalar(shape, kind, name)

    def _structure(self, shape: Shape, depth: int) -> dict[str, Any]:
        names = [name for name in shape.members if self._is_taken(shape, name, depth)]
        if getattr(shape, "is_tagged_union", False):
            names = names[:1]
        for group in EXCLUSIVE:
            several = [name for name in group if name in names]
            if len(several) > 1 and self._chance.random() < 0.95:
                kept = next(
                    (name for name in several if name in shape.required_members), self._chance.choice(several)
                )
                names = [name for name in names if name == kept or name not in group]
        if {"Value", "Values", "StatisticValues"} <= shape.members.keys():
            form = self._chance.choice((["Value"], ["Values"], ["Values", "Counts"], ["StatisticValues"]))
            names = [n for n in names if n not in ("Value", "Values", "Counts", "StatisticValues")] + form
        made = {name: self._value(shape.members[name], name, depth + 1) for name in names}
        if "Counts" in made and self._chance.random() < 0.95:
            made["Counts"] = [float(number) for number in range(1, len(made["Values"]) + 1)]
        return made

    def _is_taken(self, shape: Shape, name: str, depth: int) -> bool:
        """Whether a structure gets that member."""
        if name in shape.required_members:
            return True
        share = 0.5 if depth < 3 else 0.3 if depth < 6 else 0.0
        if name in RARE:
            share *= 0.1
        elif name in NEEDED:
            share = 0.95
        return self._chance.random() < share

    def _queries(self, shape: Shape, count: int, depth: int) -> list[Any]:
        """Queries that may refer to each other."""
        ids = ["abcdefgh"[number % 8] + str(number) for number in range(max(count, 1))]
        queries = [self._value(shape, "", depth + 1) for _ in ids]
        for name, query in zip(ids, queries, strict=True):
            if self._chance.random() < 0.97:
                query["Id"] = name
            if "Expression" in query:
                query["Expression"] = expression(self._chance, ids)
        return queries

    def _count(self, shape: Shape, depth: int) -> int:
        low, high = int(shape.metadata.get("min") or 0), int(shape.metadata.get("max") or 1000)
        if self._chance.random() < 0.02 and depth < 3:
            return self._chance.choice((0, low, min(high, 1000), min(high, 1000) + 1))
        return max(low, min(high, self._chance.choice((0, 1, 1, 1, 2, 3))))

    def _scalar(self, shape: Shape, kind: str, name: str) -> Any:
        chance = self._chance
        if kind == "timestamp":
            return self._moment(name)
        if kind in ("integer", "long"):
            return self._integer(shape, name)
        if kind in ("float", "double"):
            return self._number(name)
        if kind == "boolean":
            return chance.random() < 0.5
        if kind == "blob":
            return chance.randbytes(chance.randrange(64))
        made = self._texts.get(name)
        if made is not None and chance.random() < 0.97:
            return made()
        return chance.choice(_texts(shape))

    def _integer(self, shape: Shape, name: str) -> int:
        low, high = int(shape.metadata.get("min", 0)), int(shape.metadata.get("max", 2**31 - 1))
        if name == "Period":
            return self._chance.choice(PERIODS if self._chance.random() < 0.1 else PERIODS[:9])
        if name == "MaxDatapoints":
            return self._chance.choice((1, 2, 500, 100_800, 100_801))
        if name == "StorageResolution" and self._chance.random() < 0.95:
            return self._chance.choice((1, 60))
        if "ime" in name and shape.type_name == "long":  # the logs' milliseconds
            return int(1000 * self._moment(name))
        return self._chance.choice((low, low + 1, min(high, 10), min(high, 1000), high))

    def _moment(self, name: str) -> Moment:
        return Moment(round(self._now - self._age(name), 3))  # clients send milliseconds

    def _age(self, name: str) -> float:
        chance = self._chance
        if chance.random() < 0.1:
            return chance.choice(AGES) + chance.random() * 3600
        if name.lower().startswith("end"):
            return -chance.choice((0, 60, 3600))
        span = chance.choice((60, 3600, 3 * 3600)) if chance.random() < 0.8 else 13 * 86_400
        return chance.random() * span

    def _number(self, name: str) -> float:
        chance = self._chance
        if chance.random() < 0.1:
            return chance.choice(NUMBERS)
        low = {"SampleCount": 1, "Maximum": 0}.get(name, -100)
        return chance.uniform(low, {"Minimum": 0}.get(name, 100))

    def _message(self) -> str:
        chance = self._chance
        if chance.random() < 0.2:
            return json.dumps({"_aws": embedded(chance, self._now), "a": chance.random(), "algo": "job-1"})
        return chance.choice(POOL) or "line"

    def _token(self) -> str:
        return self._chance.choice(("AAAA", "x" * 50, "f/1", "b/2", "%%%", "\u00e9"))

    def _break(self, value: Any) -> Any:
        if isinstance(value, dict) and value and self._chance.random() < 0.85:
            name = self._chance.choice(list(value))
            what = self._chance.random()
            if what < 0.15:
                return {key: part for key, part in value.items() if key != name}
            if what < 0.25:
                return value | {self._chance.choice(("unknown", "", "\u00e9", name.swapcase())): self._junk()}
            return value | {name: self._break(value[name])}
        if isinstance(value, list) and value and self._chance.random() < 0.7:
            place = self._chance.randrange(len(value))
            return [*value[:place], self._break(value[place]), *value[place + 1 :]]
        return self._junk()

    def _junk(self) -> Any:
        return self._chance.choice(JUNK)


def embedded(chance: Random, now: float) -> dict[str, Any]:
    """The ``_aws`` member of a message in the embedded metric format."""
    return {
        "Timestamp": chance.choice((int(now * 1000), 0, -1, "x", None)),
        "CloudWatchMetrics": chance.choice(
            (
                [{"Namespace": "Team/Training", "Dimensions": [["algo"]], "Metrics": [{"Name": "a"}]}],
                [{"Namespace": "Team/Training", "Dimensions": [[]], "Metrics": [{"Name": "a", "Unit": "Nope"}]}],
                [{"Namespace": 5, "Dimensions": "algo", "Metrics": [{}]}],
                [],
                {},
            )
        ),
    }


def _nested(depth: int, of: type) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value] if of is list else {"a": value}
    return value


JUNK: Final = (
    None,
    True,
    0,
    -1,
    2**31,
    2**63,
    -(2**63) - 1,
    2**70,
    10**400,
    1.5,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "x",
    "\x00",
    "soon",
    "9" * 5000,
    "z" * 70_000,
    b"\xff\xfe",
    [],
    {},
    [None],
    [[]],
    ["a"] * 2000,
    [10**5000] * 40,
    {"a": 1},
    {"": ""},
    _nested(50, list),
    _nested(200, dict),
)
"""What stands in place of something right."""


def _texts(shape: Shape) -> tuple[str, ...]:
    """Texts for a shape: mostly such that satisfy it and, rarely, one that does not."""
    metadata = shape.metadata
    low, high = int(metadata.get("min") or 0), int(metadata.get("max") or MOST_LETTERS)
    return _fitting(
        tuple(getattr(shape, "enum", None) or ()), low, min(high, MOST_LETTERS), metadata.get("pattern")
    )


@cache
def _fitting(enum: tuple[str, ...], low: int, high: int, written: str | None) -> tuple[str, ...]:
    if enum:
        return (*enum * 20, "NOPE", "")
    pattern = compiled_pattern(written) if written else None
    candidates = [*POOL, "a" * low, "1" * low, "a" * high]
    fitting = [
        text for text in candidates if low <= len(text) <= high and (pattern is None or pattern.fullmatch(text))
    ]
    named = [text for text in fitting if text in NAMES]
    return (*(named or fitting) * 60, *fitting, "a" * (high + 1), "\x00")
