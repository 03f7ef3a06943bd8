# ruff: noqa: D103 - each program says in its decorator what it prints
"""scikit-learn's own progress reports."""

import warnings

from shape import Catalogue, Metric, tell

N = r"([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)"
shapes = Catalogue("really run, {scikit-learn}")


def _data(samples=200, classes=2, seed=0):
    from sklearn.datasets import make_classification

    warnings.simplefilter("ignore")
    return make_classification(samples, 8, n_informative=5, n_classes=classes, random_state=seed)


def _regression(samples=200):
    from sklearn.datasets import make_regression

    warnings.simplefilter("ignore")
    return make_regression(samples, 6, noise=40.0, random_state=0)


@shapes(
    Metric("loss", rf"loss = {N}", "train:loss"),
    about="MLPClassifier(verbose=True)",
    step=r"^Iteration (\d+), loss",
)
def mlp():
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier((8,), max_iter=15, random_state=0, verbose=True).fit(*_data())
    tell("train:loss", *model.loss_curve_)


@shapes(
    Metric("loss", rf"loss = {N}", "train:loss"),
    Metric("Validation score", rf"Validation score: {N}", "validation:accuracy"),
    about="MLPClassifier(verbose=True, early_stopping=True)",
    step=r"^Iteration (\d+), loss",
)
def mlp_early_stopping():
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier((8,), max_iter=60, random_state=0, verbose=True, early_stopping=True, tol=1e-2)
    model.set_params(n_iter_no_change=5).fit(*_data())
    tell("train:loss", *model.loss_curve_)
    tell("validation:accuracy", *model.validation_scores_)


@shapes(
    Metric("Avg. loss", rf"Avg\. loss: {N}", "train:loss"),
    wanted={"Norm": rf"^Norm: {N}", "Objective": rf"Objective: {N}"},
    about="SGDClassifier(verbose=1)",
    step=r"^-- Epoch (\d+)$",
    junk=["T", "NNZs", "Total training time", "Convergence after"],
    either=["Bias"],
)
def sgd_classifier():
    from sklearn.linear_model import SGDClassifier

    SGDClassifier(loss="log_loss", max_iter=12, random_state=0, verbose=1).fit(*_data())


@shapes(
    Metric("Norm", rf"Norm: {N}, NNZs", "weights:norm"),
    Metric("Avg. loss", rf"Avg\. loss: {N}", "train:loss"),
    Metric("Objective", rf"Objective: {N}", "train:objective"),
    about="SGDRegressor(verbose=1)",
    step=r"^-- Epoch (\d+)$",
    junk=["T", "NNZs", "Total training time"],
    either=["Bias"],
)
def sgd_regressor():
    from sklearn.linear_model import SGDRegressor

    SGDRegressor(max_iter=15, random_state=0, verbose=1).fit(*_regression())


@shapes(
    Metric("Train Loss", rf"^\s+(?P<step>\d+)\s+{N}\s", "train:loss", column=True),
    about="GradientBoostingClassifier(verbose=1): a table under its headings",
    step=r"^\s+(\d+)\s+[0-9.]+\s",
    junk=["Iter", "Remaining Time"],
)
def gbm_table():
    from sklearn.ensemble import GradientBoostingClassifier

    model = GradientBoostingClassifier(n_estimators=20, verbose=1, random_state=0).fit(*_data())
    tell("train:loss", *model.train_score_)


@shapes(
    Metric("Train Loss", rf"^\s+(?P<step>\d+)\s+{N}\s+[-0-9.]+\s", "train:loss", column=True),
    Metric("OOB Improve", rf"^\s+(?P<step>\d+)\s+[0-9.]+\s+{N}\s", "oob:improvement", column=True),
    about="GradientBoostingRegressor(verbose=2, subsample=0.5): a table with two metrics",
    step=r"^\s+(\d+)\s+[0-9.]+\s",
    junk=["Iter", "Remaining Time"],
)
def gbm_table_subsample():
    from sklearn.ensemble import GradientBoostingRegressor

    model = GradientBoostingRegressor(n_estimators=16, subsample=0.5, verbose=2, random_state=0).fit(
        *_regression()
    )
    tell("oob:improvement", *model.oob_improvement_)


@shapes(
    Metric("val loss", rf"val loss: {N}", "validation:loss"),
    wanted={"train loss": rf"train loss: {N}"},
    about="HistGradientBoostingClassifier(verbose=2, early_stopping=True)",
    junk=["tree", "leaves", "max depth", "total", "Fit", "iterations", "Binning", "Time"],
)
def hist_gbm():
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        max_iter=12, verbose=2, early_stopping=True, scoring="loss", random_state=0
    )
    model.fit(*_data(400))
    tell("validation:loss", *(-model.validation_score_[1:]))


@shapes(
    Metric("val score", rf"^\[(?P<step>\d+)/.*val score: {N}", "validation:accuracy", step=r"^\[(\d+)/"),
    Metric("train score", rf"train score: {N}", "train:accuracy"),
    about="HistGradientBoostingClassifier(verbose=1, scoring='accuracy')",
    junk=["tree", "leaves", "max depth", "Fit"],
)
def hist_gbm_accuracy():
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        max_iter=10, verbose=2, early_stopping=True, scoring="accuracy", random_state=0
    )
    model.fit(*_data(400))
    tell("validation:accuracy", *model.validation_score_[1:])
    tell("train:accuracy", *model.train_score_[1:])


@shapes(
    Metric("inertia", rf"inertia {N}", "train:inertia"),
    about="KMeans(verbose=1): runs from several starts",
    step=r"^Iteration (\d+),",
    junk=["Converged at iteration", "center shift"],
)
def kmeans():
    from sklearn.cluster import KMeans

    KMeans(3, n_init=2, max_iter=12, verbose=1, random_state=0).fit(_data(150)[0])


@shapes(
    Metric("mean batch inertia", rf"mean batch inertia: {N}", "batch:inertia"),
    Metric("ewa inertia", rf"ewa inertia: {N}", "ewa:inertia"),
    about="MiniBatchKMeans(verbose=1)",
    step=r"^Minibatch step (\d+)/",
    junk=["Init", "with method"],
    either=["Inertia for init"],
)
def minibatch_kmeans():
    from sklearn.cluster import MiniBatchKMeans

    MiniBatchKMeans(3, batch_size=64, max_iter=3, n_init=2, verbose=1, random_state=0).fit(_data(300)[0])


@shapes(
    Metric("score", rf"score=\(?(?:train=[-0-9.]+, test=)?{N}", "cv:score"),
    about="GridSearchCV(verbose=3)",
    junk=["total time", "C", "gamma", "candidates", "fits", "Fitting", "folds", "END C", "CV"],
)
def grid_search():
    from sklearn.model_selection import GridSearchCV
    from sklearn.svm import SVC

    search = GridSearchCV(SVC(), {"C": [0.1, 1, 10], "gamma": [0.01, 0.1]}, cv=3, verbose=3).fit(*_data())
    results = search.cv_results_
    tell("cv:score", *(results[f"split{fold}_test_score"][at] for at in range(6) for fold in range(3)))


@shapes(
    Metric("test", rf"test={N}\)", "cv:test-score"),
    wanted={"train": rf"train={N},"},
    about="GridSearchCV(verbose=3, return_train_score=True)",
    junk=["total time", "alpha", "candidates", "fits"],
)
def grid_search_train_score():
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import GridSearchCV

    search = GridSearchCV(Ridge(), {"alpha": [0.1, 1, 10]}, cv=4, verbose=3, return_train_score=True)
    results = search.fit(*_regression()).cv_results_
    tell("cv:test-score", *(results[f"split{fold}_test_score"][at] for at in range(3) for fold in range(4)))


@shapes(
    Metric("r2", rf" r2: \(test={N}\)", "cv:r2"),
    Metric("neg_mean_squared_error", rf"neg_mean_squared_error: \(test={N}\)", "cv:neg-mse"),
    about="cross_validate(verbose=3) with two scorers",
    junk=["total time"],
)
def cross_validate_scorers():
    from sklearn.linear_model import Lasso
    from sklearn.model_selection import cross_validate

    scores = cross_validate(Lasso(), *_regression(), cv=5, verbose=3, scoring=["r2", "neg_mean_squared_error"])
    tell("cv:r2", *scores["test_r2"])
    tell("cv:neg-mse", *scores["test_neg_mean_squared_error"])


@shapes(
    about="RandomForestClassifier(verbose=2): trees and joblib's timings, no metric at all",
    junk=["building tree", "tree", "elapsed", "Done", "remaining"],
)
def forest_no_metrics():
    from sklearn.ensemble import RandomForestClassifier

    RandomForestClassifier(12, verbose=2, random_state=0).fit(*_data())


@shapes(
    Metric("ll change", rf"ll change ({N[1:-1]}|inf)", "train:ll-change"),
    about="GaussianMixture(verbose=2, verbose_interval=1)",
    step=r"Iteration (\d+)",
    junk=["Initialization", "time lapse"],
)
def gaussian_mixture():
    from sklearn.mixture import GaussianMixture

    GaussianMixture(3, verbose=2, verbose_interval=1, random_state=0).fit(_data(300)[0])


@shapes(
    Metric("perplexity", rf"perplexity: {N}", "train:perplexity"),
    about="LatentDirichletAllocation(verbose=1, evaluate_every=1)",
    step=r"^iteration: (\d+) of",
    junk=["max_iter"],
)
def lda():
    import numpy as np
    from sklearn.decomposition import LatentDirichletAllocation

    counts = np.random.default_rng(0).poisson(1.0, (60, 30))
    LatentDirichletAllocation(4, max_iter=8, evaluate_every=1, verbose=1, random_state=0).fit(counts)


@shapes(
    Metric("pseudo-likelihood", rf"pseudo-likelihood = {N}", "train:pseudo-likelihood"),
    about="BernoulliRBM(verbose=1)",
    step=r"Iteration (\d+),",
    junk=["time"],
)
def rbm():
    import numpy as np
    from sklearn.neural_network import BernoulliRBM

    data = (np.random.default_rng(0).random((100, 12)) > 0.5).astype(float)
    BernoulliRBM(6, n_iter=8, verbose=1, random_state=0).fit(data)


@shapes(
    Metric("error", rf"error = {N}", "train:kl"),
    Metric("gradient norm", rf"gradient norm = {N}", "train:gradient-norm"),
    wanted={"KL divergence": rf"KL divergence.*: {N}"},
    about="TSNE(verbose=2)",
    step=r"Iteration (\d+): error",
    junk=["Mean sigma", "computed neighbors", "Indexed", "samples", "nearest neighbors"],
)
def tsne():
    from sklearn.manifold import TSNE

    TSNE(verbose=2, max_iter=400, perplexity=10, random_state=0).fit_transform(_data(60)[0])


@shapes(
    Metric("Best CV score", rf"Best CV score: {N}", "cv:best"),
    wanted={"mean": rf"mean={N}"},
    source="scikit-learn {scikit-learn} really run inside a search people write by hand",
    about="random search",
    junk=["Generation", "C"],
    either=["std"],
)
def random_search_by_hand():
    import numpy as np
    from sklearn.model_selection import cross_val_score
    from sklearn.svm import SVC

    data, best, chance = _data(), 0.0, np.random.default_rng(1)
    for generation in range(1, 9):
        strength = 10 ** chance.uniform(-2, 2)
        scores = cross_val_score(SVC(C=strength), *data, cv=3)
        best = max(best, scores.mean())
        tell("cv:best", best)
        print(f"Generation {generation}: C={strength:.4g} mean={scores.mean():.4f} std={scores.std():.4f}")
        print(f"Best CV score: {best:.4f}")


@shapes(
    Metric("Accuracy", rf"^Accuracy: {N}", "test:accuracy"),
    Metric("accuracy", rf"^\s+accuracy\s+{N}\s", "report:accuracy", column=True),
    wanted={"ROC AUC": rf"ROC AUC: {N}", "F1": rf"^F1: {N}"},
    about="classification_report and confusion_matrix, printed",
    junk=["support", "0", "1", "2"],
    either=["f1-score", "macro avg", "weighted avg", "precision", "recall"],
)
def classification_report():
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import accuracy_score, classification_report, confusion_matrix, f1_score, roc_auc_score
    from sklearn.model_selection import train_test_split

    train, test, train_y, test_y = train_test_split(*_data(300, classes=3), random_state=0)
    model = LogisticRegression(max_iter=500).fit(train, train_y)
    guess = model.predict(test)
    tell("test:accuracy", accuracy_score(test_y, guess))
    tell("report:accuracy", accuracy_score(test_y, guess))
    print("Accuracy:", accuracy_score(test_y, guess))
    print("F1:", f1_score(test_y, guess, average="macro"))
    print("ROC AUC:", roc_auc_score(test_y, model.predict_proba(test), multi_class="ovr"))
    print(confusion_matrix(test_y, guess))
    print(classification_report(test_y, guess))


@shapes(
    Metric("rmse", rf"'rmse': (?:np\.float64\()?{N}", "test:rmse"),
    Metric("r2", rf"'r2': (?:np\.float64\()?{N}", "test:r2"),
    wanted={"mae": rf"'mae': (?:np\.float64\()?{N}"},
    about="a dictionary of NumPy 2 scalars, printed: np.float64(...)",
    junk=["fold"],
)
def numpy_scalars():
    import numpy as np
    from sklearn.linear_model import Ridge
    from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score
    from sklearn.model_selection import KFold

    data, target = _regression()
    for fold, (train, test) in enumerate(KFold(5).split(data)):
        guess = Ridge().fit(data[train], target[train]).predict(data[test])
        rmse, r2 = np.sqrt(mean_squared_error(target[test], guess)), r2_score(target[test], guess)
        mae = np.float64(mean_absolute_error(target[test], guess))
        tell("test:rmse", rmse)
        tell("test:r2", r2)
        print(f"fold {fold}", {"rmse": rmse, "r2": np.float64(r2), "mae": mae})


@shapes(
    Metric("obj", rf"^obj = {N}, rho", "svm:objective"),
    Metric("rho", rf"rho = {N}$", "svm:rho"),
    about="SVC(verbose=True): libsvm's own lines, dots and stars",
    junk=["#iter", "nSV", "nBSV", "Total nSV"],
    either=["nu"],
)
def libsvm():
    from sklearn.svm import SVC

    SVC(verbose=True, C=0.5).fit(*_data(classes=3, samples=300))


@shapes(
    Metric("change", rf", change: {N}", "train:change"),
    about="LogisticRegression(solver='saga', verbose=1), LinearSVC(verbose=1): changes and messages of convergence",
    step=r"^Epoch (\d+),",
    junk=["epochs", "took", "iter", "convergence after"],
    either=["Objective value", "nSV"],
)
def linear_solvers():
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC

    LogisticRegression(solver="saga", verbose=1, max_iter=50).fit(*_data())
    LinearSVC(verbose=1, random_state=0).fit(*_data())


@shapes(
    Metric("violation", rf"violation: {N}", "train:violation"),
    about="NMF(verbose=1): 'violation: 0.5' for each iteration",
)
def nmf():
    import numpy as np
    from sklearn.decomposition import NMF

    NMF(3, verbose=1, max_iter=12, tol=1e-6, random_state=0).fit(np.random.default_rng(0).random((30, 10)))


@shapes(
    Metric("Change", rf"\[IterativeImputer\] Change: {N}", "train:change"),
    about="IterativeImputer(verbose=2): changes, scaled tolerance, times",
    junk=["Completing matrix with shape", "scaled tolerance", "elapsed time"],
)
def imputer():
    import numpy as np
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401
    from sklearn.impute import IterativeImputer

    data = _data()[0]
    data[np.random.default_rng(0).random(data.shape) < 0.1] = np.nan
    IterativeImputer(max_iter=6, tol=1e-9, verbose=2, random_state=0).fit(data)


@shapes(
    Metric("test", rf"test={N}\)", "halving:score"),
    wanted={"train": rf"train={N},"},
    about="HalvingGridSearchCV(verbose=3): blocks of counters before each round of fits",
    junk=[
        "n_iterations",
        "n_required_iterations",
        "n_possible_iterations",
        "n_candidates",
        "n_resources",
        "factor",
        "iter",
        "total time",
    ],
    either=["max_depth"],
)
def halving_search():
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.model_selection import HalvingGridSearchCV
    from sklearn.tree import DecisionTreeClassifier

    HalvingGridSearchCV(DecisionTreeClassifier(), {"max_depth": [2, 4, 6]}, cv=2, verbose=3, random_state=0).fit(
        *_data()
    )
