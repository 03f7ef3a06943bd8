"""Which hyperparameters and channels built-in XGBoost takes, as its documentation has them. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

METRICS: Final = (
    "accuracy", "aft-nloglik", "auc", "aucpr", "balanced_accuracy", "cox-nloglik", "error", "f1", "f1_binary",
    "f1_macro", "gamma-deviance", "gamma-nloglik", "interval-regression-accuracy", "logloss", "mae", "map", "mape",
    "merror", "mlogloss", "mphe", "mse", "ndcg", "poisson-nloglik", "precision", "precision_macro", "precision_micro",
    "r2", "recall", "recall_macro", "recall_micro", "rmse", "rmsle", "tweedie-nloglik",
)  # fmt: skip
CONTENT_TYPES: Final = (
    "csv", "text/csv", "libsvm", "text/libsvm", "text/x-libsvm", "parquet", "application/x-parquet",
)  # fmt: skip
_WITH_THRESHOLD: Final = ("error", "map", "ndcg")
_MULTICLASS: Final = ("multi:softmax", "multi:softprob")
_OBJECTIVES: Final = (
    "binary:hinge", "binary:logistic", "binary:logitraw", "count:poisson", "multi:softmax", "multi:softprob",
    "rank:map", "rank:ndcg", "rank:pairwise", "reg:absoluteerror", "reg:gamma", "reg:linear", "reg:logistic",
    "reg:pseudohubererror", "reg:squarederror", "reg:squaredlogerror", "reg:tweedie", "survival:aft",
    "survival:cox",
)  # fmt: skip


@dataclass(frozen=True)
class Number:
    """A number in an interval; the bounds belong to it unless it is ``above`` or ``below`` them."""

    least: float | None = None
    most: float | None = None
    above: bool = False
    below: bool = False
    whole: bool = False

    def fault(self, text: str) -> str:
        """What is wrong with a value; empty where nothing is."""
        try:
            value = int(text) if self.whole else float(text)
        except ValueError:
            return f"could not parse '{text}' as {'an integer' if self.whole else 'a number'}"
        low = self.least is None or (value > self.least if self.above else value >= self.least)
        high = self.most is None or (value < self.most if self.below else value <= self.most)
        return "" if low and high else f"value {text} not in range {self}"

    def __str__(self) -> str:
        low = "(-inf" if self.least is None else f"{'(' if self.above else '['}{self.least:g}"
        high = "+inf)" if self.most is None else f"{self.most:g}{')' if self.below else ']'}"
        return f"{low}, {high}"


@dataclass(frozen=True)
class OneOf:
    """One of several words."""

    words: Sequence[str]

    def fault(self, text: str) -> str:
        """As Number.fault."""
        return "" if text in self.words else f"value {text} not in range {', '.join(self.words)}"


@dataclass(frozen=True)
class Text:
    """What a pattern takes."""

    pattern: str
    meaning: str

    def fault(self, text: str) -> str:
        """As Number.fault."""
        return "" if re.fullmatch(self.pattern, text) else f"value {text} is not {self.meaning}"


_SHARE: Final = Number(0, 1)
_POSITIVE_SHARE: Final = Number(0, 1, above=True)
_NOT_NEGATIVE: Final = Number(0)
_COUNT: Final = Number(0, whole=True)
_NATURAL: Final = Number(1, whole=True)
_FLAG: Final = Number(0, 1, whole=True)
_WORDS: Final = Text(r"[a-z_]+(,\s*[a-z_]+)*", "a list of words")
RULES: Final[dict[str, Number | OneOf | Text]] = {
    "num_round": _NATURAL,
    "num_class": Number(2, whole=True),
    "_tuning_objective_metric": Text(r"(train|validation):\S+", "a metric of the algorithm"),
    "aft_loss_distribution": OneOf(("normal", "logistic", "extreme")),
    "aft_loss_distribution_scale": Number(0, above=True),
    "alpha": _NOT_NEGATIVE,
    "base_score": _NOT_NEGATIVE,
    "booster": OneOf(("gbtree", "gblinear", "dart")),
    "colsample_bylevel": _POSITIVE_SHARE,
    "colsample_bynode": _POSITIVE_SHARE,
    "colsample_bytree": _POSITIVE_SHARE,
    "csv_weights": _FLAG,
    "deterministic_histogram": OneOf(("true", "false")),
    "dsplit": OneOf(("row", "col")),
    "early_stopping_rounds": _NATURAL,
    "eta": _SHARE,
    "eval_metric": Text(r"[^,\s]+(,\s*[^,\s]+)*", "a list of metrics"),
    "gamma": _NOT_NEGATIVE,
    "grow_policy": OneOf(("depthwise", "lossguide")),
    "huber_slope": Number(0, above=True),
    "interaction_constraints": Text(r"\[\s*(\[[\d\s,]*\]\s*,?\s*)*\]", "a list of lists of columns"),
    "lambda": _NOT_NEGATIVE,
    "lambda_bias": _SHARE,
    "max_bin": _COUNT,
    "max_cat_threshold": _NATURAL,
    "max_cat_to_onehot": _NATURAL,
    "max_delta_step": _NOT_NEGATIVE,
    "max_depth": _COUNT,
    "max_leaves": _COUNT,
    "min_child_weight": _NOT_NEGATIVE,
    "monotone_constraints": Text(r"\(\s*-?[01](\s*,\s*-?[01])*\s*,?\s*\)", "a tuple of -1, 0 and 1"),
    "normalize_type": OneOf(("tree", "forest")),
    "nthread": _NATURAL,
    "num_parallel_tree": _NATURAL,
    "objective": OneOf(_OBJECTIVES),
    "one_drop": _FLAG,
    "predictor": OneOf(("auto", "cpu_predictor", "gpu_predictor")),
    "process_type": OneOf(("default", "update")),
    "rate_drop": _SHARE,
    "refresh_leaf": _FLAG,
    "sample_type": OneOf(("uniform", "weighted")),
    "sampling_method": OneOf(("uniform", "gradient_based")),
    "save_model_on_termination": OneOf(("true", "false")),
    "scale_pos_weight": Number(0, above=True),
    "seed": Number(-(2**31), 2**31 - 1, above=True, below=True, whole=True),
    "silent": _FLAG,
    "single_precision_histogram": OneOf(("true", "false")),
    "sketch_eps": Number(0, 1, above=True, below=True),
    "skip_drop": _SHARE,
    "subsample": _POSITIVE_SHARE,
    "tree_method": OneOf(("auto", "exact", "approx", "hist", "gpu_hist")),
    "tweedie_variance_power": Number(1, 2, above=True, below=True),
    "updater": _WORDS,
    "use_dask_gpu_training": OneOf(("false",)),
    "verbosity": Number(0, 3, whole=True),
}


def require_xgboost(hyperparameters: Mapping[str, str], inputs: Mapping[str, Mapping[str, str]]) -> None:
    """Raises ValueError with the failure reason for what built-in XGBoost does not take."""
    fault = _hyperparameter_fault(hyperparameters) or _channel_fault(inputs)
    if fault:
        raise ValueError(f"ClientError: {fault}")


def _hyperparameter_fault(given: Mapping[str, str]) -> str:
    for name, text in given.items():
        rule = RULES.get(name)
        if rule is None:
            return f"Extraneous hyperparameter found: {name}"
        fault = rule.fault(text)
        if fault:
            return f"Hyperparameter {name}: {fault}"
    if "num_round" not in given:
        return "Missing required hyperparameter: num_round"
    if given.get("objective") in _MULTICLASS and "num_class" not in given:
        return "Require input for parameter 'num_class' for multi-classification"
    return _metric_fault(given)


def _metric_fault(given: Mapping[str, str]) -> str:
    objective = given.get("objective", "reg:squarederror")
    for metric in (word.strip() for word in given.get("eval_metric", "").split(",") if word.strip()):
        name, at, threshold = metric.partition("@")
        if name not in METRICS:
            return f"Hyperparameter eval_metric: value {metric} not in range {', '.join(METRICS)}"
        if at and (name not in _WITH_THRESHOLD or Number().fault(threshold.rstrip("-"))):
            return f"Metric '{metric}' is not supported: of 'error', 'ndcg' and 'map' there may be one at a number"
        if name == "auc" and not objective.startswith(("binary:", "rank:", "multi:")):
            return "Metric 'auc' can only be applied for classification and ranking problems."
    return ""


def _channel_fault(inputs: Mapping[str, Mapping[str, str]]) -> str:
    if "train" not in inputs:
        return "Missing required channel: train"
    for name, channel in inputs.items():
        if name not in ("train", "validation", "code"):
            return f"Extraneous channel found: {name}"
        content, *options = channel.get("ContentType", "text/libsvm").lower().replace(" ", "").split(";")
        if name != "code" and content not in CONTENT_TYPES:
            return f"{content} is not an accepted ContentType here: {', '.join(CONTENT_TYPES)}."
        if any(option.startswith("label_size=") and option != "label_size=1" for option in options):
            return f"{channel['ContentType']} is not an accepted csv ContentType: label_size must be equal to 1"
        if channel.get("TrainingInputMode") == "Pipe" and content not in CONTENT_TYPES[:2]:
            return "Pipe mode is only supported for CSV here."
    return ""
