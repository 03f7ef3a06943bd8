"""Which lines of a log belong together."""

import subprocess
import sys
import textwrap

import pytest

from epochwatch.extraction.records import LONGEST_RECORD, last_traceback, record_numbers, records, shortened


def lines(text: str) -> list[str]:
    return textwrap.dedent(text).strip("\n").splitlines()


def grouped(text: str) -> list[int]:
    """How many lines each record has."""
    return [len(record) for record in records(lines(text))]


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("one\ntwo\n\nthree", [1, 1, 1, 1]),
        (
            """
            before
            Traceback (most recent call last):
              File "a.py", line 1, in <module>
                f()
                ~^^
            ValueError: bad shape
            after
            """,
            [1, 5, 1],
        ),
        (
            """
            2024-01-01 ERROR failed Traceback (most recent call last):
              File "a.py", line 1, in <module>
            torch.cuda.OutOfMemoryError: CUDA out of memory.
            epoch 3
            """,
            [3, 1],
        ),
        (
            """
            Traceback (most recent call last):
              File "a.py", line 1, in <module>
            RuntimeError: Error(s) in loading state_dict for Net:
            \tMissing key(s) in state_dict: "a".
            \tUnexpected key(s) in state_dict: "b".
            done
            """,
            [5, 1],
        ),
        (
            """
            Traceback (most recent call last):
              File "a.py", line 1
            KeyError: 'a'

            During handling of the above exception, another exception occurred:

            Traceback (most recent call last):
              File "a.py", line 2
            ValueError
            done
            """,
            [9, 1],
        ),
        (
            """
            java.lang.IllegalStateException: no
            \tat a.B.c(B.java:1)
            Caused by: java.io.IOException: disk
            \t... 3 more
            next
            """,
            [4, 1],
        ),
        (
            """
            {
              "loss": 0.5,
              "text": "} not the end {",
              "nested": [
                1
              ]
            }
            {"loss": 0.25}
            """,
            [7, 1],
        ),
        ("[\n1,\n2\n]\nnext", [4, 1]),
        ("Traceback (most recent call last):\nepoch 1 loss=0.5 of 3", [1, 1]),
    ],
)
def test_records(text: str, sizes: list[int]) -> None:
    assert grouped(text) == sizes


def test_a_document_that_is_never_closed_does_not_swallow_the_log() -> None:
    sizes = [len(record) for record in records(["{", *["x"] * 2 * LONGEST_RECORD])]
    assert sizes[:2] == [LONGEST_RECORD, 1]


def test_ranks_that_speak_at_once_are_told_apart() -> None:
    mixed = [
        "[rank0]: Traceback (most recent call last):",
        "[rank1]: Traceback (most recent call last):",
        '[rank0]:   File "a.py", line 1, in f',
        '[rank1]:   File "a.py", line 2, in g',
        "[rank1]: ValueError: of one",
        "epoch 3",
        "[rank0]: KeyError: 'of nought'",
    ]
    assert records(mixed) == [
        ["Traceback (most recent call last):", '  File "a.py", line 1, in f', "KeyError: 'of nought'"],
        ["Traceback (most recent call last):", '  File "a.py", line 2, in g', "ValueError: of one"],
        ["epoch 3"],
    ]


@pytest.mark.parametrize(
    ("program", "exception"),
    [
        ("def f(): raise ValueError('bad shape')\nf()", "ValueError: bad shape"),
        (
            "try:\n  {}['a']\nexcept KeyError as e:\n  raise RuntimeError('while reading') from e",
            "RuntimeError: while reading",
        ),
        ("try:\n  {}['a']\nexcept KeyError:\n  1 / 0", "ZeroDivisionError: division by zero"),
        ("raise KeyError", "KeyError"),
        ("def f(n): return f(n + 1)\nf(0)", "RecursionError: maximum recursion depth exceeded"),
        ("raise ValueError('first\\n\\n  second')", "ValueError: first"),
        ("import json; json.loads('{')", "json.decoder.JSONDecodeError: Expecting property name"),
        ("def f(:", "SyntaxError"),
    ],
)
def test_the_last_traceback_of_real_programs(program: str, exception: str) -> None:
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    output = ["epoch 1 loss=0.5", *ended.stderr.splitlines(), "shutting down"]
    trace = last_traceback(output)
    if exception == "SyntaxError":  # Python prints no traceback for what it cannot compile
        assert trace == []
        return
    assert trace[0] == "Traceback (most recent call last):"
    assert any(line.startswith(exception) for line in trace)
    assert "epoch 1 loss=0.5" not in trace
    assert "shutting down" not in trace


def test_of_several_tracebacks_the_last_counts_but_not_a_launcher_s() -> None:
    def trace(error: str) -> list[str]:
        return ["Traceback (most recent call last):", '  File "a.py", line 1', error]

    log = [
        *trace("KeyError: 'retried'"),
        "retrying",
        *trace("ValueError: real"),
        *trace("torch.x.ChildFailedError: "),
    ]
    assert last_traceback(log)[-1] == "ValueError: real"
    assert last_traceback(trace("subprocess.CalledProcessError: exit status 1"))[-1].startswith("subprocess")
    assert last_traceback(["fine"]) == []


def test_a_long_traceback_keeps_its_end() -> None:
    trace = ["Traceback (most recent call last):", *(f"  call {n}" for n in range(200)), "ValueError: x"]
    short = shortened(trace, 300)
    assert len(short) <= 300
    assert short.startswith("Traceback (most recent call last):\n  ...\n  call 1")
    assert short.endswith("  call 199\nValueError: x")
    assert shortened(trace[-2:], 300) == "  call 199\nValueError: x"
    assert shortened([trace[0], "ValueError: " + "x" * 500], 100) == "ValueError: " + "x" * 88


def test_each_line_has_the_number_of_its_record() -> None:
    mixed = [
        "[rank0]: Traceback (most recent call last):",
        "between",
        "[rank0]:   File",
        "[rank0]: KeyError",
        "end",
    ]
    assert record_numbers(mixed) == [0, 1, 0, 0, 2]
