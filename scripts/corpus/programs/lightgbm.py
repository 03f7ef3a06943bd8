# ruff: noqa: D103 - each program says in its decorator what it prints
"""LightGBM: callbacks, cross validation, its own log and the form of its command line."""

from shape import Catalogue, Metric, tell

N = r"([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)"
ROUND = r"^(?:\[LightGBM\] \[Info\] )?\[(\d+)\]\t"
JUNK = [
    "Total Bins",
    "number of data",
    "number of used features",
    "Start training from score",
    "pavg",
    "initscore",
]
shapes = Catalogue("really run, {lightgbm}")


def _sets(classes=0, count=300):
    import lightgbm
    import numpy as np

    chance = np.random.default_rng(0)
    data = chance.normal(size=(count, 6))
    target = data[:, 0] + 0.5 * data[:, 1] ** 2 + chance.normal(size=count) * 0.3
    if classes:
        target = np.digitize(target, np.quantile(target, np.linspace(0, 1, classes + 1)[1:-1]))
    train = lightgbm.Dataset(data[: count // 2], target[: count // 2])
    return train, lightgbm.Dataset(data[count // 2 :], target[count // 2 :], reference=train)


SMALL = {"num_leaves": 5, "min_data_in_leaf": 5, "num_threads": 1}


@shapes(
    Metric("valid_0's l2", rf"valid_0's l2: {N}", "validation:l2"),
    about="log_evaluation() of one set, with the library's own messages",
    step=ROUND,
    junk=JUNK,
)
def log_evaluation():
    import lightgbm

    history = {}
    calls = [lightgbm.log_evaluation(1), lightgbm.record_evaluation(history)]
    train, valid = _sets()
    lightgbm.train({**SMALL, "objective": "l2"}, train, 12, [valid], callbacks=calls)
    tell("validation:l2", *history["valid_0"]["l2"])


@shapes(
    Metric("valid_0's binary_logloss", rf"valid_0's binary_logloss: {N}", "validation:logloss"),
    Metric("training's auc", rf"training's auc: {N}", "train:auc"),
    wanted={
        "training's binary_logloss": rf"training's binary_logloss: {N}",
        "valid_0's auc": rf"valid_0's auc: {N}",
    },
    about="two sets, two measures, every second round",
    step=ROUND,
    junk=JUNK,
)
def two_sets_two_measures():
    import lightgbm

    history = {}
    train, valid = _sets(2)
    calls = [lightgbm.record_evaluation(history), lightgbm.log_evaluation(2)]
    words = {**SMALL, "objective": "binary", "metric": ["binary_logloss", "auc"], "verbosity": -1}
    lightgbm.train(words, train, 20, [train, valid], valid_names=["training", "valid_0"], callbacks=calls)
    tell("validation:logloss", *history["valid_0"]["binary_logloss"][1::2])
    tell("train:auc", *history["training"]["auc"][1::2])


@shapes(
    Metric("eval's rmse", rf"\[[0-9]+\].*eval's rmse: {N}", "validation:rmse"),
    Metric("eval's l1", rf"^\[[0-9]+\].*eval's l1: {N}", "validation:l1"),
    about="early_stopping(first_metric_only=True): the best round is told again on lines of its own",
    step=ROUND,
    junk=[*JUNK, "Training until validation scores don't improve for", "Best iteration is"],
)
def early_stopping_first_metric():
    import lightgbm

    history = {}
    train, valid = _sets()
    words = {**SMALL, "objective": "l2", "metric": ["rmse", "l1"], "learning_rate": 0.9, "verbosity": -1}
    calls = [
        lightgbm.early_stopping(4, first_metric_only=True),
        lightgbm.log_evaluation(1),
        lightgbm.record_evaluation(history),
    ]
    lightgbm.train(words, train, 40, [valid], valid_names=["eval"], callbacks=calls)
    tell("validation:rmse", *history["eval"]["rmse"], min(history["eval"]["rmse"]))


@shapes(
    Metric("valid's multi_logloss", rf"valid's multi_logloss: {N} \+", "cv:multi_logloss"),
    about="cv() with log_evaluation(show_stdv=True): mean + deviation",
    step=ROUND,
    junk=JUNK,
)
def cv():
    import lightgbm

    table = lightgbm.cv(
        {**SMALL, "objective": "multiclass", "num_class": 3, "verbosity": -1},
        _sets(3)[0],
        10,
        nfold=3,
        callbacks=[lightgbm.log_evaluation(1)],
    )
    tell("cv:multi_logloss", *table["valid multi_logloss-mean"])


@shapes(
    Metric("valid_0's multi_logloss", r"valid_0's multi_logloss: ([0-9\.]+)", "multi_logloss"),
    Metric("valid_0's multi_error", rf"valid_0's multi_error: {N}", "validation:error"),
    about="LGBMClassifier.fit(eval_set=..., callbacks=[log_evaluation()])",
    step=ROUND,
    junk=JUNK,
)
def sklearn_classifier():
    import lightgbm

    train, valid = _sets(3)
    model = lightgbm.LGBMClassifier(n_estimators=10, num_leaves=5, n_jobs=1)
    model.fit(
        train.data,
        train.label,
        eval_set=[(valid.data, valid.label)],
        eval_metric=["multi_logloss", "multi_error"],
        callbacks=[lightgbm.log_evaluation(1)],
    )
    tell("multi_logloss", *model.evals_result_["valid_0"]["multi_logloss"])
    tell("validation:error", *model.evals_result_["valid_0"]["multi_error"])


@shapes(
    Metric("training l2", rf"Iteration:(?P<step>\d+), training l2 : {N}", "train:l2"),
    Metric("valid_1 l2", rf"valid_1 l2 : {N}", "validation:l2"),
    source="numbers of {lightgbm} really run, in the form of its command line program",
    about="[Info] Iteration:1, training l2 : 0.9",
    step=r"Iteration:(\d+),",
    junk=["Finished loading parameters", "seconds elapsed, finished iteration"],
)
def command_line():
    import lightgbm

    history = {}
    train, valid = _sets()
    words = {**SMALL, "objective": "l2", "verbosity": -1}
    lightgbm.train(
        words,
        train,
        10,
        [train, valid],
        valid_names=["train", "valid"],
        callbacks=[lightgbm.record_evaluation(history)],
    )
    print("[LightGBM] [Info] Finished loading parameters")
    print("[LightGBM] [Info] Finished loading data in 0.012345 seconds")
    print("[LightGBM] [Info] Started training...")
    for at, (learn, held) in enumerate(zip(history["train"]["l2"], history["valid"]["l2"], strict=True), 1):
        tell("train:l2", learn)
        tell("validation:l2", held)
        print(f"[LightGBM] [Info] Iteration:{at}, training l2 : {learn:g}")
        print(f"[LightGBM] [Info] Iteration:{at}, valid_1 l2 : {held:g}")
        print(f"[LightGBM] [Info] {at * 0.001234:f} seconds elapsed, finished iteration {at}")


@shapes(
    Metric("valid_0's rmse_log", rf"valid_0's rmse_log: {N}", "validation:rmse_log"),
    about="a measure of the user's (feval), negative values, through logging with register_logger",
    step=r"\[(\d+)\]\t",
    junk=JUNK,
)
def register_logger():
    import logging

    import lightgbm
    import numpy as np

    def measure(guess, data):
        return "rmse_log", float(np.log(np.sqrt(np.mean((guess - data.get_label()) ** 2)))), False

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    lightgbm.register_logger(logging.getLogger("boost"))
    history = {}
    train, valid = _sets()
    lightgbm.train(
        {**SMALL, "objective": "l2", "metric": "None"},
        train,
        10,
        [valid],
        feval=measure,
        callbacks=[lightgbm.log_evaluation(1), lightgbm.record_evaluation(history)],
    )
    tell("validation:rmse_log", *history["valid_0"]["rmse_log"])


@shapes(
    about="verbosity=2 without any evaluation: warnings and counters only",
    junk=[*JUNK, "num_iterations", "bagging_fraction", "Auto-choosing", "Trained a tree with leaves", "depth"],
)
def no_evaluation():
    import lightgbm

    words = {**SMALL, "objective": "binary", "verbosity": 2, "bagging_fraction": 0.8, "num_iterations": 8}
    lightgbm.train(words, _sets(2)[0])
