"""Logs Insights over the real engine: what queries find, and what becomes of them."""

import itertools
import json
import random
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from epochwatch.model.logs_insights import MalformedQuery, parse
from epochwatch.model.tenant import Tenant
from epochwatch.store import log_queries
from epochwatch.store.log_queries import LogQueries, Status, TooManyQueries
from epochwatch.store.log_query_sql import Selection, compile_query

TENANT = Tenant("299000000001")
START = 1_795_200_000_000  # 2026-11-20 18:40:00, a Friday
EVENTS = [
    ("web", 0, '{"level":"INFO","ms":120,"user":{"name":"ann","tags":["x","y"]},"ok":true,"path":"/a"}'),
    ("web", 60, '{"level":"ERROR","ms":340,"user":{"name":"bob","tags":["z"]},"ok":false,"ip":"10.1.2.3"}'),
    ("web", 120, '{"level":"INFO","ms":"80","user":{"name":"ann"},"path":"/a","nothing":null,"a.b":"dot"}'),
    ("train", 30, "epoch=1 loss=0.90 acc=0.50"),
    ("train", 90, "epoch=2 loss=0.45 acc=0.70"),
    ("train", 400, "epoch=10 loss=0.10 acc=0.95"),
    ("train", 401, "[WARN] disk 91% full\nat /dev/sda1"),
]
OTHER = ("o", 10, "another group's line")


@pytest.fixture(scope="module")
def queries(stores):
    """The session's queries, with log events stored."""
    for group, events in (("app", EVENTS), ("other", [OTHER])):
        for stream, found in itertools.groupby(events, key=lambda event: event[0]):
            rows = [(START + second * 1000, message) for _, second, message in found]
            stores.logs.put_events(TENANT, group, stream, rows, START + 500_000)
    return stores.log_queries


def selection(*groups, start=START, end=START + 1_000_000, tenant=TENANT):
    return Selection(tenant, groups or ("app",), start, end)


def ended(query):
    deadline = time.monotonic() + 60
    while query.status.active:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    return query


def run(queries, text, *groups, limit=None, **bounds):
    """The query once it has ended."""
    return ended(queries.start(parse(text), selection(*groups, **bounds), limit=limit))


def rows(queries, text, *groups, **options):
    """What the query finds, without the pointers."""
    query = run(queries, text, *groups, **options)
    assert query.status is Status.COMPLETE
    return [{name: value for name, value in row if name != "@ptr"} for row in query.rows(0, 1000)]


def values(queries, text, *groups, **options):
    """The values of the first field of each row."""
    return [next(iter(row.values()), None) for row in rows(queries, text, *groups, **options)]


CONDITIONS = [
    ("level = 'INFO'", {0, 2}),
    ('level = "INFO"', {0, 2}),
    ("level != 'INFO'", {1}),
    ("not level = 'INFO'", {1, 3, 4, 5, 6}),
    ("not (level = 'INFO' or ispresent(level))", {3, 4, 5, 6}),
    ("level = INFO", set()),
    ("ms = 120", {0}),
    ("ms = 80", {2}),
    ("ms = '80'", {2}),
    ("ms = 80.0", {2}),
    ("ms = '80.0'", {2}),
    ("ms > 100", {0, 1}),
    ("ms > '100'", {0, 1}),
    ("ms >= 120", {0, 1}),
    ("ms < 120", {2}),
    ("ms <= 120", {0, 2}),
    ("100 < ms", {0, 1}),
    ("ms > 100 and ms < 200", {0}),
    ("ms > 300 or ms < 100", {1, 2}),
    ("ms < 100 or ms > 300 and level = 'INFO'", {2}),
    ("(ms < 100 or ms > 300) and level = 'ERROR'", {1}),
    ("ms * 2 > 600", {1}),
    ("ms + ms = 240", {0}),
    ("level > 'F'", {0, 2}),
    ("level < 'F'", {1}),
    ("level = user.name", set()),
    ("user.name = 'ann'", {0, 2}),
    ("user.`name` = 'bob'", {1}),
    ("`user.name` = 'bob'", {1}),
    ("user.tags.0 = 'x'", {0}),
    ("user.tags.1 = 'y'", {0}),
    ("user.tags.2 = 'y'", set()),
    ("a.b = 'dot'", {2}),
    ("ok = 1", {0}),
    ("ok = true", {0}),
    ("ok = false", {1}),
    ("ok", {0}),
    ("not ok", {1, 2, 3, 4, 5, 6}),
    ("ispresent(ok)", {0, 1}),
    ("ispresent(nothing)", set()),
    ("ispresent(nowhere)", set()),
    ("ISPRESENT(level) AND NOT ispresent(ip)", {0, 2}),
    ("isempty(level)", {3, 4, 5, 6}),
    ("isblank(level)", {3, 4, 5, 6}),
    ("level in ['INFO', 'WARN']", {0, 2}),
    ("level in ('ERROR')", {1}),
    ("level not in ['INFO']", {1}),
    ("ms in [120, 340]", {0, 1}),
    ("ms in ['80']", {2}),
    ("@message like 'epoch'", {3, 4, 5}),
    ("@message like 'EPOCH'", set()),
    ("@message like /(?i)EPOCH/", {3, 4, 5}),
    ("@message like /epoch=[12] /", {3, 4}),
    ("@message =~ /loss=0\\.[49]/", {3, 4}),
    ("@message not like /epoch|level/", {6}),
    ("@message like /full.at/", set()),
    ("@message like /(?s)full.at/", {6}),
    ("@message like /\\/dev\\/sda1$/", {6}),
    ("@message like '91% full'", {6}),
    ("@message like '.*'", set()),
    ("level like /^E/", {1}),
    ("level not like /^E/", {0, 2}),
    ("strcontains(@message, 'loss')", {3, 4, 5}),
    ("strcontains(@message, 'loss') = 1", {3, 4, 5}),
    ("strcontains(level, 'NF') = 0", {1, 3, 4, 5, 6}),
    ("strlen(level) = 5", {1}),
    ("tolower(level) = 'error'", {1}),
    ("@logStream = 'web'", {0, 1, 2}),
    ("@logStream like /^tr/", {3, 4, 5, 6}),
    ("@log = '299000000001:app'", {0, 1, 2, 3, 4, 5, 6}),
    (f"@timestamp > {START + 120_000}", {5, 6}),
    ("@timestamp >= '2026-11-20 18:46:40.000'", {5, 6}),
    ("toMillis(@timestamp) = 1795200030000", {3}),
    ("@ingestionTime - @timestamp = 500000", {0}),
    ("@timestamp = fromMillis(1795200030000)", {3}),
    ("isIpInSubnet(ip, '10.0.0.0/8')", {1}),
    ("isIpv4InSubnet(ip, '10.2.0.0/16')", set()),
    ("isValidIp(ip)", {1}),
    ("isValidIpV4(level)", set()),
    ("isValidIpV6(ip)", set()),
    ("@nothing = 1", set()),
    ("1 = 1", {0, 1, 2, 3, 4, 5, 6}),
    ("'a' = 'b'", set()),
    ("ms", {0, 1, 2}),
    ("ms / 0 = 1", set()),
    ("coalesce(level, 'none') = 'none'", {3, 4, 5, 6}),
    ("ms = 340 # a comment\n and level = 'ERROR'", {1}),
    ("level = 'it\\'s'", set()),
    ('level = "%(p0)s \' \\\\ {} ; DROP TABLE log_events"', set()),
]


@pytest.mark.parametrize(("condition", "expected"), CONDITIONS)
def test_a_filter_keeps_the_events_of_which_it_holds(queries, condition, expected):
    query = run(queries, f"fields @message | filter {condition}")
    assert query.status is Status.COMPLETE
    numbers = {message: number for number, (_, _, message) in enumerate(EVENTS)}
    assert {numbers[dict(row)["@message"]] for row in query.rows(0, 100)} == expected
    assert (query.statistics.scanned, query.statistics.matched) == (7, len(expected))


EXPRESSIONS = [
    ("1 + 2 * 3", "7"),
    ("(1 + 2) * 3", "9"),
    ("7 / 2", "3.5"),
    ("7 % 4", "3"),
    ("2 ^ 3 ^ 2", "512"),
    ("-3 + 1", "-2"),
    ("10 - 4 - 3", "3"),
    ("1 / 0", None),
    ("5 % 0", None),
    ("10 ^ 1000", None),
    ("0.1 + 0.2", "0.30000000000000004"),
    ("ms", "120"),
    ("ms / 8", "15"),
    ("level + 1", None),
    ("abs(-2.5)", "2.5"),
    ("ceil(1.2)", "2"),
    ("floor(-1.2)", "-2"),
    ("sqrt(16)", "4"),
    ("sqrt(-1)", None),
    ("log(1)", "0"),
    ("log(0)", None),
    ("greatest(1, ms, 3)", "120"),
    ("least(ms, 3, 2)", "2"),
    ("strlen('häuser')", "6"),
    ("toupper('häuser')", "HÄUSER"),
    ("tolower(level)", "info"),
    ("concat(level, '-', ms, '-', nowhere, 1.5)", "INFO-120-1.5"),
    ("trim('  a b ')", "a b"),
    ("ltrim('  a ')", "a "),
    ("rtrim('  a ')", "  a"),
    ("trim('xyaxy', 'yx')", "a"),
    ("substr('epoch', 2)", "och"),
    ("substr('epoch', 0, 2)", "ep"),
    ("substr('epoch', 9)", ""),
    ("substr('epoch', -3, 2)", "ep"),
    ("replace(level, 'INF', 'x')", "xO"),
    ("strcontains('abc', 'b')", "1"),
    ("strcontains('abc', 'z')", "0"),
    ("isempty('')", "1"),
    ("isempty(' ')", "0"),
    ("isblank(' \t ')", "1"),
    ("isblank(1)", "0"),
    ("ispresent(user.name)", "1"),
    ("coalesce(nowhere, ms, 5)", "120"),
    ("coalesce(nowhere, nothing)", None),
    ("user", '{"name":"ann","tags":["x","y"]}'),
    ("user.tags", '["x","y"]'),
    ("ok", "1"),
    ("true", "1"),
    ("ms > 100", "1"),
    ("ms > 1000", "0"),
    ("@timestamp", "2026-11-20 18:40:00.000"),
    ("@timestamp + 1", "1795200000001"),
    ("@ingestionTime", "2026-11-20 18:48:20.000"),
    ("@log", "299000000001:app"),
    ("@logStream", "web"),
    ("toMillis(@timestamp)", "1795200000000"),
    ("fromMillis(0)", "1970-01-01 00:00:00.000"),
    ("fromMillis(-1)", "1969-12-31 23:59:59.999"),
    ("fromMillis(1e300)", None),
    ("fromMillis(level)", None),
    ("bin(1h)", "2026-11-20 18:00:00.000"),
    ("bin(1 hour)", "2026-11-20 18:00:00.000"),
    ("bin(7m)", "2026-11-20 18:35:00.000"),
    ("bin(300s)", "2026-11-20 18:40:00.000"),
    ("bin(1d)", "2026-11-20 00:00:00.000"),
    ("bin(1w)", "2026-11-16 00:00:00.000"),
    ("bin(1mo)", "2026-11-01 00:00:00.000"),
    ("bin(1quarter)", "2026-10-01 00:00:00.000"),
    ("bin(1y)", "2026-01-01 00:00:00.000"),
    ("datefloor(fromMillis(1999), 1s)", "1970-01-01 00:00:01.000"),
    ("datefloor(fromMillis(-1), 1h)", "1969-12-31 23:00:00.000"),
    ("dateceil(fromMillis(1999), 1s)", "1970-01-01 00:00:02.000"),
    ("dateceil(fromMillis(2000), 1s)", "1970-01-01 00:00:02.000"),
    ("dateceil(@timestamp, 1h)", "2026-11-20 19:00:00.000"),
    ("dateceil(@timestamp, 1mo)", "2026-12-01 00:00:00.000"),
    ("dateceil(fromMillis(0), 1y)", "1970-01-01 00:00:00.000"),
    ("isIpv6InSubnet('fe80::1', 'fe80::/10')", "1"),
    ("isIpInSubnet('nonsense', '10.0.0.0/8')", "0"),
    ("isValidIpV6('fe80::1')", "1"),
    ("'%s {} \\' \\\\'", "%s {} ' \\"),
]


@pytest.mark.parametrize(("expression", "expected"), EXPRESSIONS)
def test_an_expression_has_a_value_or_none(queries, expression, expected):
    text = f"filter ms = 120 | fields {expression} as v | display v"
    assert rows(queries, text) == [{} if expected is None else {"v": expected}]


LOSS = "filter @message like 'loss' | parse @message 'epoch=* loss=* acc=*' as epoch, loss, acc"

PIPELINES = [
    ("fields level, ms | filter ispresent(ms) | sort ms", [("80",), ("120",), ("340",)], "ms"),
    ("fields level, ms | filter ispresent(ms) | sort ms desc | limit 1", [("340",)], "ms"),
    ("fields level, ms | filter ispresent(ms) | sort level, ms desc", ["340", "120", "80"], "ms"),
    ("sort @timestamp | limit 2", [EVENTS[0][2], EVENTS[3][2]], "@message"),
    ("sort @timestamp desc | limit 2", [EVENTS[6][2], EVENTS[5][2]], "@message"),
    ("limit 1", [EVENTS[6][2]], "@message"),
    ("sort ms | limit 3 | filter ms > 100", ["120", "340"], "ms"),
    (f"{LOSS} | sort epoch", ["1", "2", "10"], "epoch"),
    (f"{LOSS} | sort loss * -1", ["0.90", "0.45", "0.10"], "loss"),
    (f"{LOSS} | filter loss < 0.5 | sort loss", ["0.10", "0.45"], "loss"),
    (
        "parse @message /loss=(?<loss>[0-9.]+)/ | filter ispresent(loss) | sort loss",
        ["0.10", "0.45", "0.90"],
        "loss",
    ),
    ("parse @message /epoch=(\\d+) loss=(\\S+)/ as e, l | filter l > 0.2 | sort e", ["1", "2"], "e"),
    ("parse /acc=(?<acc>.*)/ | filter acc > 0.9", ["0.95"], "acc"),
    ("parse user.name '*n' as a | filter ispresent(a) | limit 1", ["a"], "a"),
    ("parse @message '[*] disk *% full' as level, used | filter ispresent(used)", ["91"], "used"),
    ("parse @message '[*] *' as a, b | filter ispresent(b)", ["disk 91% full\nat /dev/sda1"], "b"),
    ("stats count(*)", ["7"], "count(*)"),
    ("stats count() as n", ["7"], "n"),
    ("stats count(level) as n", ["3"], "n"),
    ("stats count_distinct(level) as n", ["2"], "n"),
    ("stats sum(ms) as n", ["540"], "n"),
    ("stats avg(ms)", ["180"], "avg(ms)"),
    ("stats min(ms) as n", ["80"], "n"),
    ("stats max(ms) as n", ["340"], "n"),
    ("stats max(level) as n", ["INFO"], "n"),
    ("stats pct(ms, 50) as n", ["120"], "n"),
    ("stats pct(ms, 100) as n", ["340"], "n"),
    ("stats stddev(ok) as n", ["0.5"], "n"),
    ("stats max(ms) - min(ms) as n", ["260"], "n"),
    ("stats ceil(avg(ms) / 7) as n", ["26"], "n"),
    ("stats sum(ms > 100) as n", ["2"], "n"),
    ("stats earliest(level) as n", ["INFO"], "n"),
    ("stats latest(ms) as n", ["80"], "n"),
    ("stats latest(@timestamp) as n", ["2026-11-20 18:46:41.000"], "n"),
    ("stats max(@timestamp) as n", ["2026-11-20 18:46:41.000"], "n"),
    ("stats sortsFirst(path) as n", ["/a"], "n"),
    ("stats sortsLast(level) as n", ["INFO"], "n"),
    ("stats sum(nowhere) as n", [None], "n"),
    ("filter level = 'none' | stats count(*) as n", [], "n"),
    ("stats count(*) as n by level | sort level", ["1", "2", "4"], "n"),
    ("stats count(*) as n by level | sort n desc", [None, "INFO", "ERROR"], "level"),
    ("stats count(*) by level | sort `count(*)`, level", ["ERROR", "INFO", None], "level"),
    ("stats count(*) by level | sort count(*) desc", [None, "INFO", "ERROR"], "level"),
    ("stats count(*) as n by bin(5m)", ["2", "5"], "n"),
    ("stats count(*) as n by bin(5m)", ["2026-11-20 18:45:00.000", "2026-11-20 18:40:00.000"], "bin(5m)"),
    ("stats count(*) as n by bin(5m) as t | sort t", ["5", "2"], "n"),
    ("stats count(*) as n by bin(1m) | stats max(n) as most", ["2"], "most"),
    ("stats count(*) as n by @logStream | filter n > 3", ["train"], "@logStream"),
    ("stats count(*) as n by @logStream | fields n * 10 as m | sort m", ["30", "40"], "m"),
    ("stats sum(ms) as s by user.name as who | sort s desc | display who", ["bob", "ann", None], "who"),
    ("stats count(*) as n by datefloor(@timestamp, 2m) as t | sort t | limit 1", ["4"], "n"),
    ("stats avg(ms) as a by level | stats max(a) as m, count(*) as n | display m", ["340"], "m"),
    ("stats count(*) as n | limit 5 | display nowhere, n", ["7"], "n"),
    ("filter ispresent(level) | dedup level | sort level", ["ERROR", "INFO"], "level"),
    ("filter ispresent(level) | sort ms | dedup level", ["80", "340"], "ms"),
    ("filter ispresent(level) | sort ms desc | dedup level, user.name", ["340", "120"], "ms"),
    ("dedup level | stats count(*) as n", ["6"], "n"),
    ("fields ms * 2 as ms | filter ms > 600", ["680"], "ms"),
    ("fields strlen(level) | filter strlen(level) > 4", ["5"], "strlen(level)"),
    ("fields ms as `m s` | filter `m s` = 120 | display `m s`", ["120"], "m s"),
    ("FIELDS ms | FILTER ms = 120 | SORT ms DESC | LIMIT 3", ["120"], "ms"),
]


@pytest.mark.parametrize(("text", "expected", "name"), PIPELINES)
def test_commands_work_on_what_the_one_before_leaves(queries, text, expected, name):
    if name in ("ms", "level") and "stats" not in text and "display" not in text:
        text += f" | display {name}"
    wanted = [value[0] if isinstance(value, tuple) else value for value in expected]
    assert [row.get(name) for row in rows(queries, text)] == wanted


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("filter ms = 120", ["@timestamp", "@message", "@ptr"]),
        ("fields ms | filter ms = 120", ["ms", "@ptr"]),
        ("fields ms, level | fields user.name, ms | filter ms = 120", ["ms", "level", "user.name", "@ptr"]),
        ("fields ms, level | filter ms = 120 | display level", ["level", "@ptr"]),
        ("filter ms = 120 | display level | display ms", ["ms", "@ptr"]),
        ("parse path '/*' as p | filter ms = 120", ["@timestamp", "@message", "p", "@ptr"]),
        ("filter ms = 120 | stats max(ms), count(*) as n by level", ["level", "max(ms)", "n"]),
        ("filter ms = 120 | stats max(ms) as m by level | fields m + 1", ["m + 1"]),
        ("fields ms, nowhere | filter ms = 120", ["ms", "@ptr"]),
        ("fields ms | filter ms = 120 | display @ptr, ms", ["@ptr", "ms"]),
    ],
)
def test_a_row_has_the_fields_that_are_shown_in_order_without_those_it_lacks(queries, text, names):
    query = run(queries, text)
    assert [[name for name, _ in row] for row in query.rows(0, 10)] == [names]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("filter count(*) > 1", "belongs into stats"),
        ("stats level by ms", "many values"),
        ("stats max(level) + ms by ms", "many values"),
        ("stats max(max(ms))", "belongs into stats"),
        ("stats count(*) by bin(1m) | stats count(*) by bin(5m)", "bin works on log events"),
        ("stats count(*) as n by level | stats latest(n)", "latest works on log events"),
        ("fields bin(5)", "expected a period"),
        ("fields bin(level)", "expected a period"),
        ("fields datefloor(5m, 5m)", "a period stands in"),
        ("fields bin(1000y)", "too long"),
        ("fields 5m", "a period stands in"),
        ("stats pct(ms, 101)", "percentage"),
        ("stats pct(ms, level)", "percentage"),
        ("fields trim(ms, level)", "in quotes"),
        ("filter isIpInSubnet(ip, 'x/8')", "no subnet"),
        ("filter isIpv4InSubnet(ip, 'fe80::/10')", "IPv6"),
        ("fields " + ", ".join(f"f{n}" for n in range(201)), "200 fields"),
        ("fields a.0.0.0.0.0", "too long"),
        ("fields " + "coalesce(" * 30 + "a" + ", 1)" * 30 + " = " + "b", None),
    ],
)
def test_what_cannot_be_meant_is_refused_before_it_runs(queries, text, reason):
    if reason is None:
        assert run(queries, text).status is Status.COMPLETE
        return
    with pytest.raises(MalformedQuery, match=reason) as refusal:
        queries.start(parse(text), selection())
    assert 0 <= refusal.value.start < refusal.value.end <= len(text)


def test_an_expression_that_would_explode_is_refused(queries):
    nested = "a"
    for _ in range(18):
        nested = f"coalesce({nested} = b, b)"
    with pytest.raises(MalformedQuery, match="too complex"):
        queries.start(parse(f"filter {nested}"), selection())


def test_both_ends_of_the_time_belong_to_it(queries):
    assert len(values(queries, "fields @message", start=START + 30_000, end=START + 90_000)) == 3
    assert values(queries, "fields @message", start=START + 91_000, end=START + 92_000) == []


def test_several_groups_are_one(queries):
    assert values(queries, "stats count(*)", "app", "other") == ["8"]
    assert values(queries, "stats count(*) as n by @log | sort n | display @log", "app", "other") == [
        "299000000001:other",
        "299000000001:app",
    ]


def test_another_account_has_nothing_of_it(queries):
    assert values(queries, "fields @message", tenant=Tenant("299000000002")) == []


def test_a_query_without_a_limit_has_the_one_of_the_request(queries):
    assert len(values(queries, "fields @message", limit=3)) == 3
    assert len(values(queries, "fields @message | limit 5", limit=3)) == 5


def test_statistics_count_what_was_read_and_what_all_filters_let_pass(queries):
    query = run(queries, "filter ispresent(ms) | fields ms * 2 as d | filter d > 200 | limit 1 | filter d > 1e9")
    assert (query.statistics.scanned, query.statistics.matched) == (7, 2)
    assert query.statistics.bytes == sum(len(message.encode()) for _, _, message in EVENTS)
    query = run(queries, "filter ms > 100 | stats count(*) as n by level | filter n > 5")
    assert (query.statistics.matched, query.row_count) == (2, 0)


def test_pointers_tell_events_apart(queries):
    query = run(queries, "fields @message")
    assert len({dict(row)["@ptr"] for row in query.rows(0, 100)}) == 7


def test_text_sorts_before_numbers_and_digits_in_it_as_numbers(queries, stores, tenant):
    keys = [
        "!:",
        "#",
        "*%04",
        "0#",
        "5A",
        "111A",
        "2345_",
        "@",
        "@_",
        "A",
        "A9876fghj",
        "a12345hfh",
        "0",
        "1.5",
        "2",
        "10",
    ]
    shuffled = [(START + index, json.dumps({"k": key})) for index, key in enumerate(sorted(keys, key=hash))]
    stores.logs.put_events(tenant, "app", "s", [*shuffled, (START, "nothing")], START)
    assert values(queries, "fields k | sort k", tenant=tenant) == [*keys, None]
    assert values(queries, "fields k | sort k desc", tenant=tenant) == [*reversed(keys), None]


def test_a_part_of_the_rows_can_be_had(queries):
    query = run(queries, "fields @message | sort @timestamp")
    whole = query.rows(0, 100)
    assert [query.rows(offset, 3) for offset in (0, 3, 6, 9)] == [whole[:3], whole[3:6], whole[6:], []]


def test_queries_are_kept_from_the_newest_on_and_only_for_their_account(queries, stores, tenant):
    first = run(queries, "limit 1", tenant=tenant)
    second = run(queries, "limit 2", tenant=tenant)
    assert queries.list(tenant) == [second, first]
    assert queries.get(tenant, first.id) is first
    assert queries.get(TENANT, first.id) is None


SLOW = "filter " + " or ".join(f"@message like /[ab]*a[ab]{{{n}}}c/" for n in (20, 24))
"""Takes far longer than any test waits: so many states that the engine has to follow them one by one."""


@pytest.fixture(scope="module")
def slow(stores):
    """Who has events on which SLOW is slow."""
    tenant = Tenant("299000000003")
    letters = random.Random(1)
    messages = ["".join(letters.choices("ab", k=40)) for _ in range(150_000)]
    stores.logs.put_events(tenant, "app", "s", [(START, message) for message in messages], START)
    return tenant


@pytest.fixture
def own(stores):
    """Queries that no other test sees; stopped at the end."""
    queries = LogQueries(stores.engine)
    yield queries
    queries.close()


def running(query):
    deadline = time.monotonic() + 60
    while query.status is Status.SCHEDULED:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    return query


def statements(stores, query):
    """How many statements of ``query`` are under way in the engine."""
    table = stores.engine.query("SELECT query FROM system.processes")
    return sum(query.id in text for text in table.column("query").to_pylist())


def test_a_query_that_runs_can_be_stopped_and_the_engine_works_on_it_no_more(own, stores, slow):
    query = running(own.start(parse(SLOW), selection(tenant=slow)))
    assert query.status is Status.RUNNING
    assert own.stop(query)
    assert query.status is Status.CANCELLED
    assert not own.stop(query)
    deadline = time.monotonic() + 60
    while statements(stores, query):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert (query.status, query.rows(0, 10)) == (Status.CANCELLED, [])


def test_queries_wait_for_their_turn_and_can_be_stopped_meanwhile(own, slow):
    first = [running(own.start(parse(SLOW), selection(tenant=slow))) for _ in range(log_queries.RUNNING_AT_ONCE)]
    waiting = own.start(parse(SLOW), selection(tenant=slow))
    assert waiting.status is Status.SCHEDULED
    assert own.stop(waiting)
    assert (waiting.status, waiting.duration) == (Status.CANCELLED, 0.0)
    for query in first:
        own.stop(query)
    assert ended(own.start(parse("limit 1"), selection(tenant=slow))).status is Status.COMPLETE


PATTERNS = [
    (
        ["2023-01-01 19:00:01 [INFO] Storing resource id 12342342k124-12345",
         "2023-01-01 19:00:02 [INFO] Storing resource id 324892398123-12345",
         "2023-01-01 19:00:03 [INFO] Storing resource id 3ff231242342-12345"],
        "<Time-1> [INFO] Storing resource id <ID-2>", "Info",
    ),
    (["[INFO] Request time: 327 ms", "[INFO] Request time: 12.5 ms"], "[INFO] Request time: <Number-1> ms", "Info"),
    (["epoch=1 loss=0.90 lr=1e-05", "epoch=10  loss=.1 lr=3"], "epoch=<Number-1> loss=<Number-2> lr=<Number-3>", None),
    (["\x1b[31mERROR\x1b[0m: rank 3 on 10.0.0.7:29500", "ERROR: rank 11 on 10.0.1.9:5"],
     "ERROR: rank <Number-1> on <IPAddress-2>", "Error"),
    (["Nov 22 12:03:04 algo-1 W: disk", "Nov  1 02:03:04 algo-12 W: disk"], "<Time-1> algo-<Number-2> W: disk", None),
    (["saved /opt/ml/model/a.pt to s3://b/a", "saved /tmp/x.pt to s3://c/d"], "saved <Path-1> to <URL-2>", None),
    (["ValueError: got 0x7f001 for 123e4567-e89b-12d3-a456-426614174000",
      "ValueError: got 0x1 for 00000000-0000-0000-0000-000000000000"],
     "ValueError: got <ID-1> for <ID-2>", "Error"),
    ([" 45%|████▌     | 45/100 [00:12<00:15,  3.55it/s]", "  5%|▌         | 5/100 [00:01<01:15, 1.20it/s]"],
     "<Number-1>%|<Token-2>| <Number-3>/<Number-4> [<Time-5><<Time-6>, <Number-7>it/s]", None),
    (['{"level": "warning", "step": 5}', '{"level": "warning", "step": 17}'],
     '{"level": "warning", "step": <Number-1>}', "Warning"),
    (["conv2d.weight of float32 DEBUG", "conv2d.weight of float32 DEBUG"], "conv2d.weight of float32 DEBUG", "Debug"),
    (["", "  "], "", None),
]  # fmt: skip


@pytest.mark.parametrize(("number", "case"), list(enumerate(PATTERNS)), ids=[case[1] for case in PATTERNS])
def test_a_pattern_is_what_lines_share(queries, stores, number, case):
    lines, pattern, severity = case
    stores.logs.put_events(TENANT, f"pattern-{number}", "s", [(START, line) for line in lines], START)
    expected = {"@pattern": pattern, "@ratio": "1", "@sampleCount": str(len(lines))}
    [row] = rows(queries, "pattern @message", f"pattern-{number}")
    assert row == expected | ({"@severityLabel": severity} if severity else {})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "pattern @message | limit 1",
            [("epoch=<Number-1> loss=<Number-2> acc=<Number-3>", str(3 / 7), "3")],
        ),
        (
            "filter @logStream = 'train' | pattern @message",
            [
                ("epoch=<Number-1> loss=<Number-2> acc=<Number-3>", "0.75", "3"),
                ("[WARN] disk <Number-1>% full at <Path-2>", "0.25", "1"),
            ],
        ),
        ("pattern path", [("<Path-1>", "1", "2")]),
        ("pattern nowhere", []),
        ("filter ispresent(ms) | pattern concat('took ', ms)", [("took <Number-1>", "1", "3")]),
        (
            "parse @message 'epoch=*' as rest | pattern rest",
            [("<Number-1> loss=<Number-2> acc=<Number-3>", "1", "3")],
        ),
        ("pattern @message | filter @pattern like 'epoch' and @ratio < 0.4", []),
        ("pattern @message | filter @severityLabel = 'Warning' | display @sampleCount", [("1",)]),
        ("pattern @message | stats count(*) as forms, sum(@sampleCount) as lines", [("5", "7")]),
        ("pattern @message | pattern @pattern | stats sum(@sampleCount) as forms", [("5",)]),
        ("pattern level | sort @sampleCount asc | limit 1 | display @pattern", [("ERROR",)]),
    ],
)
def test_patterns_are_filtered_sorted_and_summed_up(queries, text, found):
    told = [[value for name, value in row.items() if name != "@severityLabel"] for row in rows(queries, text)]
    assert [tuple(row) for row in told] == found


@pytest.mark.parametrize(
    "text", ["pattern", "pattern @message, path", "pattern @message as a", "pattern | limit 1"]
)
def test_a_pattern_is_of_one_text(text):
    with pytest.raises(MalformedQuery):
        parse(text)


class Endless:
    """The engine, but what it is asked goes on for years, under the same settings."""

    def __init__(self, engine):
        self._engine = engine

    def query(self, sql, parameters):
        settings = sql.rpartition(" SETTINGS ")[2]
        return self._engine.query(f"SELECT sum(sipHash64(number)) FROM numbers({10**18}) SETTINGS {settings}", {})


def test_a_query_ends_when_its_time_is_over(stores):
    queries = LogQueries(Endless(stores.engine), seconds=0.2)
    query = ended(queries.start(parse("limit 1"), selection()))
    queries.close()
    assert (query.status, query.rows(0, 10)) == (Status.TIMEOUT, [])


def test_an_account_may_have_so_many_queries_under_way(own, slow):
    for _ in range(log_queries.MOST_ACTIVE):
        own.start(parse(SLOW), selection(tenant=slow))
    with pytest.raises(TooManyQueries):
        own.start(parse("limit 1"), selection(tenant=slow))
    assert own.start(parse("limit 1"), selection()) in own.list(TENANT)


def test_results_are_forgotten_after_a_while_and_the_oldest_when_they_are_many(stores, queries):
    now = [1000.0]
    own = LogQueries(stores.engine, clock=lambda: now[0])
    old = run(own, "limit 1")
    now[0] += log_queries.KEPT_SECONDS - 1
    young = run(own, "limit 1")
    assert own.list(TENANT) == [young, old]
    now[0] += 1
    assert own.list(TENANT) == [young]
    assert own.get(TENANT, old.id) is None
    own.close()


def test_a_result_that_is_too_large_fails_and_leaves_nothing_behind(own, stores, slow):
    many = [(START + 1, "z" * 1_000_000) for _ in range(40)]
    tenant = Tenant("299000000004")
    stores.logs.put_events(tenant, "app", "s", many, START)
    query = ended(own.start(parse("fields @message"), selection(tenant=tenant)))
    assert (query.status, query.row_count) == (Status.FAILED, 0)
    query = ended(own.start(parse("fields @message | limit 3"), selection(tenant=tenant)))
    assert (query.status, query.row_count) == (Status.COMPLETE, 3)


FIELDS = some.sampled_from(
    ["level", "ms", "user.name", "user.tags.0", "ok", "@timestamp", "@message", "nowhere", "x"]
)
LITERALS = some.sampled_from(["1", "-2.5", "0", "'INFO'", "'120'", "''", "true", "1e300"])


def grown(inner):
    pairs = some.tuples(inner, inner)
    return some.one_of(
        some.tuples(inner, some.sampled_from("+-*/%^"), inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        some.tuples(inner, some.sampled_from(["=", "!=", "<", "<=", ">", ">="]), inner).map(
            lambda p: f"({p[0]} {p[1]} {p[2]})"
        ),
        pairs.map(lambda p: f"(({p[0]}) and not ({p[1]}) or ({p[1]}))"),
        pairs.map(lambda p: f"({p[0]} not in [{p[1]}, 'a'])"),
        inner.map(lambda e: f"({e} like /[0-9]+/)"),
        inner.map(lambda e: f"({e} not like 'I')"),
        pairs.map(lambda p: f"coalesce({p[0]}, {p[1]})"),
        pairs.map(lambda p: f"concat({p[0]}, {p[1]})"),
        pairs.map(lambda p: f"substr({p[0]}, {p[1]})"),
        pairs.map(lambda p: f"greatest({p[0]}, {p[1]})"),
        pairs.map(lambda p: f"replace({p[0]}, {p[1]}, 'z')"),
        pairs.map(lambda p: f"strcontains({p[0]}, {p[1]})"),
        some.tuples(
            some.sampled_from(["abs", "sqrt", "log", "ceil", "strlen", "trim", "tolower", "isempty", "isblank"]),
            inner,
        ).map(lambda p: f"{p[0]}({p[1]})"),
        some.tuples(some.sampled_from(["toMillis", "fromMillis", "ispresent", "isValidIp"]), inner).map(
            lambda p: f"{p[0]}({p[1]})"
        ),
        some.tuples(
            some.sampled_from(["datefloor", "dateceil"]), inner, some.sampled_from(["7m", "1mo", "2w"])
        ).map(lambda p: f"{p[0]}({p[1]}, {p[2]})"),
        inner.map(lambda e: f"isIpInSubnet({e}, '10.0.0.0/8')"),
    )


EXPRESSION = some.recursive(FIELDS | LITERALS, grown, max_leaves=6)
AGGREGATES = ["count", "count_distinct", "sum", "avg", "min", "max", "stddev", "earliest", "latest", "sortsFirst"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(EXPRESSION, EXPRESSION, some.sampled_from(AGGREGATES))
def test_expressions_of_any_kind_can_be_shown_filtered_sorted_grouped_and_summed_up(queries, one, two, aggregate):
    for text in (
        f"fields {one} as x, {two} as y | filter x = y or {one} | sort x desc, y | dedup y, x",
        f"stats {aggregate}({one}) as a, pct({two}, 50) as b by {two} as c | sort a, c desc | filter a = c or not b",
    ):
        assert run(queries, text).status is Status.COMPLETE, text


@pytest.mark.parametrize(
    "text",
    [
        'filter @message like "x"',
        'filter @message like "x" | limit 5',
        'filter @message like "x" | stats count(*)',
        "fields @message, ms * 2 as twice | filter twice > 3 | sort twice | limit 2",
        "filter ms > 3 | stats count(*) as n by level | filter n > 2 | sort n",
        'filter ms > 3 | filter level = "INFO" | dedup level | display level',
    ],
)
def test_what_counts_the_matches_has_the_filters_as_deep_as_what_finds_the_rows(text):
    plan = compile_query(parse(text), selection(), now=0)
    events = " FROM log_events"
    assert plan.matched.partition(events)[0].count("(SELECT") == plan.rows.partition(events)[0].count("(SELECT")


def test_without_a_filter_all_that_is_scanned_matches(queries):
    query = run(queries, "stats count(*)")
    assert compile_query(parse("stats count(*)"), selection(), now=0).matched is None
    assert query.statistics.matched == query.statistics.scanned == len(EVENTS)
