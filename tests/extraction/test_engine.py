"""The linear-time engine against Python's own ``re``, and the prefilter against none."""

import itertools
import random
import re
import subprocess
import sys

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from epochwatch.extraction.extractor import Extractor
from epochwatch.extraction.linear import LONGEST, is_cheap
from epochwatch.extraction.matcher import Finder, Selector
from epochwatch.extraction.numbers import parse_number
from epochwatch.extraction.pattern import Pattern
from epochwatch.extraction.plan import Plan
from epochwatch.extraction.syntax import parse
from epochwatch.extraction.templates import Templates
from epochwatch.model.batch import Definition

ATOMS = [
    "a", "b", "A", "1", "=", ":", r"\.", " ", ".", r"\d", r"\w", r"\s", r"\S", r"\W", r"\D", "[ab]", "[^a]",
    "[a-c1-9]", r"[\d.]", r"[^\s=]", r"\b", "^", "$", r"\B", "loss", "acc", r"\t", "#011",
    r"[\w-]", "-", "é", "[A-Z]", r"\x41",
]  # fmt: skip
QUANTIFIERS = ["", "", "", "", "*", "+", "?", "*?", "+?", "??", "{2}", "{1,3}", "{0,2}?"]
LINES = st.text(alphabet="abAB1.=: \t\x0b-é_losc\xa0#0\u212a", max_size=24)


def _extend(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    sequence = st.lists(inner, min_size=1, max_size=4).map("".join)
    return st.one_of(
        st.tuples(
            st.sampled_from(["(", "(?:", "(?i:"]), sequence, st.sampled_from(["", "", "?", "+", "*", "{2}"])
        ).map(lambda parts: f"{parts[0]}{parts[1]}){parts[2]}"),
        st.tuples(sequence, sequence).map("(?:{0[0]}|{0[1]})".format),
        sequence,
    )


ATOM = st.tuples(st.sampled_from(ATOMS), st.sampled_from(QUANTIFIERS)).map(
    lambda pair: pair[0] + (pair[1] if pair[0] not in ("^", "$", r"\b", r"\B") else "")
)
PATTERNS = st.tuples(st.sampled_from(["", "", "(?i)", "(?s)"]), st.recursive(ATOM, _extend, max_leaves=8)).map(
    "".join
)


def compiled(regex: str) -> Pattern | None:
    try:
        return Pattern(Definition("m", regex))
    except re.error:
        return None


def reference(pattern: Pattern, text: bytes) -> "re.Match[bytes] | re.Match[str] | None":
    """What Python's engine finds, under the meaning that the documentation gives to patterns."""
    if pattern.wide:
        return re.compile(pattern.source, re.ASCII).search(text.decode("utf-8", "replace"))
    return re.compile(pattern.source.encode()).search(text)


def value_of(pattern: Pattern, match: "re.Match[bytes] | re.Match[str] | None") -> bytes | None:
    if match is None:
        return None
    for group in pattern.groups.value:
        found = match.group(group)
        if found is not None:
            return found.encode() if isinstance(found, str) else found
    return b""


@settings(max_examples=600, deadline=None)
@given(PATTERNS, LINES)
@example("loss=([0-9.]+)", "loss=0.5")
@example("(?i)LOSS[=:](.+?)(?:,|$)", "Loss:0.5,acc:0.1")
@example(r"\s(\S+)$", "a\x0b1")
@example("(?i)k(.)", "\u212a1")
@example("a|(b)", "b")
def test_re2_answers_as_python_does(regex: str, line: str) -> None:
    pattern = compiled(regex)
    assume(pattern is not None and pattern.engine == "re2" and line)
    assert pattern is not None
    text = line.encode()
    capture = pattern.capture(text)
    assert (None if capture is None else capture.value) == value_of(pattern, reference(pattern, text))


@settings(max_examples=300, deadline=None)
@given(PATTERNS, st.binary(min_size=1, max_size=16))
def test_they_agree_on_lines_that_are_not_utf8(regex: str, text: bytes) -> None:
    pattern = compiled(regex)
    assume(pattern is not None and pattern.engine == "re2")
    assume(not any(byte in text for byte in b"\n\r"))
    assert pattern is not None
    capture = pattern.capture(text)
    assert (None if capture is None else capture.value) == value_of(pattern, reference(pattern, text))


@settings(max_examples=300, deadline=None)
@given(st.lists(PATTERNS, min_size=1, max_size=6), st.lists(LINES, max_size=12))
@example(["loss", "los", "oss=(.)"], ["xloss=1", "", "LOSS", "lossloss=2"])
@example(["(?i)loss", "acc"], ["LoSs", "acc", "x"])
@example(["(?:ab|b1)=(.)"], ["ab=1", "b1=2", "b=3"])
def test_the_prefilter_leaves_out_no_line_that_matches(regexes: list[str], lines: list[str]) -> None:
    patterns = [pattern for regex in regexes if (pattern := compiled(regex)) is not None]
    texts = [line.encode() for line in lines]
    block = b"".join(text + b"\n" for text in texts)
    selector = Selector(patterns)
    found = {block.count(b"\n", 0, start) for start, _ in Finder(patterns).lines(block)}
    for number, text in enumerate(texts):
        for index, pattern in enumerate(patterns):
            if text and reference(pattern, text) is not None:
                assert number in found, (pattern.source, text)
                assert index in selector.numbers(text), (pattern.source, text)


NUMBER = r"([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)"
LOG_LINES = st.lists(
    st.one_of(
        LINES,
        st.tuples(st.sampled_from(["loss", "Loss", "acc", "b"]), st.sampled_from("=:"), st.floats()).map(
            lambda parts: f"a {parts[0]}{parts[1]}{parts[2]} 1"
        ),
    ),
    max_size=12,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PATTERNS, min_size=1, max_size=6), LOG_LINES, st.lists(st.integers(0, 200), max_size=3))
@example([f"loss={NUMBER}", f"(?i)loss[=:]{NUMBER}", ".*b=(.*?) "], ["a loss=0.5 1", "x", "b=1 Loss:2e-3"], [])
def test_a_log_gives_what_a_loop_of_searches_gives(regexes: list[str], lines: list[str], cuts: list[int]) -> None:
    patterns = [
        p for regex in regexes if (p := compiled(regex)) is not None and p.engine == "re2" and not p.escaped
    ]
    texts = [line.replace("#", "-").encode() for line in lines]
    expected = []
    for text in texts:
        for number, pattern in enumerate(patterns):
            captured = value_of(pattern, reference(pattern, text)) if text else None
            value = None if captured is None else parse_number(captured)
            if value is not None:
                expected.append((f"m{number}", repr(value)))
    extractor = Extractor(
        [Definition(f"m{number}", pattern.definition.regex) for number, pattern in enumerate(patterns)],
        automatic=False,
    )
    log = b"".join(text + b"\n" for text in texts)
    places = sorted({min(cut, len(log)) for cut in cuts} | {0, len(log)})
    found = []
    for start, end in itertools.pairwise(places):
        out = extractor.feed(log[start:end], start)
        found += [(out.names[number], repr(value)) for number, value in zip(out.name_ids, out.values, strict=True)]
    assert found == expected


NUMBERED = st.one_of(
    PATTERNS,
    st.sampled_from(
        [
            f"loss={NUMBER}", f"loss1={NUMBER}", f"loss2={NUMBER}", r"loss[12]=(\S+)",
            rf".*\[[0-9]+\].*#011a:{NUMBER}.*",
            rf"#011a:{NUMBER}", r"a:(\d{1,2})", r"(?i)LOSS\d?=(.+?)(?:,|$)", r"=(?P<value>[-0-9.e]+)", r"(\d+)#011",
            r"a=(?:(\d)|x)", r"[^0]=(\d)", r"step (\d+)", "(1.)", r"l(?P<step>\d+)=(\d)",
        ]
    ),
)  # fmt: skip
FORMS = st.one_of(
    LINES,
    st.lists(
        st.sampled_from(
            [
                "loss=", "loss1=", "a:", "a=", "1", "11.1", "1e111", "1.1e-1", "-1", " ", "\t", "#011", "#015", "#01",
                ",", "[1]", "[1]\t", "step 11", "step=1,111", "epoch 1", "epoch: 1.1", "nan", "'", "l1=", "x",
                "\0", "e",
            ]
        ),
        max_size=8,
    ).map("".join),
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(
    st.lists(NUMBERED, min_size=1, max_size=6),
    st.lists(FORMS, min_size=1, max_size=3),
    st.lists(st.integers(0, 2), min_size=3, max_size=30),
    st.integers(0, 2**32),
    st.lists(st.integers(0, 400), max_size=3),
)
@example([f"loss{number}={NUMBER}" for number in (1, 2)], ["loss1=1.1 step 11"], [0] * 20, 1, [])
@example([rf"#011a:{NUMBER}", f"a:{NUMBER}"], ["[1]\ta:1.1", "[1]#011a:1.1"], [0, 1] * 9, 1, [])
@example([f"loss={NUMBER}"], ["step 1", "loss=1", "epoch 1"], [0, 1, 1, 2, 1] * 5, 1, [30, 60])
@example([f"loss={NUMBER}"], ["loss=1e111"], [0] * 9, 1, [])
@example([f"loss2={NUMBER}"], ["loss1=1.1"], [0] * 200, 1, [])
@example(["loss=([1-5]+)"], ["loss=1"], [0] * 20, 1, [])
@example([f"loss={NUMBER}"], ["loss=1.1 x#015 loss=1"], [0] * 9, 1, [])
def test_lines_equal_but_for_their_digits_give_what_a_search_of_each_gives(
    regexes: list[str], forms: list[str], order: list[int], seed: int, cuts: list[int]
) -> None:
    definitions = [
        Definition(f"m{number}", regex)
        for number, regex in enumerate(regexes)
        if (pattern := compiled(regex)) is not None and pattern.engine == "re2"
    ]
    draw = random.Random(seed)
    log = b"".join(
        re.sub(
            "(?<!#)(?<!#0)(?<!#01)[0-9]", lambda _: draw.choice("0123456789"), forms[number % len(forms)]
        ).encode()
        + b"\n"
        if draw.random() < 0.9
        else forms[number % len(forms)].encode() + b"\n"
        for number in order
    )
    expected = everything(definitions, [log], prefilter=False)
    places = sorted({min(cut, len(log)) for cut in cuts} | {0, len(log)})
    assert everything(definitions, [log[a:b] for a, b in itertools.pairwise(places)], prefilter=True) == expected


def everything(definitions: list[Definition], chunks: list[bytes], *, prefilter: bool) -> list[str]:
    """The rows and the health of a log."""
    extractor = Extractor(definitions, automatic=False, prefilter=prefilter)
    rows: list[str] = []
    for chunk in chunks:
        out = extractor.feed(chunk, extractor.offset)
        rows += map(repr, zip(out.name_ids, out.values, out.steps, out.epochs, out.ends, strict=True))
    return [*rows, *map(repr, extractor.health())]


def test_lines_that_come_once_drive_out_no_template() -> None:
    templates = Templates([], lambda _: Plan.of([], []), most=10)
    assert not templates.meet(b"loss=1")
    assert templates.meet(b"loss=2")
    for number in range(1000):
        templates.meet(b"x" * number)
    assert templates.of(b"loss=3") is not None


CHEAP = st.tuples(
    st.sampled_from(["", ".*", "^", "(?i)", "a", "loss="]),
    st.lists(ATOM, min_size=1, max_size=3).map("".join),
    st.sampled_from(["", "(.)", "(a+)", "([0-9]+)?", "(.*?)b", "$"]),
).map("".join)


@settings(max_examples=300, deadline=None)
@given(CHEAP, LINES)
@example(".*a(.+)", "aab1")
@example("^a*(.)", "aab")
def test_python_and_re2_answer_alike_where_either_may_run(regex: str, line: str) -> None:
    pattern = compiled(regex)
    assume(pattern is not None and pattern.short is not None and line)
    assert pattern is not None
    quick = pattern.capture(line.encode())
    pattern.short = None
    assert pattern.capture(line.encode()) == quick


@pytest.mark.parametrize(
    ("regex", "cheap"),
    [
        (f"loss={NUMBER}", True),
        (f"'loss': {NUMBER}", True),
        (rf".*\[[0-9]+\].*#011validation-auc:{NUMBER}.*", True),
        (r"Train_error=(.*?);", True),
        (rf"(?i)\bperplexity[=:]\s*{NUMBER}", True),
        (r"^step (\d+)$", True),
        (r"loss=(\S+)", True),
        (r"host=\S+, epoch=\S+, loss=(\S+)", False),
        (r"(?:a+)+b", False),
        (r"(\w+\s?)*$", False),
        (r"(x+x+)+y", False),
        (r"(.*?),(.*?),(.*?);", False),
        (r"\d+\d+\d+x", False),
        (r"(ab|b)*c", False),
        (r"(?:a*b*c*)?x", False),
        (r".*a.*b.*c", False),
        ("é=(.)", False),
        ("[0-9]*", False),
    ],
)
def test_python_runs_only_patterns_that_are_proven_cheap(regex: str, cheap: bool) -> None:
    assert is_cheap(parse(regex)) is cheap


ADVERSARIAL = """
import itertools, sys
from epochwatch.extraction.pattern import Pattern
from epochwatch.extraction.plan import Plan
from epochwatch.model.batch import Definition
longest = int(sys.argv[1])
units = [b"[1] ", b"[1]", b"a", b"a ", b"x", b"1,", b"1", b"1.", b"loss=", b"loss=1", b"\t", b"#011", b"#011a:", b"e1"]
for regex in sys.argv[2:]:
    pattern = Pattern(Definition("m", regex))
    for unit, end in itertools.product(units, (b"", b"!", b"?")):
        for length in (longest, longest + 1, 20000):
            pattern.capture((unit * length)[:length] + end)
print("answered")
"""


def test_no_line_makes_a_pattern_hang() -> None:
    regexes = [
        rf".*\[[0-9]+\].*#011a:{NUMBER}.*",
        f"loss={NUMBER}",
        r"loss=(.*?);",
        r"a.*x$",
        r"[0-9]+,x",
        r"(?i)\bA[=: ]\s*([0-9]+)b",
        r".*a.*!",
        r"((?:a+)+)b",
        r"(a+)+$",
        r"(\w+\s?)*$x",
        r"(.*?),(.*?),(.*?);",
    ]
    # In a process of its own, as a search that hangs holds up everything. It takes about a second.
    done = subprocess.run(
        [sys.executable, "-c", ADVERSARIAL, str(LONGEST), *regexes], capture_output=True, timeout=300, check=False
    )
    assert done.stdout == b"answered\n", done.stderr.decode()


def test_the_prefilter_leaves_out_lines_that_cannot_match() -> None:
    patterns = [Pattern(Definition("m", regex)) for regex in ("train_loss=(.+)", "(?i)val(?:_acc|_loss): (.+)")]
    block = b"noise\n" * 50 + b"train_loss=1\nVAL_ACC: 2\ntrain_los\n"
    found = Finder(patterns).lines(block)  # may find a line that holds but a part of a text
    assert found == [(300, 312), (313, 323), (324, 333)]
    assert [Selector(patterns).numbers(block[slice(*span)]) for span in found] == [(0,), (1,), ()]


@pytest.mark.parametrize("count", [1, 3, 20])
def test_texts_whose_case_does_not_matter_are_found_in_any(count: int) -> None:
    words = [f"{chr(97 + number)}loss{number}" for number in range(count)]
    finder = Finder([Pattern(Definition("m", f"(?i){word}: (.+)")) for word in words])
    for word in words:
        for case in (word, word.upper(), word.title(), word.swapcase().capitalize()):
            assert finder.lines(b"noise\n%b: 1\nlos\n" % case.encode()) == [(6, 9 + len(case))]


@pytest.mark.parametrize(
    ("regex", "literals"),
    [
        ("loss=(.*)", {b"loss="}),
        (
            r".*\[[0-9]+\].*#011validation-auc:([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?).*",
            {b"validation-auc:"},
        ),
        ("(?:train|valid)_(?:loss|acc)=(.*)", {b"train", b"valid"}),
        ("(?i)Loss: (.*)", {b"loss: "}),
        ("(val_)+(.*)", {b"val_"}),
        ("(loss)?=", set()),
        ("[0-9]+", set()),
        ("a|bb", set()),
        ("#011([0-9]+)", {b"\t", b"#01"}),
        (r"a\tloss=(.*)", {b"loss="}),
        ("\ufffdab\ufffdlo(.*)", {b"ab"}),
    ],
)
def test_required_texts_come_from_the_parse(regex: str, literals: set[bytes]) -> None:
    assert Pattern(Definition("m", regex)).literals == literals


@pytest.mark.parametrize(
    ("regex", "why"),
    [
        (r"(a)\1=(\d+)", "back-reference"),
        (r"(?<=loss=)(\d+)", "look-around"),
        (r"loss=(?!nan)(.+)", "look-around"),
        (r"(?>a+)b(\d)", "atomic"),
        (r"a++(\d)", "possessive"),
        (r"(?:a*)*=(\d)", "empty"),
        (r"a{1001}(\d)", "repetition"),
    ],
)
def test_what_re2_cannot_run_is_left_to_the_worker_with_the_reason(regex: str, why: str) -> None:
    pattern = Pattern(Definition("m", regex))
    assert pattern.engine == "python"
    assert why in pattern.reason
    assert why in pattern.warning


def test_java_named_groups_are_understood() -> None:
    pattern = Pattern(Definition("m", r"loss=(?<value>\d+) at (?<step>\d+)"))
    capture = pattern.capture(b"loss=5 at 7")
    assert capture is not None
    assert (capture.value, capture.step) == (b"5", b"7")
    literal = Pattern(Definition("m", r"\(?<loss>=(\S+)")).capture(b"<loss>=3")
    assert literal is not None
    assert literal.value == b"3"


@pytest.mark.parametrize(
    "regex",
    [
        r".*\[[0-9]+\].*#011train-rmse:([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?).*",
        r"((?:a+)+)b",
        r"(a+)+$",
        r"((a+)+)+!",
        r"(\w+\s?)*$x",
        r"(.*?),(.*?),(.*?);",
        r"(x+x+)+y",
        r"(?:a|a)+b",
    ],
)
@pytest.mark.parametrize("unit", [b"[1] ", b"a", b"a ", b"x", b"1,"])
def test_patterns_that_python_takes_for_ever_on_are_answered(regex: str, unit: bytes) -> None:
    pattern = Pattern(Definition("m", regex))
    assert pattern.engine == "re2"
    assert pattern.capture(unit * 20000) is None or pattern.captures(unit * 20000) is not None
