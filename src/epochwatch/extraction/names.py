"""What the name of a numeric field says: a metric, its place in the training, or housekeeping."""

import re
from functools import lru_cache

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def _words(*rows: str) -> frozenset[str]:
    return frozenset(" ".join(rows).split())


_MEASURES = _words(
    "loss losses acc accuracy accuracies auc auroc auprc aucpr f1 fbeta precision recall mcc kappa",
    "rmse rmsle mae mse mape smape r2 logloss mlogloss merror nll elbo kl kld entropy crossentropy likelihood",
    "objective perplexity ppl bpc bpb bleu rouge chrf meteor cider wer cer map ndcg mrr iou miou dice psnr ssim",
    "lpips fid mpjpe rho pearson pearsonr spearman spearmanr reward rewards fitness",
)
"""A field with one of these words is a metric wherever it stands."""

_LIKELY = _words("error err score return regret distance deviance top1 top5 acc1 acc5")
"""A field with one of these words is a metric unless a word of housekeeping stands beside it."""

_HOUSEKEEPING = _words(
    "time times timestamp ts date eta elapsed remaining duration runtime sec secs second seconds ms us ns min",
    "mins minute minutes hour hours starttime endtime timeout interval",
    "pid ppid tid uid gid id ids uuid seed port addr address host hosts hostname localhost http https",
    "rank ranks world node nodes device devices gpu gpus cpu cpus cuda rocm xpu mps tpu worker workers thread",
    "threads process processes version ver build rev v line lineno file files code status errno level",
    "retry retries attempt attempts size sizes byte bytes kb mb gb tb kib mib gib shape dim dims length len width",
    "height layer layers param params parameter parameters index idx fold trial total count sum max num n",
    "batch batches sample samples example examples step steps epoch epochs iter iters iteration iterations it its",
    "progress percent pct completed starts ends patience limit verbose warning warnings errors failed",
)
"""A field with one of these words never becomes a metric by recurring."""

_RATES = (("per", "second"), ("per", "sec"), ("per", "s"))
_NOT_A_NAME = re.compile(
    r"^(?:ERROR|WARNING)$|[a-z](?:Error|Exception|Warning)$|\.(?:py|pyx|c|cc|cpp|cu|cuh|h|hpp|rs|go|java|js|ts|sh)$"
)


@lru_cache(maxsize=4096)
def words(name: str) -> tuple[str, ...]:
    """The words of a name in lower case: ``trainLoss``, ``train_loss`` and ``train/loss`` are train, loss."""
    joined: list[str] = []
    for part in (word.lower() for word in _WORD.findall(name)):
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
    if not parts or _NOT_A_NAME.search(name):
        return "junk"
    if any(part in _MEASURES for part in parts):
        return "metric"
    if any(pair == parts[at : at + 2] for pair in _RATES for at in range(len(parts))):
        return "unknown"
    if any(part in _HOUSEKEEPING for part in parts):
        return "junk"
    return "metric" if any(part in _LIKELY for part in parts) else "unknown"
