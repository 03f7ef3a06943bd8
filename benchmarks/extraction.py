# ruff: noqa: E501 - log lines are as long as they are
"""Extraction beside the loop everybody writes: each pattern's ``re.search`` on each line.

Logs of several mebibytes are made in memory: framework noise with metric lines of many shapes at 0.1, 10 and
100 % of the lines. Both engines get the same definitions and are held to the same values; what is counted is
CPU time, line splitting and number parsing included, compiling the definitions (once a run) not. Run: ``python -m
benchmarks.extraction``; ``--smoke`` for a quick look. The loop gets a sample of each log, as it would take minutes, and so
does mtail, which runs where it is installed.
"""

import argparse
import json
import random
import re
import time
from collections.abc import Callable, Sequence

from benchmarks import extraction_mtail
from epochwatch.extraction.extractor import Extractor
from epochwatch.extraction.matcher import Finder, Selector
from epochwatch.extraction.numbers import parse_number
from epochwatch.extraction.pattern import Pattern
from epochwatch.model.batch import Definition

CHUNK = 256 * 1024
SHARES = (0.001, 0.1, 1.0)
COUNTS = (1, 40, 200)
NUMBER = r"([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)"

NOISE = (
    "[rank{a}]:[W1120 21:00:0{b}.123 ProcessGroupNCCL.cpp:3660] Using non-blocking watchdog, timeout is {c} ms",
    "2026-11-20 21:0{b}:11,{c} - INFO - dataloader worker {a} prefetched shard shard-{c:05d}.tar from cache",
    '{{"ts": 1763632800.{c}, "level": "info", "pid": {c}, "msg": "heartbeat", "rss_mb": {c}}}',
    "/opt/lib/python3.11/site-packages/torch/utils/data.py:{c}: UserWarning: this process creates {a} workers",
    '  File "/opt/ml/code/train.py", line {c}, in forward_pass',
    "NCCL INFO Channel 0{a}/0 : {a}[{b}] -> {b}[{a}] via P2P/CUMEM/read buffer of {c} bytes comm 0x7f{c:x}",
)


def definitions(count: int) -> list[Definition]:
    """SageMaker's form of XGBoost first, then shapes of other frameworks, then one metric for each layer."""
    regexes = [
        rf".*\[[0-9]+\].*#011{channel}-{measure}:{NUMBER}.*"
        for channel in ("validation", "train")
        for measure in ("auc", "rmse", "logloss", "error", "mae")
    ]
    regexes += [rf"'{name}': {NUMBER}" for name in ("loss", "eval_loss", "learning_rate", "grad_norm", "eval_f1")]
    regexes += [
        rf"#quality_metric: host=\S+, epoch=\S+, {name} <loss>=(\S+)" for name in ("train rmse", "test msd")
    ]
    regexes += [rf"- {name}: {NUMBER}" for name in ("loss", "accuracy", "val_loss", "val_accuracy")]
    regexes += [rf"{name}=(.*?);" for name in ("Train_error", "Valid_error", "GAN_loss", "Disc_loss")]
    regexes += [rf"(?i)\b{name}[=:]\s*{NUMBER}" for name in ("perplexity", "throughput", "val_bleu")]
    regexes += [rf"layer\.{number}\.grad_norm={NUMBER}" for number in range(count)]
    return [Definition(f"metric-{number}", regex) for number, regex in enumerate(regexes[:count])]


def metric_line(draw: random.Random, step: int) -> str:
    values = [f"{draw.random():.6f}" for _ in range(4)]
    shapes = (
        f"[{step}]#011train-auc:{values[0]}#011train-rmse:{values[1]}#011validation-auc:{values[2]}",
        f"{{'loss': {values[0]}, 'grad_norm': {values[1]}, 'learning_rate': {draw.random():.3e}, 'epoch': {step / 100}}}",
        f"[11/20/2026 10:00:00 INFO 140] #quality_metric: host=algo-1, epoch={step}, train rmse <loss>={values[0]}",
        f"20/20 [====] - 1s 12ms/step - loss: {values[0]} - accuracy: {values[1]} - val_loss: {values[2]}",
        f"Train_error={values[0]}; Valid_error={values[1]}; lr=0.001;",
        f"step {step}: Perplexity: {values[0]}, throughput={values[1]}",
        f"layer.{draw.randrange(160)}.grad_norm={values[0]}",
    )
    return shapes[draw.randrange(len(shapes))]


def make_log(share: float, size: int) -> bytes:
    draw = random.Random(20261120)
    lines: list[str] = []
    written = 0
    while written < size:
        if draw.random() < share:
            line = metric_line(draw, len(lines))
        else:
            line = draw.choice(NOISE).format(a=draw.randrange(8), b=draw.randrange(8), c=draw.randrange(100000))
        lines.append(line)
        written += len(line) + 1
    return ("\n".join(lines) + "\n").encode()


Outcome = tuple[int, float]
"""Number and sum of the values."""
Engine = Callable[[bytes], Outcome]


def with_extractor(wanted: Sequence[Definition]) -> Engine:
    """The whole of it: lines with offsets, values with steps, health."""
    extractor = Extractor(wanted, automatic=False)
    return lambda log: _extract(extractor, log)


def _extract(extractor: Extractor, log: bytes) -> Outcome:
    count, total = 0, 0.0
    for start in range(0, len(log), CHUNK):
        extracted = extractor.feed(log[start : start + CHUNK], extractor.offset)
        count += len(extracted.values)
        total += sum(extracted.values)
    return count, round(total, 6)


def last_values(wanted: Sequence[Definition], log: bytes) -> dict[str, float]:
    """The last value of each metric."""
    extracted = Extractor(wanted, automatic=False).feed(log, 0)
    return {
        extracted.names[number]: value for number, value in zip(extracted.name_ids, extracted.values, strict=True)
    }


def mtail_speed(wanted: Sequence[Definition], log: bytes) -> float:
    """As ``speed``, of mtail on a part of the log that it takes about a second for."""
    part = log[: log.rindex(b"\n", 0, min(len(log), 20_000_000 // (len(wanted) + 4))) + 1]
    return extraction_mtail.speed(wanted, part, last_values(wanted, part))


def with_matcher(wanted: Sequence[Definition]) -> Engine:
    """Only what the loop does: lines, matches, numbers."""
    patterns = [Pattern(definition) for definition in wanted]
    finder, selector = Finder(patterns), Selector(patterns)
    return lambda log: _match(finder, selector, patterns, log)


def _match(finder: Finder, selector: Selector, patterns: Sequence[Pattern], log: bytes) -> Outcome:
    count, total, carry = 0, 0.0, b""
    for start in range(0, len(log), CHUNK):
        block, newline, carry = (carry + log[start : start + CHUNK]).rpartition(b"\n")
        block += newline
        for begin, end in finder.lines(block):
            text = block[begin:end]
            for number in selector.numbers(text):
                found = patterns[number].value(text)
                value = None if found is None else parse_number(found)
                if value is not None:
                    count += 1
                    total += value
    return count, round(total, 6)


def with_loop(wanted: Sequence[Definition]) -> Engine:
    """The per-line loop."""
    patterns = [re.compile(definition.regex.encode()) for definition in wanted]
    return lambda log: _search(patterns, log)


def _search(patterns: Sequence[re.Pattern[bytes]], log: bytes) -> Outcome:
    count, total = 0, 0.0
    for line in log.split(b"\n"):
        for pattern in patterns:
            match = pattern.search(line)
            if match is not None:
                count += 1
                total += float(match[1])
    return count, round(total, 6)


def speed(engine: Engine, log: bytes, rounds: int) -> float:
    """Megabytes of log for each CPU second; the best of some rounds."""
    best = float("inf")
    for _ in range(rounds):
        before = time.process_time()
        engine(log)
        best = min(best, time.process_time() - before)
    return len(log) / best / 1e6


def measure(size: int, sample: int, rounds: int) -> list[dict[str, float]]:
    results = []
    for share in SHARES:
        log = make_log(share, size)
        part = log[: log.rindex(b"\n", 0, sample) + 1]
        for count in COUNTS:
            wanted = definitions(count)
            answers = {
                engine.__name__: engine(wanted)(part) for engine in (with_extractor, with_matcher, with_loop)
            }
            if len(set(answers.values())) != 1:
                raise SystemExit(f"the engines disagree: {answers}")
            loop = speed(with_loop(wanted), part, 1)
            matcher = speed(with_matcher(wanted), log, rounds)
            extractor = speed(with_extractor(wanted), log, rounds)
            peer = {}
            if extraction_mtail.installed():
                mtail = mtail_speed(wanted, log)
                peer = {"mtail MB/CPU-s": round(mtail, 2), "extractor / mtail": round(extractor / mtail, 1)}
            results.append(
                {
                    "matching lines %": share * 100,
                    "patterns": count,
                    "re loop MB/CPU-s": round(loop, 2),
                    "matcher MB/CPU-s": round(matcher, 1),
                    "extractor MB/CPU-s": round(extractor, 1),
                    "matcher / re loop": round(matcher / loop, 1),
                    "extractor / re loop": round(extractor / loop, 1),
                    **peer,
                }
            )
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help="small logs, one round")
    parser.add_argument("--json", action="store_true", help="one JSON object a row")
    options = parser.parse_args()
    results = measure(400_000, 40_000, 1) if options.smoke else measure(8_000_000, 300_000, 3)
    if options.json:
        for row in results:
            print(json.dumps(row))
        return
    print(" | ".join(results[0]))
    for row in results:
        print(" | ".join(f"{value:>{len(name)}g}" for name, value in row.items()))


if __name__ == "__main__":
    main()
