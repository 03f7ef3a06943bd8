# ruff: noqa: D103 - each program says in its decorator what it prints
"""CatBoost: its columns behind tabs, several sets, remaining time."""

from shape import Catalogue, Metric, tell

N = r"([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)"
ROUND = r"^(\d+):\t"
JUNK = ["total", "remaining", "bestIteration", "Learning rate set to", "Shrink model to first", "iterations"]
shapes = Catalogue("really run, {catboost}")


def _data(classes=0, count=200, seed=0):
    import numpy as np

    chance = np.random.default_rng(seed)
    data = chance.normal(size=(count, 5))
    target = 10 * data[:, 0] + 3 * data[:, 1] ** 2 + chance.normal(size=count)
    if classes:
        target = np.digitize(target, np.quantile(target, np.linspace(0, 1, classes + 1)[1:-1]))
    return data, target


@shapes(
    Metric("learn", rf"learn: {N}", "train:RMSE"),
    about="fit(verbose=True) without a set to validate on",
    step=ROUND,
    junk=JUNK,
)
def learn_only():
    from catboost import CatBoostRegressor

    model = CatBoostRegressor(iterations=15, depth=3, thread_count=1, allow_writing_files=False).fit(*_data())
    tell("train:RMSE", *model.evals_result_["learn"]["RMSE"])


@shapes(
    Metric("learn", rf"learn: {N}", "train:Logloss"),
    Metric("test", rf"test: {N}", "validation:Logloss"),
    Metric("bestTest", r"bestTest = ([0-9\.]+)", "Logloss", step=""),
    about="fit(eval_set=...): the best so far stands beside each value",
    step=ROUND,
    junk=JUNK,
    either=["best"],
)
def learn_and_test():
    from catboost import CatBoostClassifier

    model = CatBoostClassifier(iterations=14, depth=3, thread_count=1, allow_writing_files=False)
    model.fit(*_data(2), eval_set=_data(2, seed=1))
    tell("train:Logloss", *model.evals_result_["learn"]["Logloss"])
    tell("validation:Logloss", *model.evals_result_["validation"]["Logloss"])
    tell("Logloss", model.best_score_["validation"]["Logloss"])


@shapes(
    Metric("test", rf"\ttest: {N}", "validation:RMSE"),
    Metric("bestTest", rf"bestTest = {N}", "best", step=""),
    about="metric_period=5 and early stopping by iterations",
    step=ROUND,
    wanted={"learn": rf"learn: {N}"},
    junk=[*JUNK, "Stopped by overfitting detector"],
    either=["best"],
)
def metric_period():
    from catboost import CatBoostRegressor

    model = CatBoostRegressor(
        iterations=60, depth=3, metric_period=5, thread_count=1, allow_writing_files=False, learning_rate=1
    )
    model.fit(*_data(), eval_set=_data(seed=1), early_stopping_rounds=20)


@shapes(
    Metric("test", rf"test: {N}", "first:RMSE"),
    Metric("test1", rf"test1: {N}", "second:RMSE"),
    wanted={"bestTest": rf"bestTest = {N}", "learn": rf"learn: {N}"},
    about="several evaluation sets: test and test1",
    step=ROUND,
    junk=JUNK,
    either=["best"],
)
def several_sets():
    from catboost import CatBoostRegressor, Pool

    model = CatBoostRegressor(iterations=12, depth=2, thread_count=1, allow_writing_files=False, verbose=1)
    model.fit(Pool(*_data()), eval_set=[Pool(*_data(seed=1)), Pool(*_data(seed=2))])
    tell("first:RMSE", *model.evals_result_["validation_0"]["RMSE"])
    tell("second:RMSE", *model.evals_result_["validation_1"]["RMSE"])


@shapes(
    Metric("learn", rf"learn: {N}", "train:MultiClass"),
    about="custom_metric beside the loss, silent but every fourth, multi-class",
    step=ROUND,
    wanted={"bestTest": rf"bestTest = {N}", "test": rf"test: {N}"},
    junk=JUNK,
    either=["best"],
)
def multi_class():
    from catboost import CatBoostClassifier

    model = CatBoostClassifier(
        iterations=24,
        depth=2,
        thread_count=1,
        loss_function="MultiClass",
        custom_metric=["Accuracy"],
        allow_writing_files=False,
        verbose=4,
    )
    model.fit(*_data(3), eval_set=_data(3, seed=1))


@shapes(
    Metric("best", rf"best: {N} \(\d+\)", "best:RMSE"),
    about="cv(verbose=True): folds trained side by side",
    step=ROUND,
    wanted={"bestTest": rf"bestTest = {N}", "learn": rf"learn: {N}", "test": rf"test: {N}"},
    junk=[*JUNK, "Training on fold"],
)
def cv():
    from catboost import Pool, cv

    words = {"loss_function": "RMSE", "iterations": 6, "depth": 2, "thread_count": 1}
    cv(Pool(*_data()), words, fold_count=3, verbose=True)


@shapes(
    Metric("loss", rf"loss: {N}", "grid:loss"),
    Metric("best", rf"best: {N} \(\d+\)", "grid:best"),
    about="grid_search(verbose=True): bestTest per candidate, then loss and best",
    junk=JUNK,
    either=["bestTest", "learn", "test"],
)
def grid_search():
    from catboost import CatBoostRegressor

    model = CatBoostRegressor(iterations=10, thread_count=1, allow_writing_files=False, verbose=0)
    model.grid_search({"depth": [2, 3], "learning_rate": [0.1, 0.5]}, *_data(), cv=2, verbose=True)
