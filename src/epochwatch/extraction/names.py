"""What the name of a numeric field says: a metric, its place in the training, or housekeeping."""

import re
from functools import lru_cache

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

# Words in a row read better than a hundred lines of one word each.
_MEASURES = frozenset(
    [
        "loss",
        "losses",
        "acc",
        "accuracy",
        "auc",
        "auroc",
        "auprc",
        "aucpr",
        "f1",
        "fbeta",
        "rmse",
        "rmsle",
        "mae",
        "mse",
        "mape",
        "smape",
        "logloss",
        "mlogloss",
        "merror",
        "nll",
        "bpc",
        "bpb",
        "perplexity",
        "ppl",
        "bleu",
        "rouge",
        "chrf",
        "meteor",
        "cider",
        "precision",
        "recall",
        "iou",
        "miou",
        "map",
        "ndcg",
        "mrr",
        "dice",
        "psnr",
        "ssim",
        "lpips",
        "fid",
        "mcc",
        "kappa",
        "wer",
        "cer",
        "r2",
        "elbo",
        "kl",
        "kld",
        "objective",
        "likelihood",
        "entropy",
        "crossentropy",
        "accuracies",
        "rho",
        "spearman",
        "pearson",
        "pearsonr",
        "spearmanr",
        "reward",
        "rewards",
        "fitness",
        "mpjpe",
    ]
)
"""A field with one of these words is a metric wherever it stands."""

_LIKELY = frozenset("error err score return regret distance deviance top1 top5 acc1 acc5".split())  # noqa: SIM905
"""A field with one of these words is a metric unless a word of housekeeping stands beside it."""

_HOUSEKEEPING = frozenset(
    [
        "time",
        "times",
        "timestamp",
        "ts",
        "date",
        "eta",
        "elapsed",
        "remaining",
        "duration",
        "runtime",
        "sec",
        "secs",
        "second",
        "seconds",
        "ms",
        "us",
        "ns",
        "min",
        "mins",
        "minute",
        "minutes",
        "hour",
        "hours",
        "pid",
        "ppid",
        "tid",
        "uid",
        "gid",
        "port",
        "rank",
        "ranks",
        "world",
        "gpu",
        "gpus",
        "cpu",
        "cpus",
        "cuda",
        "rocm",
        "xpu",
        "mps",
        "tpu",
        "device",
        "devices",
        "node",
        "nodes",
        "host",
        "hosts",
        "hostname",
        "localhost",
        "version",
        "ver",
        "build",
        "rev",
        "line",
        "lineno",
        "size",
        "sizes",
        "byte",
        "bytes",
        "kb",
        "mb",
        "gb",
        "tb",
        "kib",
        "mib",
        "gib",
        "seed",
        "id",
        "ids",
        "uuid",
        "addr",
        "address",
        "worker",
        "workers",
        "thread",
        "threads",
        "process",
        "processes",
        "code",
        "status",
        "errno",
        "level",
        "retry",
        "retries",
        "attempt",
        "attempts",
        "http",
        "https",
        "batch",
        "batches",
        "sample",
        "samples",
        "example",
        "examples",
        "shape",
        "dim",
        "dims",
        "layer",
        "layers",
        "param",
        "params",
        "parameter",
        "parameters",
        "total",
        "count",
        "sum",
        "max",
        "num",
        "n",
        "index",
        "idx",
        "len",
        "length",
        "width",
        "height",
        "fold",
        "trial",
        "file",
        "files",
        "progress",
        "percent",
        "pct",
        "completed",
        "steps",
        "step",
        "epochs",
        "epoch",
        "iteration",
        "iterations",
        "iter",
        "iters",
        "it",
        "its",
        "verbose",
        "patience",
        "limit",
        "timeout",
        "interval",
        "warning",
        "warnings",
        "errors",
        "failed",
        "v",
        "starttime",
        "endtime",
        "starts",
        "ends",
    ]
)
"""A field with one of these words never becomes a metric by recurring alone."""

_RATES = (("per", "second"), ("per", "sec"), ("per", "s"))
_SOURCE = re.compile(r"\.(?:py|pyx|c|cc|cpp|cu|cuh|h|hpp|rs|go|java|js|ts|sh)$")


@lru_cache(maxsize=4096)
def words(name: str) -> tuple[str, ...]:
    """The words of a name in lower case: ``trainLoss``, ``train_loss`` and ``train/loss`` are train, loss."""
    parts = [word.lower() for word in _WORD.findall(name)]
    joined: list[str] = []
    for part in parts:
        # f1, r2, top5, acc1: the digit belongs to the word before it.
        if part.isdigit() and joined and joined[-1] + part in _MEASURES | _LIKELY:
            joined[-1] += part
        else:
            joined.append(part)
    return tuple(joined)


@lru_cache(maxsize=4096)
def kind(name: str) -> str:
    """``metric``: one at first sight; ``unknown``: one if it recurs; ``junk``: never one."""
    parts = words(name)
    if not parts or _SOURCE.search(name):
        return "junk"
    if any(part in _MEASURES for part in parts):
        return "metric"
    if any(pair == parts[at : at + 2] for pair in _RATES for at in range(len(parts))):
        return "unknown"
    if any(part in _HOUSEKEEPING for part in parts):
        return "junk"
    return "metric" if any(part in _LIKELY for part in parts) else "unknown"
