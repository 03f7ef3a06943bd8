"""The metric definitions that SageMaker itself gives jobs of its built-in algorithms, by the algorithm's name."""

import re
from collections.abc import Iterable, Sequence

Definitions = Iterable[tuple[str, str]]

_FLOAT = r"([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)"
_QUALITY = r"#quality_metric: host=\S+,"
_PROGRESS = (
    ("train:progress", r"#progress_metric: host=\S+, completed (\S+) %"),
    ("train:throughput", r"#throughput_metric: host=\S+, train throughput=(\S+) records/second"),
)

_BOOSTING = (
    "accuracy auc aucpr balanced_accuracy error f1 f1_binary f1_macro gamma-deviance gamma-nloglik logloss mae map"
    " merror mlogloss mse ndcg poisson-nloglik precision r2 recall rmse rmsle tweedie-nloglik"
)
# Measures are printed as <loss> or <score>; some with their parameter: binary_f_1.000.
_PRINTED = {
    "objective_loss": r"\S+_objective",
    "binary_f_beta": r"binary_f_\S+",
    "macro_f_beta": r"macro_f_\S+",
    "multiclass_top_k_accuracy": r"multiclass_top_k_accuracy_\S+",
}
_SCORES = (
    "accuracy dcg binary_classification_accuracy binary_f_beta macro_f_beta macro_precision macro_recall f1 pwll"
    " multiclass_accuracy multiclass_top_k_accuracy precision recall roc_auc_score discriminator_auc mIOU"
    " pixel_accuracy"
)
_LINEAR = (
    "objective_loss mse absolute_loss dcg binary_classification_accuracy binary_f_beta macro_f_beta macro_precision"
    " macro_recall multiclass_accuracy multiclass_top_k_accuracy precision recall roc_auc_score"
)
_REPORTED: dict[str, tuple[str, ...]] = {
    "linear-learner": (f"test {_LINEAR}", f"validation {_LINEAR} rmse", "train@epoch objective_loss"),
    "factorization-machines": (
        "test rmse binary_classification_accuracy binary_classification_cross_entropy binary_f_beta",
    ),
    "object2vec": (
        "test mean_squared_error accuracy cross_entropy",
        "validation mean_squared_error accuracy cross_entropy",
    ),
    "ipinsights": (
        "validation@epoch discriminator_auc",
        "train binary_classification_accuracy binary_classification_cross_entropy",
    ),
    "kmeans": ("test msd ssd",),
    "knn": ("test accuracy mse",),
    "lda": ("test pwll",),
    "ntm": ("validation@epoch total_loss",),
    "forecasting-deepar": ("test RMSE mean_wQuantileLoss", "train final_loss", "train@epoch loss"),
    "pca": (),
    "randomcutforest": ("test f1",),
    "object-detection": (),
    "semantic-segmentation": ("validation@epoch mIOU pixel_accuracy",),
}
"""Measures by channel of the algorithms that write ``#quality_metric`` lines; ``@epoch``: behind the epoch's number."""

_CATBOOST = "RMSE MAE MedianAbsoluteError R2 Logloss Precision Recall F1 AUC MultiClass Accuracy BalancedAccuracy"
_LIGHTGBM = (
    "rmse l1 l2 huber fair binary_logloss binary_error auc average_precision multi_logloss multi_error auc_mu"
    " cross_entropy"
)
_OTHERS: dict[str, tuple[tuple[str, str], ...]] = {
    "xgboost": tuple(
        (f"{channel}:{measure}", rf".*\[[0-9]+\].*#011{channel}-{measure}:{_FLOAT}.*")
        for channel in ("validation", "train")
        for measure in _BOOSTING.split()
    ),
    "blazingtext": (
        ("train:mean_rho", r"#mean_rho: (\S+)"),
        ("validation:accuracy", r"#validation_accuracy: (\S+)"),
        ("train:accuracy", r"#train_accuracy: (\S+)"),
    ),
    "image-classification": (
        ("validation:accuracy", r"Epoch\[\d+\] Validation-accuracy=(\S+)"),
        ("train:accuracy", r"Epoch\[\d+\] Train-accuracy=(\S+)"),
    ),
    "seq2seq": tuple(
        (f"validation:{measure}", rf"Validation-{measure}=(\S+)") for measure in ("accuracy", "bleu", "perplexity")
    ),
    "tensorflow-ic": (("validation:accuracy", r"val_accuracy=([0-9\.]+)"),),
    "tensorflow-od": (("validation:localization_loss", r"Val_localization=([0-9\.]+)"),),
    "tensorflow-tc": (("validation:accuracy", r"val_accuracy=([0-9\.]+)"),),
    "catboost": tuple((measure, r"bestTest = ([0-9\.]+)") for measure in _CATBOOST.split()),
    "lightgbm": tuple((measure, rf"{measure}: ([0-9\.]+)") for measure in _LIGHTGBM.split()),
    "tabtransformer": (
        ("r2", r"metrics={'r2': (\S+)}"),
        ("f1_score", r"metrics={'f1': (\S+)}"),
        ("accuracy_score", r"metrics={'accuracy': (\S+)}"),
    ),
    "autogluon-tabular": (),
}
_FURTHER: dict[str, tuple[tuple[str, str], ...]] = {
    "linear-learner": (
        ("train:objective_loss:final", rf"{_QUALITY} train \S+_objective <loss>=(\S+)"),
        ("validation:objective_loss:final", rf"{_QUALITY} validation \S+_objective <loss>=(\S+)"),
    ),
    "object-detection": (
        ("validation:mAP", rf"{_QUALITY} epoch=\S+, validation mAP <score>=\((\S+)\)"),
        ("train:smooth_l1", rf"{_QUALITY} epoch=\S+, batch=\S+ train smooth_l1 <loss>=\((\S+)\)"),
        ("train:cross_entropy", rf"{_QUALITY} epoch=\S+, batch=\S+ train cross_entropy <loss>=\((\S+)\)"),
    ),
}
ALGORITHMS = (*_OTHERS, *_REPORTED)
"""The names of the built-in algorithms, which are also those of their images."""

_ALIASES = {"sagemaker-xgboost": "xgboost", "deepar": "forecasting-deepar"}
_IMAGE = re.compile(
    r"(?:[0-9]{12}\.dkr[.-]ecr(?:-fips)?\.[a-z0-9-]+\.(?:amazonaws\.com(?:\.[a-z]+)?|on\.aws)/)?"
    r"(?P<name>[a-z0-9][a-z0-9._-]*)(?::[\w.-]+)?(?:@sha256:[0-9a-f]+)?"
)


def algorithm(name: str) -> Sequence[tuple[str, str]]:
    """Names and regular expressions of an algorithm's metrics, as the service has them. Raises KeyError."""
    if name in _OTHERS:
        return _OTHERS[name]
    reported = [each for row in _REPORTED[name] for each in _reported(row)]
    return (*reported, *_FURTHER.get(name, ()), *_PROGRESS)


def preset_of_image(image: str) -> str | None:
    """The built-in algorithm whose image this is, by the repository's name in a registry of ECR; None for any other.

    ``811284229777.dkr.ecr.us-east-1.amazonaws.com/image-classification:1`` and plain ``image-classification`` are
    image-classification; account, region, tag and digest do not matter. Images of other registries are somebody's own.
    """
    match = _IMAGE.fullmatch(image)
    if match is None:
        return None
    name = _ALIASES.get(match["name"], match["name"])
    return name if name in ALGORITHMS else None


def _reported(row: str) -> Definitions:
    channel, *measures = row.split()
    channel, _, epoch = channel.partition("@")
    where = rf"{_QUALITY} epoch=\S+," if epoch else _QUALITY
    for measure in measures:
        kind = "score" if measure in _SCORES.split() else "loss"
        yield f"{channel}:{measure}", rf"{where} {channel} {_PRINTED.get(measure, measure)} <{kind}>=(\S+)"
