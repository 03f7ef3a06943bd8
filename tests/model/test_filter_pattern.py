"""The filter pattern language, as tables of (pattern, message, whether it matches)."""

import pytest

from epochwatch.model.filter_pattern import InvalidFilterPattern, compile_pattern

TERMS = [
    ("", "anything", True),
    ("   ", "", True),
    ('""', "anything", True),
    ("ERROR", "[ERROR 400] BAD REQUEST", True),
    ("ERROR", "[error 400] bad request", False),
    ("ERROR", "UNRECOVERABLE_ERROR_7", True),
    ("ERROR", "WARN only", False),
    ("ERROR 400", "400 then ERROR", True),
    ("ERROR 400", "ERROR 401", False),
    ('"INTERNAL SERVER ERROR"', "x INTERNAL SERVER ERROR y", True),
    ('"INTERNAL SERVER ERROR"', "INTERNAL ERROR in SERVER", False),
    ('"say \\"hi\\""', 'they say "hi" twice', True),
    ('"a\\\\b"', "path a\\b", True),
    ("-ERROR", "all is well", True),
    ("-ERROR", "an ERROR", False),
    ("ERROR -ARGUMENTS", "ERROR in file", True),
    ("ERROR -ARGUMENTS", "ERROR INVALID ARGUMENTS", False),
    ('loss -"val loss"', "loss 3", True),
    ('loss -"val loss"', "val loss 3", False),
    ("?ERROR ?WARN", "WARN x", True),
    ("?ERROR ?WARN", "ERROR x", True),
    ("?ERROR ?WARN", "INFO x", False),
    ('?"out of memory" ?killed', "Process killed", True),
    ('?"out of memory" ?killed', "CUDA out of memory", True),
    # optional terms beside others are ignored
    ("INFO ?ERROR", "INFO fine", True),
    ("INFO ?ERROR", "ERROR only", False),
    ("?ERROR -DEBUG", "INFO fine", True),
    ("%AUTHORIZED%", "[ERROR 401] UNAUTHORIZED REQUEST", True),
    ("%AUTHORIZED%", "[SUCCESS 200] OK", False),
    ("%[hc]at$%", "a black cat", True),
    ("%[hc]at$%", "cat food", False),
    ("%^step=\\d+ %", "step=12 loss=1", True),
    ("%^step=\\d+ %", "a step=12 ", False),
    ("%colou?r%", "the color", True),
    ("%loss a{3,5}b%", "loss aaaab", True),
    ("%gr(a)y%", "gray", None),
    ("ERROR %code 4\\d\\d%", "ERROR code 404", True),
    ("ERROR %code 4\\d\\d%", "ERROR code 504", False),
    ("-%debug|trace%", "trace on", False),
    ("-%debug|trace%", "info on", True),
    ("?%^a% ?%^b%", "bcd", True),
    ("epoch_3", "epoch_3 done", True),
    ("日本", "ログ 日本 語", True),
    ("-", "a - b", True),
]

REQUEST = '{"eventType":"UpdateTrail","sourceIPAddress":"111.111.111.111","arrayKey":["value","another value"],'
REQUEST += '"objectList":[{"name":"a","id":1},{"name":"b","id":2}],"SomeObject":null,"cluster.name":"c",'
REQUEST += (
    '"ok":true,"bad":false,"empty":"","n":4.5e1,"code":404,"text":"404","e":1e-3,"deep":{"a":{"b":[10,"xyz"]}}}'
)

JSON = [
    ('{ $.eventType = "UpdateTrail" }', True),
    ("{ $.eventType = UpdateTrail }", True),
    ('{$.eventType="UpdateTrail"}', True),
    ('{ $.eventType = "Update" }', False),
    ('{ $.eventType = "Update*" }', True),
    ('{ $.eventType = "*Trail" }', True),
    ("{ $.eventType = *dateT* }", True),
    ('{ $.eventType = "U*e*l" }', True),
    ('{ $.eventType = "U*z*l" }', False),
    ('{ $.eventType = "*" }', True),
    ('{ $.eventType = "updatetrail" }', False),
    ('{ $.eventType != "UpdateTrail" }', False),
    ('{ $.eventType != "Other" }', True),
    ('{ $.missing != "Other" }', False),
    ('{ $.missing = "*" }', False),
    ("{ $.sourceIPAddress != 123.123.* }", True),
    ("{ $.sourceIPAddress = 111.111.* }", True),
    ('{ $.arrayKey[0] = "value" }', True),
    ('{ $.arrayKey[1] = "value" }', False),
    ('{ $.arrayKey[2] = "value" }', False),
    ('{ $.arrayKey[*] = "another value" }', True),
    ('{ $.arrayKey = "value" }', False),
    ("{ $.objectList[1].id = 2 }", True),
    ("{ $.objectList[1].id = 1 }", False),
    ("{ $.objectList[*].id = 1 }", True),
    ("{ $.objectList[*].id > 2 }", False),
    ("{ $.SomeObject IS NULL }", True),
    ("{ $.ok IS NULL }", False),
    ("{ $.missing IS NULL }", False),
    ("{ $.ok IS NOT NULL }", True),
    ("{ $.ok IS TRUE }", True),
    ("{ $.bad IS TRUE }", False),
    ("{ $.bad IS FALSE }", True),
    ("{ $.ok IS FALSE }", False),
    ("{ $.ok = true }", True),
    ("{ $.missing NOT EXISTS }", True),
    ("{ $.SomeObject NOT EXISTS }", False),
    ("{ $.SomeObject EXISTS }", True),
    ("{ $.missing EXISTS }", False),
    ("{ $.deep.a EXISTS }", True),
    ("{ $.deep.a.b[0] = 10 }", True),
    ('{ $.deep.a.b[1] = "x*" }', True),
    ("{ $['cluster.name'] = c }", True),
    ('{ $.["cluster.name"] = "c" }', True),
    ("{ $.cluster.name = c }", False),
    ("{ $.n = 45 }", True),
    ("{ $.n = 45.0 }", True),
    ("{ $.n > 44.9 }", True),
    ("{ $.n >= 45 }", True),
    ("{ $.n < 45 }", False),
    ("{ $.n <= 4.5e1 }", True),
    ("{ $.n != 45 }", False),
    ("{ $.code = 4* }", True),
    ('{ $.code = "404" }', True),
    ("{ $.text = 404 }", True),
    ("{ $.code > -1 }", True),
    ("{ $.e = 0.001 }", True),
    ("{ $.e < 1e-2 }", True),
    ("{ $.eventType > 1 }", False),
    ('{ $.empty = "" }', True),
    ("{ $.eventType = %Trail$% }", True),
    ("{ $.eventType != %Trail$% }", False),
    ("{ $.code = %^4\\d\\d$% }", True),
    ('{ $.eventType = "UpdateTrail" && $.code = 404 }', True),
    ('{ $.eventType = "UpdateTrail" && $.code = 405 }', False),
    ("{ $.code = 405 || $.ok IS TRUE }", True),
    ("{ $.code = 405 || $.ok IS FALSE }", False),
    ("{ $.ok IS TRUE || $.ok IS TRUE && $.bad IS TRUE }", True),
    ("{ ($.ok IS TRUE || $.ok IS TRUE) && $.bad IS TRUE }", False),
    ('{ $.deep.a.b[0] = "1*" && ($.n > 100 || $.SomeObject IS NULL) }', True),
    ("{ (($.n > 1)) }", True),
    ("{($.n>1)&&($.n<50)}", True),
]

ACCESS = '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'

FIELDS = [
    ("[ip, id, user, timestamp, request, status, bytes]", ACCESS, True),
    ("[ip, id, user, timestamp, request, status]", ACCESS, False),
    ("[ip, id, user, timestamp, request, status, bytes, more]", ACCESS, False),
    ("[ip, id, user, timestamp, request, status=404, bytes]", ACCESS, True),
    ("[ip, id, user, timestamp, request, status=4*, bytes>1000]", ACCESS, True),
    ("[ip, id, user, timestamp, request, status=4*, bytes > 2000]", ACCESS, False),
    ("[ip, id, user, timestamp, request = *.html*, status_code = 4*, ...]", ACCESS, True),
    ("[..., status, bytes]", ACCESS, True),
    ("[..., status != 404, bytes]", ACCESS, False),
    ("[..., status=404 || status=410, bytes]", ACCESS, True),
    ("[..., status=401 || status=410, bytes]", ACCESS, False),
    ("[..., (status>=400 && status<500), bytes]", ACCESS, True),
    ("[..., status >= 400 && (status < 404 || status = 404), bytes]", ACCESS, True),
    ("[ip, user, ..., status=4*, bytes>1000]", ACCESS, True),
    ("[ip=127.0.*, ...]", ACCESS, True),
    ("[ip!=127.0.*, ...]", ACCESS, False),
    ("[ip=%127\\.0\\.0\\.[1-9]%, ...]", ACCESS, True),
    ("[ip=%^10\\.%, ...]", ACCESS, False),
    ('[..., request="GET /index*", status, bytes]', ACCESS, True),
    ('[a, b, c, timestamp="10/Oct/2000*", ...]', ACCESS, True),
    ("[w1=ERROR, w2]", "ERROR 17", True),
    ("[w1=ERROR, w2]", "17 ERROR", False),
    ("[w1!=ERROR&&w1!=WARN, w2]", "INFO x", True),
    ("[w1!=ERROR&&w1!=WARN, w2]", "WARN x", False),
    ("[w1]", "", False),
    ("[...]", "", True),
    ("[a, ..., b]", "one", False),
    ("[a, ..., b]", "one two", True),
    ("[loss < 0.5]", "0.25", True),
    ("[loss < 0.5]", "nan", False),
    ("[loss<1e-3, ...]", "5e-4 x", True),
    ("[a=x&y]", "x&y", True),
    ("[a = -5]", "-5", True),
]

INVALID = [
    "{ $.a = }",
    "{ $.a }",
    "{ a = 1 }",
    "{ $.a = 1",
    "{ $.a = 1 && }",
    "{ ($.a = 1 }",
    "{ $.a = 1) }",
    "{ $.a IS MAYBE }",
    "{ $.a > abc }",
    '{ $.a > "1" }',
    "{ $.a == 1 }",
    "{ $.a NOT NULL }",
    "{}",
    "{ $.a = %x% && $.b = %y% && $.c = %z% }",
    "{ $.a = %(x)% }",
    "{ " + "(" * 100 + "$.a = 1" + ")" * 100 + " }",
    "[a, b",
    "[a, , b]",
    "[..., a, ...]",
    "[a, a]",
    "[a=1 && b=2]",
    "[a = %x%, b = %y%, c = %z%]",
    "[a > x]",
    "[]",
    '"open',
    "%open",
    "%a!b%",
    "%(a+)+b%",
    "%[z-a]%",
    "%ä%",
    'ab "x"y',
]


@pytest.mark.parametrize(("pattern", "message", "expected"), TERMS)
def test_terms(pattern, message, expected):
    if expected is None:
        with pytest.raises(InvalidFilterPattern):
            compile_pattern(pattern)
    else:
        compiled = compile_pattern(pattern)
        assert compiled.matches(message) is expected
        if expected:
            assert all(term in message for term in compiled.required)


@pytest.mark.parametrize(("pattern", "expected"), JSON)
def test_json_patterns(pattern, expected):
    assert compile_pattern(pattern).matches(REQUEST) is expected


@pytest.mark.parametrize(("pattern", "message", "expected"), FIELDS)
def test_space_delimited_patterns(pattern, message, expected):
    assert compile_pattern(pattern).matches(message) is expected


@pytest.mark.parametrize("pattern", INVALID)
def test_invalid_patterns_are_refused(pattern):
    with pytest.raises(InvalidFilterPattern):
        compile_pattern(pattern)


@pytest.mark.parametrize("message", ["", "plain", "{", '{"a": NaN}', "[" * 100_000, "17", '"a"', '{"a":1} tail'])
def test_a_message_that_is_no_json_document_never_matches(message):
    assert compile_pattern("{ $.a NOT EXISTS }").matches(message) is False


def test_a_top_level_array_can_be_indexed():
    assert compile_pattern("{ $[1].a = 2 }").matches('[{"a":1},{"a":2}]')


def test_required_regexes_are_found_in_every_match():
    assert compile_pattern("loss %a+% -%b% ?c").required_regexes == ("a+",)
    assert compile_pattern("?%a% ?%b%").required_regexes == ()
    assert compile_pattern("{ $.a = %b% }").required_regexes == ()


def test_required_terms_name_what_every_match_contains():
    assert compile_pattern('loss -nan "step 3" ?x').required == ("loss", "step 3")
    assert compile_pattern("?a ?b").required == ()
    assert compile_pattern('{ $.a = "b" }').required == ()


def test_a_regular_expression_stays_linear():
    assert compile_pattern("%a*a*a*a*a*a*a*a*a*a*b%").matches("a" * 200_000) is False
