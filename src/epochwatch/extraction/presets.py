"""Ready definitions: for the log shapes of common frameworks, and for SageMaker's built-in algorithms."""

from collections.abc import Callable, Iterable

from epochwatch.errors import UsageError
from epochwatch.extraction.algorithms import ALGORITHMS, algorithm
from epochwatch.model.batch import Definition

_NUMBER = r"[-+]?(?:[0-9.]+(?:[eE][-+]?[0-9]+)?|nan|NaN|inf|Infinity)"
_VALUE = f"({_NUMBER})"


def _xgboost() -> Iterable[tuple[str, str]]:
    """Rounds of the Python package, ``[12]<tab>train-rmse:0.5<tab>eval-rmse:0.6``, with SageMaker's names."""
    measures = (
        "accuracy auc aucpr balanced_accuracy error f1 f1_binary f1_macro logloss mae mape map merror mlogloss"
        " mphe mse ndcg precision r2 recall rmse rmsle gamma-deviance gamma-nloglik"
        " poisson-nloglik tweedie-nloglik"
    )
    channels = {"train": "train(?:ing)?", "validation": "(?:validation|valid|val|eval)", "test": "test"}
    for channel, printed in channels.items():
        for measure in measures.split():
            yield f"{channel}:{measure}", rf"\[[0-9]+\].*#011{printed}-{measure}:{_VALUE}"


def _lightgbm() -> Iterable[tuple[str, str]]:
    """Rounds of the Python package: ``[12]<tab>training's auc: 0.9<tab>valid_0's auc: 0.8``."""
    measures = (
        "l1 l2 rmse quantile mape huber fair poisson gamma tweedie ndcg map auc average_precision binary_logloss"
        " binary_error multi_logloss multi_error cross_entropy kullback_leibler"
    )
    channels = {
        "train": "train(?:ing)?",
        "validation": "(?:valid(?:ation)?|val|eval)(?:_?[0-9]+)?",
        "test": "test",
    }
    for channel, printed in channels.items():
        for measure in measures.split():
            yield f"{channel}:{measure}", rf"\[[0-9]+\].*#011{printed}'s {measure}(?:@[0-9]+)?: {_VALUE}"


def _catboost() -> Iterable[tuple[str, str]]:
    """Rounds of the Python package: ``12:<tab>learn: 0.5<tab>test: 0.6<tab>best: 0.6 (12)``."""
    yield "train:loss", rf"^[0-9]+:.*#011learn: {_VALUE}"
    yield "validation:loss", rf"^[0-9]+:.*#011test: {_VALUE}"
    yield "validation:best", rf"^(?:[0-9]+:.*#011best: |bestTest = ){_VALUE}"


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


def _fairseq() -> Iterable[tuple[str, str]]:
    """``| train | epoch 001 | loss 9.1 | ppl 540.2 | ...``, ``epoch 001: 10 / 99 loss=9.1, ppl=540.2, lr=1e-07``."""
    for channel, printed in {"train": "train(?:_inner)?", "validation": "valid"}.items():
        for measure in ["loss", "nll_loss", "ppl", "accuracy", "bleu", "wps", "ups", "gnorm", "lr"]:
            yield f"{channel}:{measure}", rf"\| {printed} \|.*?[ ,]{measure}[ =]{_VALUE}"


def _mmengine() -> Iterable[tuple[str, str]]:
    """``Epoch(train)  [1][50/100]  lr: 1e-02  loss: 1.2``, ``Epoch(val) [1][10/10]  accuracy/top1: 75.0``."""
    for measure in ["loss", "loss_cls", "loss_bbox", "loss_mask", "acc", "grad_norm", "lr"]:
        yield f"train:{measure}", rf"(?:Epoch|Iter)\(train\).* {measure}: {_VALUE}"
    for measure in ["accuracy/top1", "accuracy/top5", "coco/bbox_mAP", "coco/segm_mAP", "mIoU", "mAcc", "aAcc"]:
        yield f"validation:{measure}", rf"(?:Epoch|Iter)\(val\).* {measure}: {_VALUE}"


def _detectron2() -> Iterable[tuple[str, str]]:
    """``eta: 0:01:00  iter: 19  total_loss: 1.2  loss_cls: 0.5  lr: 0.0002``."""
    for measure in ["total_loss", "loss_cls", "loss_box_reg", "loss_mask", "loss_rpn_cls", "loss_rpn_loc", "lr"]:
        yield f"train:{measure}", rf" iter: [0-9]+ .*\b{measure}: {_VALUE}"


def _ultralytics() -> Iterable[tuple[str, str]]:
    """The rows of its tables: ``1/3  0G  1.23  3.45  1.26  16  640: 100%``, ``all  128  929  0.64  0.53``."""
    cell = r"\S+\s+"
    for number, measure in enumerate(["box_loss", "cls_loss", "dfl_loss"]):
        yield f"train:{measure}", rf"^\s*[0-9]+/[0-9]+\s+{cell}{cell * number}{_VALUE}\s.*[0-9]+:"
    for number, measure in enumerate(["precision", "recall", "mAP50", "mAP50-95"]):
        yield f"validation:{measure}", rf"^\s*all\s+[0-9]+\s+[0-9]+\s+{cell * number}{_VALUE}(?:\s|$)"


def _megatron() -> Iterable[tuple[str, str]]:
    """``iteration 10/ 100 | learning rate: 1.0E-04 | lm loss: 1.2E+00 | grad norm: 0.5 |``."""
    for measure in ["lm loss", "learning rate", "loss scale", "grad norm", "params norm"]:
        yield f"train:{measure.replace(' ', '_')}", rf" iteration +[0-9]+/ *[0-9]+ \|.* {measure}: {_VALUE}"
    yield "train:throughput", rf" iteration .* throughput per GPU \(TFLOP/s/GPU\): {_VALUE}"
    yield "validation:lm_loss", rf"validation loss at .*lm loss value: {_VALUE}"
    yield "validation:ppl", rf"validation loss at .*lm loss PPL: {_VALUE}"


def _timm() -> Iterable[tuple[str, str]]:
    """``Train: 0 [ 50/1251 ( 4%)]  Loss: 6.94 (6.95)  LR: 1.0e-06``, ``Test: [ 10/97]  Acc@1: 61.2 (60.9)``."""
    yield "train:loss", rf"^Train: [0-9]+ \[.*\] +Loss: +{_VALUE}"
    yield "train:lr", rf"^Train: [0-9]+ \[.* LR: +{_VALUE}"
    for measure in ["Loss", "Acc@1", "Acc@5"]:
        printed = rf"^Test(?: \(EMA\))?: \[.* {measure}: +[-+0-9.e]+ \( *{_VALUE}\)"
        yield f"validation:{measure.lower()}", printed


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


_FRAMEWORKS: dict[str, Callable[[], Iterable[tuple[str, str]]]] = {
    "xgboost-python": _xgboost,
    "lightgbm-python": _lightgbm,
    "catboost-python": _catboost,
    "keras": _keras,
    "lightning": _lightning,
    "huggingface": _huggingface,
    "mxnet": _mxnet,
    "timm": _timm,
    "fairseq": _fairseq,
    "megatron": _megatron,
    "mmengine": _mmengine,
    "detectron2": _detectron2,
    "ultralytics": _ultralytics,
    "sagemaker": _sagemaker,
}
PRESETS = (*_FRAMEWORKS, *(name for name in ALGORITHMS if algorithm(name)))
"""The names of the presets: frameworks, and the built-in algorithms that report metrics."""


def preset(name: str) -> list[Definition]:
    """The definitions of a preset. Raises UsageError with the names of all of them.

    That of a built-in algorithm is SageMaker's own, to the letter; ``autogluon-tabular`` has none.
    """
    pairs: Iterable[tuple[str, str]]
    if name in ALGORITHMS:
        pairs = algorithm(name)
    elif name in _FRAMEWORKS:
        pairs = _FRAMEWORKS[name]()
    else:
        raise UsageError(f"there is no preset '{name}'", f"presets are: {', '.join(PRESETS)}")
    return [Definition(metric, regex, f"preset:{name}") for metric, regex in pairs]


def describe(name: str) -> str:
    """One line on what a preset is for."""
    if name in ALGORITHMS:
        return f"SageMaker's definitions for its built-in algorithm {name}."
    if name not in _FRAMEWORKS:
        preset(name)
    return (_FRAMEWORKS[name].__doc__ or "").strip()
