"""What the name of a numeric field says: a metric, its place in the training, or housekeeping."""

import re
from collections.abc import Sequence
from functools import lru_cache

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z\u0080-\uffff]+|[0-9]+")


def _words(*rows: str) -> frozenset[str]:
    return frozenset(" ".join(rows).split())


_MEASURES = _words(
    "loss losses acc accuracy accuracies auc auroc auprc aucpr f1 fbeta precision recall mcc kappa",
    "rmse rmsle mae mse mape smape r2 logloss mlogloss merror nll elbo kl kld entropy crossentropy likelihood",
    "objective perplexity ppl bpc bpb bleu rouge chrf meteor cider wer cer map ndcg mrr iou miou dice psnr ssim",
    "lpips fid mpjpe rho pearson pearsonr spearman spearmanr reward rewards fitness hmean",
    "inertia divergence",
)
"""A field with one of these words is a metric wherever it stands."""

_LIKELY = _words("error err score cost return regret distance deviance ap top1 top5 acc1 acc5")
"""A field with one of these words is a metric unless a word of housekeeping stands beside it."""

_HOUSEKEEPING = _words(
    "time times timestamp ts date eta elapsed remaining duration runtime sec secs second seconds ms us ns min",
    "mins minute minutes hour hours starttime endtime timeout interval",
    "pid ppid tid uid gid id ids uuid seed port addr address host hosts hostname localhost http https",
    "rank ranks world node nodes device devices gpu gpus cpu cpus cuda rocm xpu mps tpu worker workers thread",
    "threads process processes version ver build rev v line lineno file files code exitcode status errno level",
    "retry retries attempt attempts size sizes byte bytes kb mb gb tb kib mib gib shape dim dims length len width",
    "height param params parameter parameters index idx fold trial total count sum max num n",
    "batch batches sample samples example examples step steps epoch epochs iter iters iteration iterations it its",
    "progress percent pct completed starts ends patience limit verbose warning warnings errors failed support std",
    "memory mem depth trees leaves folds fold candidates created episode episodes round rounds generation",
    "data dur instances images wall latency update updates alpha gamma c t",
)
"""A field with one of these words never becomes a metric by recurring."""

PASSING = frozenset(
    b"with of the at in is after and on for to by was from a an as than or not no are be this that into until over"
    b" info debug warning error critical trace success root".split()
)
"""Words that never belong to the name of the field behind them."""

_COUNTED = _words("layer layers")
"""A field named by one of these in the end is their number; before other words it says whose measure it is."""

EARLIER = frozenset((b"from", b"than", b"to", b"until", b"below", b"above", b"beyond"))
"""Words that are followed by what once was, or shall be."""

SETTINGS = frozenset([("lr",), ("learning", "rate")])
"""The words of settings that are printed between measures, and wanted with them."""

QUALIFIERS = frozenset(
    b"train training trn val valid validation test testing eval evaluation dev average avg mean best running final"
    b" epoch smooth smoothed".split()
)
"""Words that always do."""

_SPLITS = _words("best train training val valid validation dev test testing eval evaluation final")
"""A name of several of these alone is a metric: bestTest."""

_RATES = (("per", "second"), ("per", "sec"), ("per", "s"))
_PER_SECOND = re.compile(r"[a-z]/s(?:ec(?:ond)?)?$")
_NOT_A_NAME = re.compile(
    r"^(?:ERROR|WARNING)$|[a-z](?:Error|Exception|Warning)$|\.(?:py|pyx|c|cc|cpp|cu|cuh|h|hpp|rs|go|java|js|ts|sh)$"
)


_MEAN = re.compile(r"m(?:AP|IoU|IOU)")  # mAP50, mIoU: the m belongs to the word


def _lowered(match: re.Match[str]) -> str:
    return match[0].lower()


@lru_cache(maxsize=4096)
def words(name: str) -> tuple[str, ...]:
    """The words of a name in lower case: ``trainLoss``, ``train_loss`` and ``train/loss`` are train, loss."""
    joined: list[str] = []
    for part in (word.lower() for word in _WORD.findall(_MEAN.sub(_lowered, name))):
        # f1, r2, top5, acc1: the digit belongs to the word before it.
        if part.isdigit() and joined and joined[-1] + part in _MEASURES | _LIKELY:
            joined[-1] += part
        else:
            joined.append(part)
    return tuple(joined)


@lru_cache(maxsize=4096)
def kind(name: str) -> str:
    """``metric``: one at first sight; ``unknown``: one if it recurs; ``rate``: one if it recurs, whatever its
    numbers; ``junk``: never one.
    """
    parts = words(name)
    if not parts or _NOT_A_NAME.search(name):
        return "junk"
    if any(part in _MEASURES for part in parts):
        return "metric"
    if _PER_SECOND.search(name) or any(pair == parts[at : at + 2] for pair in _RATES for at in range(len(parts))):
        return "rate"
    last = next((part for part in reversed(parts) if not part.isdigit()), "")
    if last in _COUNTED or any(part in _HOUSEKEEPING for part in parts):
        return "junk"
    if any(part in _LIKELY for part in parts) or (len(parts) > 1 and _SPLITS.issuperset(parts)):
        return "metric"
    return "unknown"


def is_split(word: str) -> bool:
    """Whether a word names a measure, or a part of the data and its number: f1, valid_0."""
    return kind(word) == "metric" or any(part in _SPLITS for part in words(word))


_CHANNELS = {
    **dict.fromkeys(("train", "training", "trn", "tr"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "eval", "evaluation"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}


def channelled(given: Sequence[str]) -> dict[str, str]:
    """The names by SageMaker's convention, ``validation:loss``, where they tell parts of the data apart.

    That is so if one tells of validation or test data and another is the same measure of other data: ``val_loss``
    with ``train_loss``, or with ``loss``, which is of the training then. A name that two would get stays as it is.
    """
    parts = {name: _channel(name) for name in given}
    measures: dict[str, set[str]] = {}
    for channel, measure in parts.values():
        measures.setdefault(measure, set()).add(channel)
    split = any(len(channels) > 1 and channels & {"validation", "test"} for channels in measures.values())
    chosen: dict[str, str] = {}
    for name, (channel, measure) in parts.items():
        if (
            split
            and not channel
            and measures[measure] & {"validation", "test"}
            and "train" not in measures[measure]
        ):
            better = f"train:{measure}"
        else:
            better = f"{channel}:{measure}" if split and channel else name
        chosen[name] = name if better in chosen.values() else better
    return chosen


def _channel(name: str) -> tuple[str, str]:
    """The part of the data that a name tells of (or nothing), and the measure."""
    for pattern in (
        r"(?P<channel>[A-Za-z]+)(?:_?\d+)?[_\W]+(?P<measure>.+)",
        r"(?P<measure>.+)[_\W]+(?P<channel>[A-Za-z]+)",
    ):
        match = re.fullmatch(pattern, name)
        if match is not None and match["channel"].lower() in _CHANNELS:
            measure = match["measure"]
            # Train_Loss is train:loss, but mAP and AUC stay.
            plain = re.fullmatch(r"(?:[A-Z]?[a-z0-9]+(?:[_\W]+|$))+", measure)
            return _CHANNELS[match["channel"].lower()], measure.lower() if plain else measure
    return "", name
