"""Ready definitions for the log shapes of common frameworks."""

from collections.abc import Callable, Iterable

from epochwatch.errors import UsageError
from epochwatch.model.batch import Definition

_NUMBER = r"[-+]?(?:[0-9.]+(?:[eE][-+]?[0-9]+)?|nan|NaN|inf|Infinity)"
_VALUE = f"({_NUMBER})"


def _xgboost() -> Iterable[tuple[str, str]]:
    """Boosting rounds, ``[12]<tab>train-rmse:0.5<tab>validation-rmse:0.6``, with SageMaker's names."""
    measures = (
        "accuracy auc aucpr balanced_accuracy error f1 f1_binary f1_macro logloss mae mape map merror mlogloss"
        " mphe mse ndcg precision r2 recall rmse rmsle gamma-deviance gamma-nloglik"
        " poisson-nloglik tweedie-nloglik"
    )
    channels = {"train": "train(?:ing)?", "validation": "(?:validation|valid|val|eval)", "test": "test"}
    for channel, printed in channels.items():
        for measure in measures.split():
            yield f"{channel}:{measure}", rf"\[[0-9]+\].*#011{printed}-{measure}:{_VALUE}"


def _keras() -> Iterable[tuple[str, str]]:
    """``Epoch 3/10`` and ``12/12 ━━━ 0s 9ms/step - accuracy: 0.91 - loss: 0.3 - val_loss: 0.4``."""
    measures = (
        "loss accuracy acc auc binary_accuracy categorical_accuracy sparse_categorical_accuracy mae mse precision"
        " recall root_mean_squared_error mean_absolute_error mean_squared_error"
    )
    for measure in measures.split():
        yield measure, rf"(?:^| ){measure}: {_VALUE}"
        yield f"val_{measure}", rf"(?:^| )val_{measure}: {_VALUE}"
    yield "learning_rate", rf"(?:^| )learning_rate: {_VALUE}"


def _lightning() -> Iterable[tuple[str, str]]:
    """The postfix of Lightning's bar, ``train_loss=0.31, v_num=0]``, and its tables of test results."""
    stages, measures = ("train", "val", "test"), ("loss", "acc", "accuracy", "f1", "auroc")
    yield "loss", rf"[ ,\[]loss={_VALUE}"
    for stage in stages:
        for measure in measures:
            name = f"{stage}_{measure}"
            for suffix in ("", "_step", "_epoch"):
                printed = f"{stage}[_/]{measure}{suffix}"
                yield name + suffix, rf"[ ,\[]{printed}(?:=| +[^ \w]+ +){_VALUE}"


def _huggingface() -> Iterable[tuple[str, str]]:
    """The dictionaries of the Trainer: ``{'loss': 0.5, 'grad_norm': 1.2, 'epoch': 0.5}``."""
    measures = (
        "loss grad_norm learning_rate eval_loss eval_accuracy eval_f1 eval_precision eval_recall eval_runtime"
        " eval_samples_per_second eval_steps_per_second train_loss train_runtime train_samples_per_second"
        " train_steps_per_second"
    )
    for measure in measures.split():
        yield measure, rf"['\"]{measure}['\"]: ['\"]?{_VALUE}"


def _mxnet() -> Iterable[tuple[str, str]]:
    """``Epoch[3] Train-accuracy=0.9``, ``Epoch[3] Batch [20] Speed: 512.3 samples/sec accuracy=0.9``."""
    for channel, printed in {"train": "Train", "validation": "Validation"}.items():
        for measure in ["accuracy", "cross-entropy", "top_k_accuracy_5", "mse", "rmse", "mae", "perplexity", "f1"]:
            yield f"{channel}:{measure}", rf"Epoch\[[0-9]+\] {printed}-{measure}={_VALUE}"
    yield "train:batch-accuracy", rf"Batch ?\[[0-9-]+\].*?\baccuracy={_VALUE}"
    yield "train:throughput", rf"Speed: {_VALUE} samples/sec"
    yield "train:time-cost", rf"Time cost={_VALUE}"


_QUALITY = {
    "train": "loss final_loss smooth_l1 cross_entropy binary_classification_accuracy"
    " binary_classification_cross_entropy objective_loss",
    "validation": "mse rmse absolute_loss dcg binary_classification_accuracy binary_f_beta macro_f_beta"
    " macro_precision macro_recall multiclass_accuracy multiclass_top_k_accuracy precision recall roc_auc_score"
    " mean_squared_error accuracy cross_entropy discriminator_auc total_loss mAP objective_loss",
    "test": "mse rmse absolute_loss dcg binary_classification_accuracy binary_classification_cross_entropy"
    " binary_f_beta macro_f_beta macro_precision macro_recall multiclass_accuracy multiclass_top_k_accuracy"
    " precision recall roc_auc_score mean_squared_error accuracy cross_entropy msd ssd pwll RMSE"
    " mean_wQuantileLoss f1 objective_loss",
}
# These are printed with their parameter: binary_f_1.000, multiclass_top_k_accuracy_3.
_PRINTED = {
    "binary_f_beta": r"binary_f_\S+",
    "macro_f_beta": r"macro_f_\S+",
    "multiclass_top_k_accuracy": r"multiclass_top_k_accuracy_\S+",
    "objective_loss": r"\S+_objective",
}


def _sagemaker() -> Iterable[tuple[str, str]]:
    """The report lines of SageMaker's built-in algorithms: ``#quality_metric: host=algo-1, epoch=0, ...``."""
    for channel, measures in _QUALITY.items():
        for measure in measures.split():
            printed = _PRINTED.get(measure, measure)
            where = r"#quality_metric: host=\S+,(?: (?:epoch|batch)=\S+)*"
            yield f"{channel}:{measure}", rf"{where} {channel} {printed} <(?:loss|score)>=\(?{_VALUE}"
    yield "train:progress", rf"#progress_metric: host=\S+, completed {_VALUE} ?%"
    yield "train:throughput", rf"#throughput_metric: host=\S+, train throughput={_VALUE}"
    yield "train:mean_rho", rf"#mean_rho: {_VALUE}"
    for channel in ("train", "validation"):
        yield f"{channel}:accuracy", rf"#{channel}_accuracy: {_VALUE}"


_MAKERS: dict[str, Callable[[], Iterable[tuple[str, str]]]] = {
    "xgboost": _xgboost,
    "keras": _keras,
    "lightning": _lightning,
    "huggingface": _huggingface,
    "mxnet": _mxnet,
    "sagemaker": _sagemaker,
}
PRESETS = tuple(_MAKERS)
"""The names of the presets."""


def preset(name: str) -> list[Definition]:
    """The definitions of a preset. Raises UsageError with the names of all of them."""
    maker = _MAKERS.get(name)
    if maker is None:
        raise UsageError(f"there is no preset '{name}'", f"presets are: {', '.join(PRESETS)}")
    return [Definition(metric, regex, f"preset:{name}") for metric, regex in maker()]


def describe(name: str) -> str:
    """One line on the log shape that a preset is for."""
    if name not in _MAKERS:
        preset(name)
    return (_MAKERS[name].__doc__ or "").strip()
