# ruff: noqa: D103 - each program says in its decorator what it prints
"""The same loop through the ways in which Python programs log."""

import json
import logging
import sys
from pprint import pprint

from shape import Catalogue, Metric, curve, rise, tell

N = r"([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)"
shapes = Catalogue("a loop written by hand")
STEPS = range(0, 100, 10)


def _told(step):
    tell("train:loss", curve(step / 10))
    return curve(step / 10)


def _logger(form, **words):
    logging.basicConfig(level=logging.INFO, format=form, stream=sys.stdout, **words)
    return logging.getLogger("train")


@shapes(
    Metric("loss", rf"loss: {N}", "train:loss"),
    about="logging.basicConfig(): INFO:train:…",
    step=r"step: (\d+)",
)
def basic():
    logger = _logger(None)
    for step in STEPS:
        logger.info("step: %d loss: %.4f", step, _told(step))


@shapes(
    Metric("loss", rf"loss={N}", "train:loss"),
    Metric("val_acc", rf"val_acc={N}", "validation:accuracy"),
    about="%(asctime)s - %(name)s - %(levelname)s - %(message)s",
    step=r"step=(\d+)",
    junk=["asctime"],
)
def asctime_dashes():
    logger = _logger("%(asctime)s - %(name)s - %(levelname)s - %(message)s")
    for step in STEPS:
        tell("validation:accuracy", rise(step))
        logger.info(f"step={step} loss={_told(step):.4f} val_acc={rise(step):.4f}")


@shapes(
    Metric("loss", rf"loss = {N}", "train:loss"),
    about="[%(asctime)s][%(filename)s:%(lineno)d][%(levelname)s] …, process and thread numbers",
    step=r"iteration (\d+)",
    junk=["lineno", "pid"],
)
def brackets_lineno():
    logger = _logger("[%(asctime)s][%(process)d][%(filename)s:%(lineno)d][%(levelname)s] %(message)s")
    for step in STEPS:
        logger.info("iteration %d: loss = %s", step, _told(step))
        logger.warning("queue is empty, waited 0.12 s")


@shapes(
    Metric("loss", rf"loss={N}", "train:loss"),
    source="a loop written by hand, in glog's form",
    about="I1120 10:00:00.123456 12345 train.py:12] step=1 loss=0.5",
    step=r"step=(\d+)",
)
def glog():
    for step in STEPS:
        print(f"I1120 10:00:{step:02d}.123456 12345 train.py:{12 + step}] step={step} loss={_told(step):.6f}")


@shapes(
    Metric("loss", rf"loss={N}", "train:loss"),
    Metric("acc", rf"acc={N}", "train:accuracy"),
    source="{loguru}",
    about="loguru's default form in colours",
    through="pty",
    step=r"step=(\d+)",
)
def loguru():
    from loguru import logger

    for step in STEPS:
        tell("train:accuracy", rise(step))
        logger.info("step={} loss={:.4f} acc={:.4f}", step, _told(step), rise(step))
    logger.success("done after {} steps", 100)


@shapes(
    Metric("loss", rf'"loss": {N}', "train:loss"),
    source="{loguru}",
    about="loguru with serialize=True: JSON around the text",
    step=r'"step": (\d+)',
    junk=["line", "timestamp", "process", "thread", "seconds", "no"],
)
def loguru_json():
    from loguru import logger

    logger.remove()
    logger.add(sys.stdout, serialize=True, format="{message}")
    for step in [0, 10, 20, 30]:
        logger.bind(step=step, loss=round(_told(step), 5)).info("trained")


@shapes(
    Metric("loss", rf"loss=\W*{N}", "train:loss"),
    wanted={"lr": r"lr=\W*([0-9.e-]+)", "grad_norm": r"grad_norm=\W*([0-9.]+)"},
    source="{structlog}",
    about="structlog's console renderer in colours: key=value with codes between",
    through="pty",
    step=r"step=(\d+)",
)
def structlog_console():
    import structlog

    logger = structlog.get_logger()
    for step in STEPS:
        logger.info("train", step=step, loss=_told(step), lr=1e-4, grad_norm=round(3 / (1 + step), 4))


@shapes(
    Metric("loss", rf'"loss": {N}', "train:loss"),
    Metric("auc", rf'"auc": {N}', "validation:auc"),
    source="{structlog}",
    about="structlog as JSON lines",
    step=r'"step": (\d+)',
    junk=["timestamp"],
)
def structlog_json():
    import structlog

    structlog.configure(
        processors=[structlog.processors.TimeStamper(fmt="iso"), structlog.processors.JSONRenderer()]
    )
    logger = structlog.get_logger()
    for step in STEPS:
        tell("validation:auc", rise(step))
        logger.info("eval", step=step, loss=_told(step), auc=rise(step))


@shapes(
    Metric("train_loss", rf'"train_loss": {N}', "train:loss"),
    source="{python-json-logger}",
    about="logging as JSON, with extra fields",
    step=r'"global_step": (\d+)',
    wanted={"perplexity": rf'"perplexity": {N}'},
    junk=["process", "lineno", "created"],
)
def python_json_logger():
    from pythonjsonlogger.json import JsonFormatter

    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter("%(asctime)s %(levelname)s %(process)d %(lineno)d %(created)f %(message)s"))
    logger = logging.getLogger("train")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    for step in STEPS:
        loss = _told(step)
        logger.info("step", extra={"global_step": step, "train_loss": loss, "perplexity": 2.718281828**loss})


@shapes(
    Metric("loss", rf"loss: {N}", "train:loss"),
    source="{rich}",
    about="rich's logging handler: level and place in columns",
    through="pty",
    step=r"step (\d+)",
)
def rich_handler():
    from rich.logging import RichHandler

    logging.basicConfig(level=logging.INFO, format="%(message)s", datefmt="[%X]", handlers=[RichHandler()])
    for step in STEPS:
        logging.getLogger("train").info("step %d loss: %.4f", step, _told(step))


@shapes(
    Metric("loss", rf"'loss': {N}", "train:loss"),
    Metric("acc", rf"'acc': {N}", "train:accuracy"),
    about="print(dict)",
    step=r"'step': (\d+)",
)
def dictionary():
    for step in STEPS:
        tell("train:accuracy", rise(step))
        print({"step": step, "loss": _told(step), "acc": rise(step)})


@shapes(
    Metric("train_loss", rf"'train_loss': {N}", "train:loss"),
    Metric("val_loss", rf"'val_loss': {N}", "validation:loss"),
    wanted={"val_accuracy": rf"'val_accuracy': {N}"},
    about="pprint: a dictionary over several lines, the step on the last",
    junk=["batch_size", "epoch"],
    step=r"'epoch': (\d+)",
)
def pretty_printed():
    for step in range(5):
        tell("validation:loss", curve(step) + 0.1)
        tell("train:loss", curve(step))
        pprint(
            {
                "config": {"batch_size": 32, "optimizer": "adamw", "paths": ["/opt/ml/input/data/train"]},
                "epoch": step,
                "metrics": {"train_loss": curve(step), "val_loss": curve(step) + 0.1, "val_accuracy": rise(step)},
            },
            width=60,
        )


@shapes(
    Metric("loss", rf'"loss": {N}', "train:loss"),
    Metric("accuracy", rf'"accuracy": {N}', "validation:accuracy"),
    about="json.dumps(indent=2): one field a line",
    junk=["batch_size", "seconds"],
    step=r'"step": (\d+)',
)
def pretty_json():
    for step in range(5):
        tell("validation:accuracy", rise(step))
        tell("train:loss", curve(step))
        print(
            json.dumps(
                {
                    "step": step * 10,
                    "train": {"loss": curve(step), "seconds": 1.25, "batch_size": 64},
                    "eval": {"accuracy": rise(step)},
                },
                indent=2,
            )
        )


@shapes(
    Metric("train/loss", rf'"train/loss": {N}', "train:loss"),
    Metric("eval/bleu", rf'"eval/bleu": {N}', "eval:bleu"),
    about="JSON lines with nested names, null, booleans and strings that hold numbers",
    step=r'"step":\s*(\d+)',
    junk=["time", "version", "pid"],
)
def json_lines():
    for step in STEPS:
        loss = _told(step)
        row = {
            "time": 1763632800.123 + step,
            "pid": 77,
            "step": step,
            "train/loss": loss,
            "note": "lr=1 loss",
            "ok": True,
        }
        if step % 20 == 0:
            tell("eval:bleu", 30 * rise(step))
            row["eval/bleu"] = 30 * rise(step)
        else:
            row["eval/bleu"] = None
        print(json.dumps(row))


@shapes(
    Metric("loss", r'"loss":([-+0-9.eE]+|NaN|Infinity)', "train:loss"),
    about="compact JSON with NaN and Infinity",
    step=r'"step":(\d+)',
)
def json_not_finite():
    for step, loss in enumerate([2.5, 1.5, 1e-5, float("nan"), float("inf"), 7.5e21, 0.5]):
        tell("train:loss", loss)
        print(json.dumps({"step": step, "loss": loss}, separators=(",", ":")))


@shapes(
    Metric("loss", rf"loss={N}", "train:loss"),
    wanted={"tokens_per_second": rf"tokens_per_second={N}"},
    about='logfmt: level=info msg="…" quoted values',
    step=r"step=(\d+)",
    junk=["ts", "duration_ms"],
)
def logfmt():
    for step in STEPS:
        print(
            f'ts=2025-11-20T10:00:{step:02d}Z level=info msg="train step" step={step} loss={_told(step):.5f}'
            f' tokens_per_second={12000 + step} duration_ms={50 + step / 10} host="algo-1"'
        )


@shapes(
    Metric("loss", rf"^loss\t{N}", "train:loss"),
    wanted={"accuracy": r"^accuracy\t([0-9.]+)"},
    about="tab separated names and values, one a line, blocks between rulers",
    step=r"^step\t(\d+)",
)
def tab_separated():
    for step in range(6):
        print(f"step\t{step}")
        tell("train:loss", curve(step))
        print(f"loss\t{curve(step):.5f}\naccuracy\t{rise(step):.5f}")
        print("=" * 40)


@shapes(
    Metric("loss", rf"loss={N}", "train:loss"),
    about="warnings, a caught exception with its trace, then on it goes",
    step=r"step=(\d+)",
    junk=["line", "KeyError"],
)
def caught_exception():
    logger = _logger("%(levelname)s %(message)s")
    for step in range(6):
        logger.info("step=%d loss=%.4f", step, _told(step * 10))
        if step == 2:
            try:
                {"a": 1}[5]
            except KeyError:
                logger.exception("batch 17 of 100 is broken, skipped")


@shapes(
    Metric("F1", r"F1=([0-9.]+)", "validation:f1"),
    Metric("EM", r"EM=([0-9.]+)", "validation:exact-match"),
    about="scores in percent with a dataclass's repr",
    junk=["n"],
)
def dataclass():
    from dataclasses import dataclass

    @dataclass
    class Scores:
        F1: float
        EM: float
        n: int

    for step in range(6):
        tell("validation:f1", round(100 * rise(step), 2))
        tell("validation:exact-match", round(90 * rise(step), 2))
        print(Scores(round(100 * rise(step), 2), round(90 * rise(step), 2), 512))


@shapes(
    Metric("loss", rf"loss +: +{N}", "train:loss"),
    Metric("lr", r"lr +: +([0-9.e-]+)", "train:lr"),
    about="a box of names and values redrawn for each epoch",
    step=r"\bepoch +: +(\d+)",
)
def box():
    for epoch in range(1, 6):
        print("+----------------------------+")
        tell("train:loss", curve(epoch))
        tell("train:lr", 1e-3 / epoch)
        for name, value in [("epoch", epoch), ("loss", f"{curve(epoch):.4f}"), ("lr", f"{1e-3 / epoch:.2e}")]:
            print(f"| {name:<12}: {value!s:<13}|")
    print("+----------------------------+")
