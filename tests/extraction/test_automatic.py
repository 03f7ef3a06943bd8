"""What is learnt from real logs, and that looking once at lines of one shape changes nothing."""

import random
import re
from collections import Counter
from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epochwatch.extraction.automatic import Detector
from epochwatch.extraction.extractor import Extractor
from epochwatch.extraction.lines import MAX_LINE
from epochwatch.extraction.shapes import shape_of
from epochwatch.extraction.steps import TELLINGS, Place, told
from epochwatch.model.batch import Definition
from tests.extraction.corpus.cases import Case, cases, same_name


class Score(NamedTuple):
    """How the learning did on one case: names of metrics."""

    wanted: int
    learnt: int
    missed: list[str]
    junk: list[str]


def learnt(log: bytes) -> Counter[str]:
    """The number of values of each metric that is learnt."""
    extractor = Extractor([], automatic=True)
    counts: Counter[str] = Counter()
    for part in (extractor.feed(log, 0), extractor.flush()):
        counts.update(part.names[number] for number in part.name_ids)
    return counts


def merged(counts: dict[str, int]) -> dict[str, int]:
    """The counts with names that differ only in what joins their words as one."""
    found: dict[str, int] = {}
    for name, count in counts.items():
        known = next((other for other in found if same_name(name, other)), name)
        found[known] = found.get(known, 0) + count
    return found


def score(case: Case) -> Score:
    """A wanted metric counts as found if all its values are; a learnt name that nobody listed counts as junk."""
    wanted = merged(case.metrics | case.columns)
    got = {
        name: count
        for name, count in merged(learnt(case.log)).items()
        if not any(same_name(name, other) for other in case.either)
    }
    missed = []
    for name, count in wanted.items():
        seen = sum(values for other, values in got.items() if same_name(name, other))
        if seen < count and not any(same_name(name, other) for other in case.either):
            missed.append(f"{case.name}: '{name}' {seen} of {count}")
    junk = [f"{case.name}: '{name}'" for name in got if not any(same_name(name, other) for other in wanted)]
    return Score(len(wanted), len(got), missed, junk)


def test_of_the_metrics_in_real_logs_19_in_20_are_learnt_and_of_what_is_learnt_19_in_20_are_metrics() -> None:
    scores = [score(case) for case in cases()]
    missed = [name for each in scores for name in each.missed]
    junk = [name for each in scores for name in each.junk]
    wanted, got = sum(each.wanted for each in scores), sum(each.learnt for each in scores)
    figures = (
        f"{1 - len(missed) / wanted:.1%} of {wanted} metrics found, {len(junk) / got:.1%} of {got} names junk"
    )
    print("\n".join([figures, "missed:", *missed, "junk:", *junk]))
    assert len(missed) <= 0.05 * wanted, (figures, missed)
    assert len(junk) <= 0.05 * got, (figures, junk)


TRACEBACK = """\
Traceback (most recent call last):
  File "/opt/ml/code/train.py", line 123, in <module>
    loss = criterion(output, target) * 0.5
  File "/opt/lib/python3.12/site-packages/torch/nn/modules/loss.py", line 1293, in forward
    return F.cross_entropy(input, target, label_smoothing=0.1)
torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of 14.58 GiB
RuntimeError: shape '[32, 784]' is invalid for input of size 12345
"""
PARAMETERS = """\
  | Name  | Type   | Params | Mode
-----------------------------------------
0 | l1    | Linear | 100 K  | train
1 | l2    | Linear | 1.3 K  | train
-----------------------------------------
101 K     Trainable params
0         Non-trainable params
0.406     Total estimated model params size (MB)
"""
SMI = """\
| N/A   34C    P0    59W / 300W |   1342MiB / 16160MiB |     12%      Default |
|  GPU   GI   CI        PID   Type   Process name                  GPU Memory |
|    0   N/A  N/A      4242      C   python                           1339MiB |
"""


@pytest.mark.parametrize("text", [TRACEBACK, PARAMETERS, SMI], ids=["traceback", "parameters", "nvidia-smi"])
@pytest.mark.parametrize("times", [1, 5])
def test_traces_and_tables_without_metrics_give_nothing(text: str, times: int) -> None:
    assert not learnt((text * times).encode())


@pytest.mark.parametrize(
    "prefix", ["[rank0]:", "[default0]:", "[rank0]: ", "[default3]:[rank3]:", "(main) ", "0: "]
)
def test_prefixes_of_ranks_belong_to_no_name(prefix: str) -> None:
    lines = "".join(f"{prefix}step {n} loss=0.{n} grad_norm: 1.{n}\n" for n in range(1, 6))
    assert learnt(lines.encode()) == {"loss": 5, "grad_norm": 5}


def test_dictionaries_over_several_lines_are_learnt_line_by_line() -> None:
    pretty = '{\n  "step": %d,\n  "loss": 0.%d,\n  "optim": {\n    "lr": 0.001\n  },\n  "seconds": 1.5\n}\n'
    pprinted = "{'eval_loss': 0.%d,\n 'epoch': %d,\n 'margin': -1.5}\n"
    log = "".join(pretty % (n, n) + pprinted % (n, n) for n in range(1, 5))
    assert learnt(log.encode()) == {"loss": 4, "lr": 4, "eval_loss": 4, "margin": 4}


def test_rows_below_a_header_give_its_columns_and_the_row_s_own_step() -> None:
    log = b"  iter   train loss   val acc   seconds\n     1       0.5       0.25      1.5\n    10   1e-2   nan   1.5\n"
    extracted = Extractor([], automatic=True).feed(log, 0)
    rows = [
        (extracted.names[name], repr(value), step)
        for name, value, step in zip(extracted.name_ids, extracted.values, extracted.steps, strict=True)
    ]
    assert rows == [
        ("train_loss", "0.5", 1),
        ("val_acc", "0.25", 1),
        ("train_loss", "0.01", 10),
        ("val_acc", "nan", 10),
    ]


def test_rows_of_two_columns_parted_by_commas_are_rows() -> None:
    assert learnt(b"round,loss\n0,0.5\n1,0.25\n2,nan\n") == {"loss": 3}


LINES = [line for case in cases() for line in re.split(rb"[\r\n]+", case.log) if line]
HARD = [
    b"loss=1,234 x",
    b"loss=12,34",
    b"f1 0.5",
    b"f7 0.5",
    b"top5=3 top6=4",
    b"layer.1.loss=2",
    b"layer.1.norm: 3",
    b"loss 0x12 0x1 loss=0x12",
    b"loss=1.5k loss_b=2M",
    b"loss=float16(3) loss=float12(3)",
    b"iter  loss  acc",
    b"1  0.5  0.25",
    b"1/2 loss: 3/4 (75%)",
    b"v1/loss: 2 v1/x loss: 2",
    b"loss=1e5 loss=1e-5 loss=.5 loss=5.",
    b"a/1 loss: 2 b1 loss: 3",
    b"layers.1.norm.2.loss: 3 at 1/x",
    b"buffer 0x7f1a of 32x128 acc 0.5",
]


def with_other_digits(line: bytes, draw: random.Random) -> bytes:
    """The line with each run of digits as another, sometimes longer or shorter."""
    return re.sub(
        rb"[0-9]+", lambda run: b"%d" % draw.randrange(10 ** max(1, len(run[0]) + draw.randint(-1, 1))), line
    )


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32), hard=st.lists(st.sampled_from(HARD), max_size=20))
def test_looking_once_at_lines_of_one_shape_gives_what_looking_at_each_gives(seed: int, hard: list[bytes]) -> None:
    draw = random.Random(seed)
    some = [*draw.choices(LINES, k=20), *hard]
    lines = [with_other_digits(line, draw) if draw.random() < 0.7 else line for line in draw.choices(some, k=80)]
    quick, slow = Detector(), Detector(shapes=False)
    for line in lines:
        place = Place(*told(line, TELLINGS))
        found, expected = quick.observe(line, place), slow.observe(line, place)
        assert [(name, repr(value)) for name, value, _ in found] == [
            (name, repr(value)) for name, value, _ in expected
        ], line
    assert quick.state() == slow.state()


def same_width(line: bytes, draw: random.Random) -> bytes:
    """The line with other digits."""
    return re.sub(rb"(?<!#)(?<!#0)(?<!#01)[0-9]", lambda _: b"%d" % draw.randrange(10), line)


def everything(log: bytes, definitions: list[Definition], cuts: list[int], *, prefilter: bool) -> list[str]:
    """The rows of a log, how its metrics fared and what was learnt."""
    extractor = Extractor(definitions, automatic=True, prefilter=prefilter)
    places = sorted({min(cut, len(log)) for cut in cuts} | {0, len(log)})
    rows = []
    for start, end in pairwise(places):
        out = extractor.feed(log[start:end], start)
        names = [out.names[number] for number in out.name_ids]
        rows += map(repr, zip(names, out.values, out.steps, out.epochs, out.ends, strict=True))
    return [*rows, *map(repr, extractor.health()), *map(repr, extractor.definitions())]


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    hard=st.lists(st.sampled_from(HARD), max_size=6),
    cuts=st.lists(st.integers(0, 8000), max_size=4),
    defined=st.booleans(),
)
def test_lines_equal_but_for_their_digits_teach_what_each_of_them_does(
    seed: int, hard: list[bytes], cuts: list[int], defined: bool
) -> None:
    draw = random.Random(seed)
    some = [*draw.choices(LINES, k=6), b"step 1", *hard]
    log = b"".join(same_width(line, draw) + b"\n" for line in draw.choices(some, k=120))
    definitions = [Definition("acc", "acc[^0-9]*([0-9.]+)"), Definition("x", "0x(7f|[0-9]+)")] if defined else []
    expected = everything(log, definitions, [], prefilter=False)
    assert everything(log, definitions, cuts, prefilter=True) == expected


def test_numbers_between_the_parts_of_a_name_are_the_name_s() -> None:
    assert shape_of(b"layers.12.norm=0.5 epoch/3/loss: 1.25 v1.5") == b"layers.12.norm=0.0 epoch/3/loss: 0.0 v1.0"
    log = b"".join(b"layers.%d.loss=%d.5\n" % (number % 3, number) for number in range(30))
    assert learnt(log) == {f"layers.{number}.loss": 10 for number in range(3)}


LONG = [
    b"loss 1 ",
    b"loss=1 ",
    b"a b c loss: 1 ",
    b"x:(a=1 ",
    b"|1",
    b"1,1 ",
    b"a's ",
    b"a:",
    b"a",
    b" a",
    b"a (b",
    b"(",
]


@pytest.mark.parametrize("unit", LONG)
def test_lines_as_long_as_lines_get_are_read_in_time_linear_in_them(unit: bytes) -> None:
    # If the time grew with the square of the length, this would take minutes.
    detector = Detector(shapes=False)
    detector.observe(b"iter  loss  acc", Place())  # further lines may be rows
    for number in range(20):
        detector.observe(b"%d %b" % (number, unit * (MAX_LINE // len(unit))), Place())
