"""Metrics Insights: queries as tables of (text, what it means) and of (text, what is wrong with it)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epochwatch.model import insights
from epochwatch.model.aggregation import Series, Summary
from epochwatch.model.insights import MOST_SERIES, Function, InvalidQuery, Order
from epochwatch.model.metric import MetricId

AVG, COUNT, MAX, MIN, SUM = Function
UP = {function: Order(function, False) for function in Function}
DOWN = {function: Order(function, True) for function in Function}
ELB = 'FROM SCHEMA("AWS/ApplicationELB", LoadBalancer, AvailabilityZone)'
BALANCER = "WHERE LoadBalancer = 'app/load-balancer-1'"

# (query, function, metric, namespace, schema, group by, order, limit)
QUERIES = [
    # what the documentation builds step by step
    ('SELECT AVG(CPUUtilization) FROM "AWS/EC2"', AVG, "CPUUtilization", "AWS/EC2", None, (), None, 500),
    ('SELECT AVG(CPUUtilization) FROM SCHEMA("AWS/EC2")', AVG, "CPUUtilization", "AWS/EC2", "", (), None, 500),
    (
        'SELECT AVG(CPUUtilization) FROM SCHEMA("AWS/EC2", InstanceId)',
        *(AVG, "CPUUtilization", "AWS/EC2", "InstanceId", (), None, 500),
    ),
    (
        f"SELECT SUM(RequestCount) {ELB}",
        *(SUM, "RequestCount", "AWS/ApplicationELB", "LoadBalancer AvailabilityZone", (), None, 500),
    ),
    (
        f"SELECT SUM(RequestCount)\n{ELB}\n{BALANCER}\nGROUP BY AvailabilityZone",
        *(SUM, "RequestCount", "AWS/ApplicationELB", "LoadBalancer AvailabilityZone"),
        *(("AvailabilityZone",), None, 500),
    ),
    (
        f"SELECT SUM(RequestCount)\n{ELB}\n{BALANCER}\nGROUP BY AvailabilityZone\nORDER BY MAX() DESC\nLIMIT 5",
        *(SUM, "RequestCount", "AWS/ApplicationELB", "LoadBalancer AvailabilityZone"),
        *(("AvailabilityZone",), DOWN[MAX], 5),
    ),
    # its samples
    (
        'SELECT SUM(RequestCount) FROM SCHEMA("AWS/ApplicationELB", LoadBalancer)',
        *(SUM, "RequestCount", "AWS/ApplicationELB", "LoadBalancer", (), None, 500),
    ),
    (
        'SELECT MAX(ActiveConnectionCount) FROM SCHEMA("AWS/ApplicationELB", LoadBalancer) GROUP BY LoadBalancer '
        "ORDER BY SUM() DESC LIMIT 10",
        *(MAX, "ActiveConnectionCount", "AWS/ApplicationELB", "LoadBalancer", ("LoadBalancer",), DOWN[SUM], 10),
    ),
    (
        'SELECT COUNT(CallCount) FROM SCHEMA("AWS/Usage", Class, Resource, Service, Type) WHERE Type = \'API\' '
        "GROUP BY Service, Resource ORDER BY COUNT() DESC LIMIT 20",
        *(COUNT, "CallCount", "AWS/Usage", "Class Resource Service Type"),
        *(("Service", "Resource"), DOWN[COUNT], 20),
    ),
    (
        'SELECT COUNT(CallCount) FROM SCHEMA("AWS/Usage", Class, Resource, Service, Type) '
        "WHERE Type = 'API' AND Service = 'CloudWatch' GROUP BY Resource ORDER BY COUNT() DESC",
        *(COUNT, "CallCount", "AWS/Usage", "Class Resource Service Type", ("Resource",), DOWN[COUNT], 500),
    ),
    (
        'SELECT SUM(ReturnedBytes)\nFROM SCHEMA("AWS/DynamoDB", TableName) \nGROUP BY TableName\n'
        "ORDER BY MAX() DESC LIMIT 10",
        *(SUM, "ReturnedBytes", "AWS/DynamoDB", "TableName", ("TableName",), DOWN[MAX], 10),
    ),
    (
        'SELECT AVG(CPUUtilization) \n  FROM SCHEMA("AWS/EC2", InstanceId) \n  GROUP BY InstanceId \n'
        "  ORDER BY AVG() DESC",
        *(AVG, "CPUUtilization", "AWS/EC2", "InstanceId", ("InstanceId",), DOWN[AVG], 500),
    ),
    (
        "SELECT AVG(CPUUtilization) FROM \"AWS/CWAgent\" WHERE ApplicationName = 'eCommerce'",
        *(AVG, "CPUUtilization", "AWS/CWAgent", None, (), None, 500),
    ),
    (
        'SELECT AVG(RunningTaskCount) FROM SCHEMA("ECS/ContainerInsights", ClusterName, ServiceName) '
        "GROUP BY ClusterName, ServiceName ORDER BY AVG() DESC LIMIT 10",
        *(AVG, "RunningTaskCount", "ECS/ContainerInsights", "ClusterName ServiceName"),
        *(("ClusterName", "ServiceName"), DOWN[AVG], 10),
    ),
    (
        'SELECT SUM("PutRecords.Bytes") FROM SCHEMA("AWS/Kinesis", StreamName) GROUP BY StreamName '
        "ORDER BY SUM() DESC LIMIT 10",
        *(SUM, "PutRecords.Bytes", "AWS/Kinesis", "StreamName", ("StreamName",), DOWN[SUM], 10),
    ),
    (
        "SELECT AVG(TotalRequestLatency) FROM SCHEMA(\"AWS/S3\", BucketName, FilterId) "
        "WHERE FilterId = 'EntireBucket' GROUP BY BucketName ORDER BY AVG() DESC",
        *(AVG, "TotalRequestLatency", "AWS/S3", "BucketName FilterId", ("BucketName",), DOWN[AVG], 500),
    ),
    # names and quotes
    ("SELECT MAX(loss) FROM lab", MAX, "loss", "lab", None, (), None, 500),
    ("SELECT MIN(_a1) FROM lab_2", MIN, "_a1", "lab_2", None, (), None, 500),
    ("SELECT SUM(5xxErrorRate) FROM 404", SUM, "5xxErrorRate", "404", None, (), None, 500),
    ("SELECT SUM(7) FROM SCHEMA(9, 8) GROUP BY 8", SUM, "7", "9", "8", ("8",), None, 500),
    ('SELECT AVG("LIMIT") FROM "FROM"', AVG, "LIMIT", "FROM", None, (), None, 500),
    ('SELECT MAX("My.Metric") FROM "a b"', MAX, "My.Metric", "a b", None, (), None, 500),
    ('SELECT MAX("loss") FROM "lab"', MAX, "loss", "lab", None, (), None, 500),
    (r'SELECT AVG("Bytes\"Input\"") FROM n', AVG, 'Bytes"Input"', "n", None, (), None, 500),
    ('SELECT AVG("Bytes""Input""") FROM n', AVG, 'Bytes"Input"', "n", None, (), None, 500),
    (r'SELECT AVG("it\'s") FROM n', AVG, "it's", "n", None, (), None, 500),
    (r'SELECT AVG("a\\b") FROM n', AVG, "a\\b", "n", None, (), None, 500),
    (r'SELECT AVG("C:\temp") FROM n', AVG, "C:\\temp", "n", None, (), None, 500),
    ('SELECT AVG("validation:loss") FROM n', AVG, "validation:loss", "n", None, (), None, 500),
    ('SELECT AVG("日本") FROM n', AVG, "日本", "n", None, (), None, 500),
    ('SELECT AVG(x) FROM SCHEMA(n, "a b", "tag.x")', AVG, "x", "n", ("a b", "tag.x"), (), None, 500),
    ('SELECT AVG(x) FROM n GROUP BY "GROUP", "BY"', AVG, "x", "n", None, ("GROUP", "BY"), None, 500),
    ("SELECT AVG(Fromage) FROM Selected GROUP BY Android", AVG, "Fromage", "Selected", None, ("Android",), None, 500),
    # keywords in any case, space anywhere or nowhere
    ("select avg(x) from n", AVG, "x", "n", None, (), None, 500),
    ("Select Count(x) From Schema(n) Group By a Order By Sum() Asc Limit 3", COUNT, "x", "n", "", ("a",), UP[SUM], 3),
    ("  SELECT\tAVG ( x )\r\nFROM SCHEMA ( n , a )  ", AVG, "x", "n", "a", (), None, 500),
    ('SELECT AVG(x)FROM"n"GROUP BY"a"LIMIT 1', AVG, "x", "n", None, ("a",), None, 1),
    ("SELECT AVG(x) FROM SCHEMA(n,a,b)ORDER BY MIN()", AVG, "x", "n", "a b", (), UP[MIN], 500),
    ("SELECT AVG(x) FROM n ORDER BY AVG( )", AVG, "x", "n", None, (), UP[AVG], 500),
    ("SELECT AVG(x) FROM n ORDER BY MIN() ASC", AVG, "x", "n", None, (), UP[MIN], 500),
    ("SELECT AVG(x) FROM n LIMIT 1", AVG, "x", "n", None, (), None, 1),
    ("SELECT AVG(x) FROM n LIMIT 500", AVG, "x", "n", None, (), None, 500),
    ("SELECT AVG(x) FROM n LIMIT 007", AVG, "x", "n", None, (), None, 7),
    ("SELECT AVG(x) FROM n GROUP BY a, b, c, d, e", AVG, "x", "n", None, ("a", "b", "c", "d", "e"), None, 500),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "function", "metric", "namespace", "schema", "group_by", "order", "limit"), QUERIES
)
def test_a_query_says(text, function, metric, namespace, schema, group_by, order, limit):
    query = insights.parse(text)
    names = schema.split() if isinstance(schema, str) else schema
    assert (query.text, query.function, query.metric, query.namespace) == (text, function, metric, namespace)
    assert query.schema == (None if names is None else frozenset(names))
    assert (query.group_by, query.order, query.limit) == (group_by, order, limit)


# (WHERE, dimensions, whether it holds)
CONDITIONS = [
    ("a = '1'", "a=1", True),
    ("a = '1'", "a=2", False),
    ("a = '1'", "a=1 b=2", True),
    ("a = '1'", "b=1", False),
    ("a = '1'", "", False),
    ("A = '1'", "a=1", False),
    ("a = 'X'", "a=x", False),
    ("a != '1'", "a=2", True),
    ("a != '1'", "a=1", False),
    ("a != '1'", "b=2", False),
    ("a = ''", "a=1", False),
    ("a = 'c3.4xlarge'", "a=c3.4xlarge", True),
    ("a = 'app/load-balancer-1'", "a=app/load-balancer-1", True),
    ("a = 'it''s'", "a=it's", True),
    (r"a = 'it\'s'", "a=it's", True),
    ("""a = 'say "hi"'""", 'a=say_"hi"', False),
    ("""a = 'say_"hi"'""", 'a=say_"hi"', True),
    (r"a = 'C:\temp'", "a=C:\\temp", True),
    ("\"a\" = '1'", "a=1", True),
    ("a='1'and b='2'", "a=1 b=2", True),
    ("a = '1' AND b = '2'", "a=1 b=3", False),
    ("a = '1' AND b != '2'", "a=1 b=3", True),
    ("a = '1' AND b != '2' AND c = '3'", "a=1 b=1 c=3", True),
    ("a = '1' AND b != '2' AND c = '3'", "a=1 b=1 c=4", False),
    ("a = '1' OR a = '2'", "a=2", True),
    ("a = '1' OR a = '2'", "a=3", False),
    ("a = '1' OR b = '2' AND c = '3'", "a=1 b=9 c=9", True),
    ("a = '1' OR b = '2' AND c = '3'", "a=9 b=2 c=9", False),
    ("(a = '1' OR b = '2') AND c = '3'", "a=1 b=9 c=9", False),
    ("(a = '1' OR b = '2') AND c = '3'", "a=9 b=2 c=3", True),
    ("a = '1' AND (b = '2' OR (b = '3' AND c != '4'))", "a=1 b=3 c=5", True),
    ("a = '1' AND (b = '2' OR (b = '3' AND c != '4'))", "a=1 b=3 c=4", False),
    ("((((a = '1'))))", "a=1", True),
]  # fmt: skip


@pytest.mark.parametrize(("where", "dimensions", "holds"), CONDITIONS)
def test_where_takes_metrics(where, dimensions, holds):
    query = insights.parse(f"SELECT AVG(x) FROM n WHERE {where}")
    metric = MetricId.of("n", "x", [tuple(pair.split("=", 1)) for pair in dimensions.split()])
    assert query.matches(metric) is holds


# (FROM, namespace, metric name, names of dimensions, whether it is read)
SOURCES = [
    ("n", "n", "x", "", True),
    ("n", "n", "x", "a b", True),
    ("n", "n", "X", "", False),
    ("n", "N", "x", "", False),
    ("n", "n/x", "x", "", False),
    ("SCHEMA(n)", "n", "x", "", True),
    ("SCHEMA(n)", "n", "x", "a", False),
    ("SCHEMA(n, a)", "n", "x", "a", True),
    ("SCHEMA(n, a)", "n", "x", "", False),
    ("SCHEMA(n, a)", "n", "x", "a b", False),
    ("SCHEMA(n, a)", "n", "x", "A", False),
    ("SCHEMA(n, b, a)", "n", "x", "a b", True),
    ("SCHEMA(n, b, a)", "m", "x", "a b", False),
]


@pytest.mark.parametrize(("source", "namespace", "name", "dimensions", "read"), SOURCES)
def test_from_takes_metrics(source, namespace, name, dimensions, read):
    metric = MetricId.of(namespace, name, [(dimension, "1") for dimension in dimensions.split()])
    assert insights.parse(f"SELECT AVG(x) FROM {source}").matches(metric) is read


# (query, what the message says)
MISTAKES = [
    ("", "expected SELECT but the query ends"),
    ("SELEC AVG(x) FROM n", "expected SELECT but found SELEC at line 1, column 1"),
    ("SELECT x FROM n", "expected one of AVG, COUNT, MAX, MIN, SUM but found x at line 1, column 8"),
    ("SELECT MED(x) FROM n", "expected one of AVG, COUNT, MAX, MIN, SUM but found MED"),
    ("SELECT AVG x FROM n", r"expected '\(' but found x at line 1, column 12"),
    ("SELECT AVG() FROM n", r"expected a name but found \)"),
    ("SELECT AVG(*) FROM n", r"cannot read '\*' at line 1, column 12"),
    ("SELECT AVG(x", r"expected '\)' but the query ends"),
    ("SELECT AVG(x)", "expected FROM but the query ends"),
    ("SELECT AVG(x), MAX(x) FROM n", "expected FROM but found , at line 1, column 14"),
    ("SELECT AVG(x) FROM", "expected SCHEMA or a name but the query ends"),
    ("SELECT AVG(x) FROM AWS/EC2", "cannot read '/' at line 1, column 23"),
    ("SELECT AVG(a.b) FROM n", "expected a name but found a.b"),
    ("SELECT AVG('x') FROM n", "expected a name but found 'x' at line 1, column 12; single quotes are for values"),
    ("SELECT AVG(limit) FROM n", 'a name that is a keyword is written "limit"'),
    ("SELECT AVG(sum) FROM n", 'a name that is a keyword is written "sum"'),
    ("SELECT AVG(x) FROM group", 'a name that is a keyword is written "group"'),
    ('SELECT AVG("") FROM n', "a name may not be empty at line 1, column 12"),
    ('SELECT AVG("x) FROM n', 'the quote " is not closed at line 1, column 12'),
    ("SELECT AVG(x) FROM n WHERE a = 'b", "the quote ' is not closed at line 1, column 32"),
    ("SELECT AVG(x) FROM SCHEMA()", r"expected a name but found \)"),
    ("SELECT AVG(x) FROM SCHEMA(n a)", r"expected '\)' or ',' but found a"),
    ("SELECT AVG(x) FROM n WHERE", r"expected '\(' or a name but the query ends"),
    ("SELECT AVG(x) FROM n WHERE a", "expected '!=' or '=' but the query ends"),
    ("SELECT AVG(x) FROM n WHERE a = b", "expected a value in single quotes but found b"),
    ("SELECT AVG(x) FROM n WHERE a = 3", "expected a value in single quotes but found 3"),
    ('SELECT AVG(x) FROM n WHERE a = "b"', "double quotes are for names"),
    ("SELECT AVG(x) FROM n WHERE a > 'b'", "cannot read '>'"),
    ("SELECT AVG(x) FROM n WHERE a = 'b' AND", r"expected '\(' or a name but the query ends"),
    ("SELECT AVG(x) FROM n WHERE (a = 'b'", r"expected '\)' but the query ends"),
    ("SELECT AVG(x) FROM n WHERE a IN ('b')", "found IN at line 1, column 30; say label = 'a' OR"),
    ("SELECT AVG(x) FROM n WHERE a NOT IN ('b')", "found NOT at line 1, column 30; say label = 'a' OR label = 'b'"),
    ("SELECT AVG(x) FROM n WHERE tag.env = 'prod'", "tag.env: tags of resources are not known here"),
    ("SELECT AVG(x) FROM n GROUP BY tag.\"cost centre\"", "tags of resources are not known here"),
    ("SELECT AVG(x) FROM n GROUP BY AWS.AccountId", "AWS.AccountId: only the metrics of the own account"),
    ("SELECT AVG(x) FROM n GROUP BY a.b", 'write "a.b" in double quotes at line 1, column 31'),
    ("SELECT AVG(x) FROM n GROUP a", "expected BY but found a"),
    ("SELECT AVG(x) FROM n GROUP BY", "expected a name but the query ends"),
    ("SELECT AVG(x) FROM n GROUP BY a,", "expected a name but the query ends"),
    ("SELECT AVG(x) FROM n ORDER BY x", "expected one of AVG, COUNT, MAX, MIN, SUM but found x"),
    ("SELECT AVG(x) FROM n ORDER BY MAX(x)", r"expected '\)' but found x"),
    ("SELECT AVG(x) FROM n ORDER BY MAX", r"expected '\(' but the query ends"),
    ("SELECT AVG(x) FROM n ORDER BY MAX() UP", "expected ASC or DESC or LIMIT or the end but found UP"),
    ("SELECT AVG(x) FROM n LIMIT", "expected a number but the query ends"),
    ("SELECT AVG(x) FROM n LIMIT ten", "expected a number but found ten"),
    ("SELECT AVG(x) FROM n LIMIT 0", "LIMIT must be between 1 and 500, not 0"),
    ("SELECT AVG(x) FROM n LIMIT 501", "LIMIT must be between 1 and 500, not 501"),
    ("SELECT AVG(x) FROM n LIMIT -1", "cannot read '-'"),
    ("SELECT AVG(x) FROM n LIMIT 99999999999999999999999999999", "LIMIT must be between 1 and 500"),
    ("SELECT AVG(x) FROM n LIMIT 5 GROUP BY a", "expected the end but found GROUP"),
    ("SELECT AVG(x) FROM n LIMIT 5 ORDER BY MAX()", "expected the end but found ORDER"),
    ("SELECT AVG(x) FROM n ORDER BY MAX() WHERE a = 'b'", "found WHERE"),
    ("SELECT AVG(x) FROM n;", "cannot read ';' at line 1, column 21"),
    ("SELECT AVG(x)\nFROM n\n  WHERE a ~ 'b'", "cannot read '~' at line 3, column 11"),
    ("SELECT AVG(x) FROM n WHERE " + "(a='1' OR (b='2' AND " * 40 + "a='3'" + "))" * 40, "nested more than 64 deep"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), MISTAKES)
def test_what_is_no_query_is_refused_where_it_goes_wrong(text, message):
    with pytest.raises(InvalidQuery, match=message):
        insights.parse(text)


def test_groups_are_the_values_of_the_labels_and_other_where_one_is_missing():
    query = insights.parse("SELECT SUM(Faults) FROM n GROUP BY Operation, ServiceName")
    assert query.group_of(MetricId("n", "Faults", (("Operation", "o"), ("ServiceName", "s")))) == ("o", "s")
    assert query.group_of(MetricId("n", "Faults", (("Operation", "o"),))) == ("o", "Other")
    assert query.group_of(MetricId("n", "Faults")) == ("Other", "Other")
    assert insights.parse("SELECT SUM(Faults) FROM n").group_of(MetricId("n", "Faults", (("a", "b"),))) == ()


def summary() -> Summary:
    """Two buckets: 1, 2, 6 and 10."""
    return Summary(
        np.array([0, 60]),
        np.array([9.0, 10.0]),
        np.array([3.0, 1.0]),
        np.array([1.0, 10.0]),
        np.array([6.0, 10.0]),
    )


@pytest.mark.parametrize(
    ("function", "values"),
    [("AVG", [3, 10]), ("COUNT", [3, 1]), ("MAX", [6, 10]), ("MIN", [1, 10]), ("SUM", [9, 10])],
)
def test_select_sums_up_all_samples_of_a_bucket(function, values):
    found = insights.statistic(insights.parse(f"SELECT {function}(x) FROM n"), summary())
    assert found.timestamps.tolist() == [0, 60]
    assert found.values.tolist() == values


def series(*values: float) -> Series:
    return Series(np.arange(len(values)) * 60, np.array(values, np.float64))


FOUND = {
    ("b", "1"): series(5, 5),  # avg 5, count 2, max 5, min 5, sum 10
    ("a", "2"): series(9, 0, 0),  # avg 3, count 3, max 9, min 0, sum 9
    ("a", "10"): series(4),  # avg 4, count 1, max 4, min 4, sum 4
    ("c", "0"): series(),
}
RANKED = [
    ("", ["a10", "a2", "b1"]),
    ("ORDER BY AVG()", ["a2", "a10", "b1"]),
    ("ORDER BY AVG() DESC", ["b1", "a10", "a2"]),
    ("ORDER BY COUNT()", ["a10", "b1", "a2"]),
    ("ORDER BY COUNT() DESC", ["a2", "b1", "a10"]),
    ("ORDER BY MAX() ASC", ["a10", "b1", "a2"]),
    ("ORDER BY MAX() DESC", ["a2", "b1", "a10"]),
    ("ORDER BY MIN()", ["a2", "a10", "b1"]),
    ("ORDER BY SUM() DESC", ["b1", "a2", "a10"]),
    ("ORDER BY SUM() DESC LIMIT 1", ["b1"]),
    ("LIMIT 2", ["a10", "a2"]),
]


@pytest.mark.parametrize(("clauses", "groups"), RANKED)
def test_series_are_ranked_and_cut(clauses, groups):
    query = insights.parse(f"SELECT AVG(x) FROM n GROUP BY l, m {clauses}")
    assert ["".join(group) for group, _ in insights.rank(query, FOUND)] == groups


def test_equals_are_ranked_by_their_labels_either_way():
    found = {(name,): series(1) for name in "cab"}
    for direction in ("ASC", "DESC"):
        query = insights.parse(f"SELECT AVG(x) FROM n GROUP BY l ORDER BY MAX() {direction}")
        assert [group for group, _ in insights.rank(query, found)] == [("a",), ("b",), ("c",)]


def test_a_query_without_limit_answers_no_more_than_the_most():
    found = {(f"{number:04}",): series(number) for number in range(MOST_SERIES + 1)}
    assert len(insights.rank(insights.parse("SELECT AVG(x) FROM n GROUP BY l"), found)) == MOST_SERIES


WORDS = st.sampled_from(
    ["SELECT", "AVG", "(", "x", ")", "FROM", "SCHEMA", "n", ",", "WHERE", "a", "=", "!=", "'v'", "AND", "OR", "IN"]
    + [
        "NOT",
        "GROUP",
        "BY",
        "ORDER",
        "ASC",
        "DESC",
        "LIMIT",
        "5",
        '"q"',
        "tag.k",
        '"',
        "'",
        "\\",
        ".",
        ";",
        "é",
        "\n",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=30).map(" ".join)))
def test_any_text_is_a_query_or_refused(text):
    try:
        query = insights.parse(text)
    except InvalidQuery:
        return
    assert query.text == text
    assert 1 <= query.limit <= MOST_SERIES


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


def quoted(text: str, quote: str) -> str:
    return quote + text.replace("\\", "\\\\").replace(quote, quote * 2) + quote


@given(NAMES, NAMES, NAMES, st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_any_name_and_value_can_be_quoted(metric, namespace, label, value):
    query = insights.parse(
        f"SELECT AVG({quoted(metric, chr(34))}) FROM SCHEMA({quoted(namespace, chr(34))}, {quoted(label, chr(34))}) "
        f"WHERE {quoted(label, chr(34))} = {quoted(value, chr(39))}"
    )
    assert query.matches(MetricId(namespace, metric, ((label, value),)))
    assert not query.matches(MetricId(namespace, metric, ((label, value + "."),)))
