"""The query language of SEARCH, as tables of (query, metric, whether it matches)."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from epochwatch.model.metric import MetricId
from epochwatch.model.search import InvalidSearch, parse, tokens

TOKENS = [
    ("CustomCount1", {"customcount1", "custom", "count", "1"}),
    ("SDBFailure", {"sdbfailure", "sdb", "failure"}),
    ("Project2-trial333", {"project2trial333", "project", "2", "trial", "333"}),
    ("Network-Errors_2", {"networkerrors2", "network", "errors", "2"}),
    ("COUNT", {"count"}),
    ("couNT", {"count", "cou", "nt"}),
    ("CPUUtilization", {"cpuutilization", "cpu", "utilization"}),
    ("AWS/EC2", {"awsec2", "aws", "ec", "2"}),
    ("validation:loss", {"validationloss", "validation", "loss"}),
    ("i-0abc12", {"i0abc12", "i", "0", "abc", "12"}),
    ("HTTPCode_4XX", {"httpcode4xx", "http", "code", "4", "xx"}),
    ("größe", {"größe"}),
    ("A", {"a"}),
    ("--", {""}),
]


@pytest.mark.parametrize(("name", "expected"), TOKENS)
def test_a_name_falls_into_tokens(name, expected):
    assert tokens(name) == expected


def metric(namespace, name, **dimensions):
    return MetricId.of(namespace, name, dimensions.items())


COUNT = metric("MyNamespace", "CustomCount1")
NETWORK = metric("N", "Network-Errors-2")
NETWORK_CAMEL = metric("N", "NetworkErrors2")
CPU = metric("AWS/EC2", "CPUUtilization", InstanceId="i-1234567890123456")
CPU_OF_TYPE = metric("AWS/EC2", "CPUUtilization", InstanceType="t2.micro")
PACKETS = metric("AWS/EC2", "NetworkPacketsIn", InstanceId="i-9")
READ_EC2 = metric("AWS/EC2", "DiskReadOps", InstanceId="i-9")
READ_EBS = metric("AWS/EBS", "VolumeReadOps", VolumeId="ProjectA-vol")
LAMBDA_ERRORS = metric("AWS/Lambda", "Errors", FunctionName="ProjectC")
LAMBDA_CALLS = metric("AWS/Lambda", "Invocations", FunctionName="ProjectAImport")
LOAD = metric("AWS/NetworkELB", "ConsumedLCUs", LoadBalancer="net/a")
FLOW = metric("AWS/NetworkELB", "NewFlowCount", LoadBalancer="net/a")
TRAIN = metric("/aws/sagemaker/TrainingJobs", "validation:loss", TrainingJobName="digits-demo-3")
HOST = metric("/aws/sagemaker/TrainingJobs", "GPUMemoryUtilization", Host="digits-demo-3/algo-1")
CODE = metric("N", "HTTPCode_4XX", **{"Load Balancer": "lb(1)"})
FRANCE = metric("My Namespace", "Europe\\France Traffic(Network)", **{"Dimension@Name": 'say "x"'})

PARTIAL = [
    ("count", COUNT, True),
    ("Count", COUNT, True),
    ("COUNT", COUNT, True),
    ("couNT", COUNT, False),
    ("CustomCount", COUNT, True),
    ("Count1", COUNT, True),
    ("CustomCount1", COUNT, True),
    ("customcount1", COUNT, True),
    ("customcount", COUNT, False),
    ("count1", COUNT, False),
    ("CountCustom", COUNT, False),
    ("ount", COUNT, False),
    ("1", COUNT, True),
    ("my", COUNT, True),
    ("MyNamespace", COUNT, True),
    ("network/errors", NETWORK, True),
    ("network+errors", NETWORK, True),
    ("network-errors", NETWORK, True),
    ("Network_Errors", NETWORK, True),
    ("network/errors", NETWORK_CAMEL, True),
    ("network+errors", NETWORK_CAMEL, True),
    ("network-errors", NETWORK_CAMEL, True),
    ("Network_Errors", NETWORK_CAMEL, True),
    ("NetworkErrors", NETWORK, True),
    ("errors-network", NETWORK, False),
    ("network-2", NETWORK, False),
    ("errors-2", NETWORK, True),
    ("4XX", CODE, True),
    ("4xx", CODE, False),
    ("4-xx", CODE, True),
    ("http", CODE, True),
    ("HTTPCode", CODE, True),
    ("instance", CPU, True),
    ("InstanceId", CPU, True),
    ("i-1234567890123456", CPU, True),
    ("1234567890123456", CPU, True),
    ("EC2", CPU, True),
    ("utilization cpu", CPU, True),
    ("utilization memory", CPU, False),
    ("loss", TRAIN, True),
    ("validation:loss", TRAIN, True),
    ("train:loss", TRAIN, False),
    ("digits-demo", TRAIN, True),
    ("digits-demo-3", HOST, True),
    ("demo-digits", TRAIN, False),
    ("algo-1", HOST, True),
    ("gpu memory", HOST, True),
]

EXACT = [
    ('"CustomCount1"', COUNT, True),
    ('"customcount1"', COUNT, False),
    ('"Custom"', COUNT, False),
    ('"MyNamespace"', COUNT, True),
    ('"Network-Errors-2"', NETWORK, True),
    ('"Network_Errors_2"', NETWORK, False),
    ('"InstanceId"', CPU, True),
    ('"i-1234567890123456"', CPU, True),
    (r'"Europe\\France Traffic\(Network\)"', FRANCE, True),
    (r'"say \"x\""', FRANCE, True),
    ('"Europe France Traffic"', FRANCE, False),
    ('"lb(1)"', CODE, True),
    (r'"lb\(1\)"', CODE, True),
]

SCHEMA = [
    ("{AWS/EC2,InstanceId}", CPU, True),
    ("{AWS/EC2,InstanceId}", CPU_OF_TYPE, False),
    ("{AWS/EC2}", CPU, True),
    ("{AWS/EC2}", READ_EBS, False),
    ("{aws/ec2}", CPU, False),
    ("{EC2}", CPU, False),
    ("{AWS/EC2, InstanceId, Other}", CPU, False),
    ('{"AWS/EC2", "InstanceId"}', CPU, True),
    ("{ AWS/EC2 , InstanceId }", CPU, True),
    ('{MyNamespace}, "CustomCount1"', COUNT, True),
    ('{MyNamespace}, "customcount1"', COUNT, False),
    ('{"My Namespace", "Dimension@Name"}, Traffic', FRANCE, True),
    ('{N, "Load Balancer"} HTTPCode', CODE, True),
    ('{AWS/EC2,InstanceId} MetricName="CPUUtilization"', CPU, True),
    ('{AWS/EC2,InstanceId} MetricName="CPUUtilization"', PACKETS, False),
    ("{/aws/sagemaker/TrainingJobs,TrainingJobName} loss", TRAIN, True),
    ("{/aws/sagemaker/TrainingJobs,TrainingJobName} loss", HOST, False),
]

DESIGNATED = [
    ('MetricName="CustomCount1"', COUNT, True),
    ('MetricName="MyNamespace"', COUNT, False),
    ("MetricName=count", COUNT, True),
    ("MetricName=my", COUNT, False),
    ('Namespace="AWS/EC2"', CPU, True),
    ("Namespace=EC2", CPU, True),
    ("Namespace=CPU", CPU, False),
    ("InstanceType=micro", CPU_OF_TYPE, True),
    ("InstanceType=micro", CPU, False),
    ('InstanceType="t2.micro" Namespace="AWS/EC2"', CPU_OF_TYPE, True),
    ('InstanceType="micro"', CPU_OF_TYPE, False),
    ('"InstanceType"="t2.micro"', CPU_OF_TYPE, True),
    ('InstanceType = "t2.micro"', CPU_OF_TYPE, True),
    ('instancetype="t2.micro"', CPU_OF_TYPE, False),
    ('"Load Balancer"="lb(1)"', CODE, True),
    ('InstanceType=("t2.micro" OR "t2.nano")', CPU_OF_TYPE, True),
    ('InstanceType=("t2.small" OR nano)', CPU_OF_TYPE, False),
    ('InstanceType=("t2.micro")', CPU_OF_TYPE, True),
    ("TrainingJobName=demo", TRAIN, True),
    ("Host=demo", TRAIN, False),
]

BOOLEAN = [
    ("{AWS/EC2,InstanceId} network AND packets", PACKETS, True),
    ("{AWS/EC2,InstanceId} network packets", PACKETS, True),
    ("network AND cpu", PACKETS, False),
    ("network OR cpu", PACKETS, True),
    ('{AWS/EC2,InstanceId} MetricName="CPUUtilization" NOT i-1234567890123456', CPU, False),
    ('{AWS/EC2,InstanceId} MetricName="CPUUtilization" NOT i-1234567890123457', CPU, True),
    ("NOT Namespace=AWS", CPU, False),
    ("NOT Namespace=AWS", COUNT, True),
    ('{AWS/EBS,VolumeId} NOT "ProjectA" NOT "ProjectB"', READ_EBS, True),
    ('{AWS/EBS,VolumeId} NOT "ProjectA-vol" NOT "ProjectB"', READ_EBS, False),
    ("NOT NOT cpu", CPU, True),
    ("NOT (cpu OR network)", PACKETS, False),
    ("NOT (cpu AND network)", PACKETS, True),
    ("(EC2 OR EBS) AND MetricName=ReadOps", READ_EC2, True),
    ("(EC2 OR EBS) MetricName=ReadOps", READ_EBS, True),
    ("(EC2 OR EBS) MetricName=ReadOps", PACKETS, False),
    ("(EC2 OR EBS) AND ReadOps AND ProjectA", READ_EBS, True),
    ("(EC2 OR EBS) AND ReadOps AND ProjectA", READ_EC2, False),
    ('MetricName="Errors" OR (MetricName="Invocations" AND (ProjectA OR ProjectB))', LAMBDA_ERRORS, True),
    ('MetricName="Errors" OR (MetricName="Invocations" AND (ProjectA OR ProjectB))', LAMBDA_CALLS, True),
    (
        '{AWS/Lambda,FunctionName} MetricName="Errors" OR (MetricName="Invocations" AND ProjectB)',
        LAMBDA_CALLS,
        False,
    ),
    ('{AWS/NetworkELB, LoadBalancer} "ConsumedLCUs" OR flow', LOAD, True),
    ('{AWS/NetworkELB, LoadBalancer} "ConsumedLCUs" OR flow', FLOW, True),
    ("cpu OR network packets", CPU, True),
    ("cpu nothing OR network packets", PACKETS, True),
    ("(cpu OR network) nothing", CPU, False),
    ("cpu or network", CPU, False),
    ("not cpu", CPU, False),
    ("ANDROID OR cpu", CPU, True),
]


@pytest.mark.parametrize(("query", "found", "expected"), PARTIAL + EXACT + SCHEMA + DESIGNATED + BOOLEAN)
def test_a_search_matches(query, found, expected):
    assert parse(query).matches(found) is expected


HINTS = [
    ("{AWS/EC2,InstanceId} cpu", "AWS/EC2", None),
    ('{AWS/EC2} MetricName="CPUUtilization"', "AWS/EC2", "CPUUtilization"),
    ('Namespace="AWS/EC2" MetricName="A"', "AWS/EC2", "A"),
    ("Namespace=EC2 MetricName=A", None, None),
    ('MetricName="A" OR MetricName="B"', None, None),
    ('MetricName="A" x OR MetricName="A" y', None, "A"),
    ('MetricName="A" OR x', None, None),
    ('(x OR y) AND (MetricName="A")', None, "A"),
    ('NOT MetricName="A"', None, None),
    ('MetricName=("A" OR "B")', None, None),
    ('MetricName=("A")', None, "A"),
    ('NOT NOT MetricName="A"', None, "A"),
    ('"A"', None, None),
]


@pytest.mark.parametrize(("query", "namespace", "name"), HINTS)
def test_a_search_tells_what_every_match_has(query, namespace, name):
    search = parse(query)
    assert (search.namespace, search.metric_name) == (namespace, name)


WRONG = [
    ("", "the search is empty"),
    ("  ", "the search is empty"),
    ("{}", "column 2: '}' stands where a name or a text in double quotes was expected"),
    ("{AWS/EC2", "column 9: the search ends where '}' was expected"),
    ("{My Namespace}", "column 5: 'Namespace}?' stands where '}' was expected"),
    ("{AWS/EC2,}", "column 10: '}' stands where a name or a text"),
    ("{A} {B}", "column 5: '{' stands where"),
    ("cpu {AWS/EC2}", "column 5: '{' stands where"),
    ("cpu AND", "column 8: the search ends where a word or a text in double quotes was expected"),
    ("OR cpu", "column 1: 'OR' stands where"),
    ("cpu OR OR x", "column 8: 'OR' stands where"),
    ("NOT", "column 4: the search ends where a word or a text in double quotes was expected"),
    ("(cpu", r"column 5: the search ends where .*'\)'.* was expected"),
    ("cpu)", r"column 4: '\)' stands where the end was expected"),
    ("()", r"column 2: '\)' stands where a word"),
    ('"cpu', 'column 1: the text that begins with " is not closed'),
    ("MetricName=", "column 12: the search ends where a word or a text"),
    ("=x", "column 1: '=x?' stands where a word"),
    ("a=b=c", "column 4: '=c?' stands where"),
    ("cpu --", "'--' has no letter or digit to look for; exact matches go in double quotes"),
    ("_", "'_' has no letter or digit to look for"),
    (':aws.AccountId="123456789012" cpu', ":aws.AccountId: a search sees the metrics of its own account only"),
    (":aws.AccountId = 'LOCAL' cpu", ":aws.AccountId: a search sees the metrics of its own account only"),
]


@pytest.mark.parametrize(("query", "message"), WRONG)
def test_a_text_that_is_no_search_is_refused_with_the_place_and_what_was_expected(query, message):
    with pytest.raises(InvalidSearch, match=message):
        parse(query)


def test_a_search_has_at_most_1024_characters():
    assert parse("a" * 1024).matches(metric("N", "a" * 1024))
    with pytest.raises(InvalidSearch, match="1025 characters; 1024 are allowed"):
        parse("a" * 1025)


def test_parentheses_nest_at_most_30_deep():
    assert parse("(NOT " * 30 + "cpu" + ")" * 30).matches(CPU)
    with pytest.raises(InvalidSearch, match="nested more than 30 deep"):
        parse("(" * 31 + "cpu" + ")" * 31)


def test_length_is_no_depth():
    assert parse("NOT " * 200 + "cpu").matches(CPU)
    assert parse("cpu " + "OR x " * 200).matches(CPU)
    assert parse("cpu " * 250).matches(CPU)


names = st.text(min_size=1, max_size=20)


def quoted(text):
    return '"' + "".join(f"\\{char}" if char in '"\\()' else char for char in text) + '"'


@settings(deadline=None)
@given(names, names, names, names)
def test_an_exactly_quoted_name_finds_itself(namespace, name, dimension, value):
    found = MetricId.of(namespace, name, [(dimension, value)])
    for query in (
        quoted(name),
        quoted(value),
        f"MetricName={quoted(name)} AND Namespace={quoted(namespace)}",
        f"{{{quoted(namespace)}, {quoted(dimension)}}} {quoted(name)} NOT {quoted(name + 'x')}",
    ):
        assume(name + "x" not in (namespace, dimension, value))
        assert parse(query).matches(found)
    assume(dimension not in ("MetricName", "Namespace", ":aws.AccountId"))
    assert parse(f"{quoted(dimension)}={quoted(value)}").matches(found)


@settings(deadline=None)
@given(st.from_regex(r"[A-Za-z0-9_./:-]{1,30}", fullmatch=True))
def test_a_name_and_each_of_its_tokens_find_it(name):
    assume(any(char.isalnum() for char in name))
    assume(name not in ("AND", "OR", "NOT"))
    found = metric("N", name)
    assert parse(name).matches(found)
    for token in tokens(name):
        if token.isalpha() or token.isdigit():
            assert parse(token).matches(found)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=60), st.text('ab AND OR NOT(){}"=,\\-1', max_size=60)))
def test_any_text_is_a_search_or_refused(text):
    try:
        search = parse(text)
    except InvalidSearch:
        return
    assert search.matches(CPU) in (True, False)
