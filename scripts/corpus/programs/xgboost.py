# ruff: noqa: D103 - each program says in its decorator what it prints
"""XGBoost through its train API, its scikit-learn API, callbacks and cross validation."""

from shape import Catalogue, Metric, tell

N = r"([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)"
ROUND = r"^\[(\d+)\]\t"
shapes = Catalogue("really run, {xgboost}")


def _matrices(classes=2, count=240):
    import numpy as np
    import xgboost

    chance = np.random.default_rng(0)
    data = chance.normal(size=(count, 6))
    target = data[:, 0] + 0.5 * data[:, 1] + chance.normal(size=count) * 0.3
    if classes:
        target = np.digitize(target, np.quantile(target, np.linspace(0, 1, classes + 1)[1:-1]))
    half = count // 2
    return xgboost.DMatrix(data[:half], target[:half]), xgboost.DMatrix(data[half:], target[half:])


def _sagemaker(channel, measure):
    """SageMaker's own definition, as its XGBoost images carry it."""
    return Metric(
        f"{channel}-{measure}",
        rf".*\[[0-9]+\].*#011{channel}-{measure}:([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?).*",
        f"{channel}:{measure}",
    )


def _tell(history, names):
    for name, (channel, measure) in names.items():
        tell(name, *history[channel][measure])


@shapes(
    _sagemaker("train", "rmse"),
    _sagemaker("validation", "rmse"),
    about="train() with two evaluation sets",
    step=ROUND,
)
def train_rmse():
    import xgboost

    train, valid = _matrices(0)
    history = {}
    sets = [(train, "train"), (valid, "validation")]
    xgboost.train({"max_depth": 3, "seed": 1}, train, 15, evals=sets, evals_result=history)
    _tell(history, {"train:rmse": ("train", "rmse"), "validation:rmse": ("validation", "rmse")})


@shapes(
    *(
        _sagemaker(channel, measure)
        for measure in ("logloss", "auc", "error")
        for channel in ("train", "validation")
    ),
    wanted={"train-aucpr": rf"train-aucpr:{N}", "validation-aucpr": rf"validation-aucpr:{N}"},
    about="four measures of two sets, as SageMaker writes the tabs into its log",
    step=r"^\[(\d+)\]\t",
    encode=lambda log: log.replace(b"\t", b"#011"),
)
def train_many_measures_escaped():
    import xgboost

    train, valid = _matrices()
    history = {}
    words = {"objective": "binary:logistic", "eval_metric": ["logloss", "auc", "error", "aucpr"], "max_depth": 2}
    xgboost.train(words, train, 12, evals=[(train, "train"), (valid, "validation")], evals_result=history)
    for channel in history:
        for measure in ("logloss", "auc", "error"):
            tell(f"{channel}:{measure}", *history[channel][measure])


@shapes(
    Metric("eval-logloss", rf"eval-logloss:{N}", "validation:logloss"),
    about="train(verbose_eval=5, early_stopping_rounds=3)",
    step=ROUND,
)
def every_fifth_round():
    import xgboost

    train, valid = _matrices()
    words = {"objective": "binary:logistic", "max_depth": 5, "eta": 1.0}
    xgboost.train(words, train, 60, evals=[(valid, "eval")], verbose_eval=5, early_stopping_rounds=12)


@shapes(
    Metric(
        "validation_0-logloss",
        rf"\[(?P<step>[0-9]+)\].*validation_0-logloss:(?P<value>{N[1:-1]})",
        "train:logloss",
    ),
    Metric("validation_1-logloss", rf"validation_1-logloss:{N}", "validation:logloss"),
    about="XGBClassifier.fit(eval_set=[...], verbose=True)",
    step=ROUND,
)
def sklearn_classifier():
    import xgboost

    train, valid = _matrices()
    model = xgboost.XGBClassifier(n_estimators=12, max_depth=2)
    sets = [(matrix.get_data().toarray(), matrix.get_label()) for matrix in (train, valid)]
    model.fit(*sets[0], eval_set=sets, verbose=True)
    history = model.evals_result()
    _tell(
        history,
        {
            "train:logloss": ("validation_0", "logloss"),
            "validation:logloss": ("validation_1", "logloss"),
        },
    )


@shapes(
    Metric("validation_0-mae", rf"validation_0-mae:{N}", "validation:mae"),
    Metric("validation_0-rmse", rf"validation_0-rmse:{N}", "validation:rmse"),
    about="XGBRegressor with early stopping and two measures",
    step=ROUND,
)
def sklearn_regressor():
    import xgboost

    train, valid = _matrices(0)
    model = xgboost.XGBRegressor(n_estimators=40, learning_rate=0.5, eval_metric=["rmse", "mae"])
    model.set_params(early_stopping_rounds=4)
    model.fit(
        train.get_data().toarray(),
        train.get_label(),
        eval_set=[(valid.get_data().toarray(), valid.get_label())],
    )
    history = model.evals_result()["validation_0"]
    tell("validation:mae", *history["mae"])
    tell("validation:rmse", *history["rmse"])
    print(f"best_iteration={model.best_iteration}")


@shapes(
    Metric("train-mlogloss", rf"train-mlogloss:{N}\+", "cv:train-mlogloss"),
    Metric("test-mlogloss", rf"test-mlogloss:{N}\+", "cv:test-mlogloss"),
    about="cv(verbose_eval=True): mean+deviation",
    step=ROUND,
)
def cv_mean_and_deviation():
    import xgboost

    train, _ = _matrices(3)
    words = {"objective": "multi:softprob", "num_class": 3, "max_depth": 2}
    table = xgboost.cv(words, train, 10, nfold=3, verbose_eval=True, seed=0)
    tell("cv:train-mlogloss", *table["train-mlogloss-mean"])
    tell("cv:test-mlogloss", *table["test-mlogloss-mean"])


@shapes(
    Metric("test-rmse-mean", r"^\d+ +[-0-9.]+ +[-0-9.]+ +([-0-9.]+)", "cv:test-rmse", column=True),
    about="cv(), the DataFrame printed",
    junk=["0", "1"],
    either=["train-rmse-mean", "train-rmse-std", "test-rmse-std"],
)
def cv_table():
    import xgboost

    table = xgboost.cv({"max_depth": 2}, _matrices(0)[0], 8, nfold=3)
    print(table)
    tell("cv:test-rmse", *table["test-rmse-mean"])


@shapes(
    Metric("valid-custom_error", rf"\tvalid-custom_error:{N}", "validation:custom_error"),
    Metric("valid-logloss", rf"\tvalid-logloss:{N}", "validation:logloss"),
    about="custom_metric of the user, verbosity=2",
    step=ROUND,
)
def custom_measure():
    import numpy as np
    import xgboost

    def custom_error(guess, matrix):
        return "custom_error", float(np.mean((guess > 0.5) != matrix.get_label()))

    train, valid = _matrices()
    history = {}
    words = {"objective": "binary:logistic", "verbosity": 2, "max_depth": 2}
    xgboost.train(words, train, 8, evals=[(valid, "valid")], custom_metric=custom_error, evals_result=history)
    tell("validation:custom_error", *history["valid"]["custom_error"])
    tell("validation:logloss", *history["valid"]["logloss"])


@shapes(
    Metric("valid rmse", rf"valid rmse: {N}", "validation:rmse"),
    Metric("train rmse", rf"train rmse: {N}", "train:rmse"),
    about="a TrainingCallback that prints its own lines",
    step=r"^round (\d+)",
    junk=["round", "trees"],
)
def callback():
    import xgboost

    class Report(xgboost.callback.TrainingCallback):
        def after_iteration(self, model, epoch, evals_log):
            train, valid = evals_log["train"]["rmse"][-1], evals_log["valid"]["rmse"][-1]
            tell("train:rmse", train)
            tell("validation:rmse", valid)
            print(f"round {epoch + 1:>3} | trees: {epoch + 1} | train rmse: {train:.4f} | valid rmse: {valid:.4f}")
            return False

    train, valid = _matrices(0)
    sets = [(train, "train"), (valid, "valid")]
    xgboost.train({}, train, 9, evals=sets, verbose_eval=False, callbacks=[Report()])


@shapes(
    Metric("validation-ndcg@5", rf"validation-ndcg@5:{N}", "validation:ndcg"),
    wanted={"validation-map": rf"validation-map:{N}"},
    about="ranking: ndcg@5 and map",
    step=ROUND,
)
def ranking():
    import numpy as np
    import xgboost

    chance = np.random.default_rng(0)
    data, target = chance.normal(size=(120, 4)), chance.integers(0, 2, 120)
    matrix = xgboost.DMatrix(data, target)
    matrix.set_group([12] * 10)
    history = {}
    words = {"objective": "rank:ndcg", "eval_metric": ["ndcg@5", "map"], "eta": 0.3, "max_depth": 2}
    xgboost.train(words, matrix, 10, evals=[(matrix, "validation")], evals_result=history)
    tell("validation:ndcg", *history["validation"]["ndcg@5"])


@shapes(
    Metric("train-rmse", rf"train-rmse:(nan|inf|{N[1:-1]})", "train:rmse"),
    about="a measure of the user's that becomes inf, nan, huge and tiny",
    step=ROUND,
)
def infinite():
    import numpy as np
    import xgboost

    given = iter([1.5, float("inf"), float("nan"), 1e20, 1e-20, -1.0])

    def measure(guess, matrix):
        value = next(given)
        tell("train:rmse", value)
        return "rmse", value

    chance = np.random.default_rng(0)
    train = xgboost.DMatrix(chance.normal(size=(50, 2)), chance.normal(size=50))
    words = {"disable_default_eval_metric": 1}
    xgboost.train(words, train, 6, evals=[(train, "train")], custom_metric=measure)


@shapes(
    _sagemaker("train", "error"),
    Metric("validation-error", rf".*\[[0-9]+\].*#011validation-error:{N}", "validation:error"),
    source="the log of SageMaker's XGBoost image, its frame written by hand around lines of {xgboost} really run",
    about="container start, INFO lines, rounds with stamps before them",
    step=r"\[(\d+)\]\t",
    junk=["Determined", "Train matrix has", "learner.cc"],
)
def sagemaker_container():
    import xgboost

    class Lines(xgboost.callback.TrainingCallback):
        def after_iteration(self, model, epoch, evals_log):
            train, valid = evals_log["train"]["error"][-1], evals_log["validation"]["error"][-1]
            tell("train:error", train)
            tell("validation:error", valid)
            print(f"[{epoch}]#011train-error:{train:.5f}#011validation-error:{valid:.5f}")
            return False

    print(
        "[2025-11-20 10:00:00.123 ip-10-0-72-110.ec2.internal:7 INFO utils.py:28] RULE_JOB_STOP_SIGNAL_FILENAME: None"
    )
    print("[2025-11-20:10:00:00:INFO] Imported framework sagemaker_xgboost_container.training")
    print("[2025-11-20:10:00:00:INFO] Failed to parse hyperparameter objective value binary:logistic to Json.")
    print("[2025-11-20:10:00:00:INFO] No GPUs detected (normal if no gpus installed)")
    print("[2025-11-20:10:00:00:INFO] Determined 0 GPU(s) available on the instance.")
    print("[2025-11-20:10:00:00:INFO] Single node training.")
    print("[2025-11-20:10:00:00:INFO] Train matrix has 120 rows and 6 columns")
    print('[10:00:01] WARNING: ../src/learner.cc:767: Parameters: { "num_round" } are not used.')
    train, valid = _matrices()
    sets = [(train, "train"), (valid, "validation")]
    words = {"objective": "binary:logistic", "eval_metric": "error", "max_depth": 2}
    xgboost.train(words, train, 12, evals=sets, verbose_eval=False, callbacks=[Lines()])
