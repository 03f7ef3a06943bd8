"""Boost with XGBoost in one of several ways; prints what XGBoost itself says of it."""

import copy
import hashlib
import json
import logging
import pickle
import sys

import numpy as np
import xgboost as xgb

from epochwatch.debugger.hooks import watch
from epochwatch.debugger.hooks.boosting import COLLECTIONS
from epochwatch.debugger.hooks.config import CollectionConfig, HookConfig
from epochwatch.debugger.hooks.xgboost import XGBoostHook

ROUNDS = 21
directory, way = sys.argv[1], sys.argv[2]
logging.basicConfig(level=logging.WARNING)
of = np.random.default_rng(0)
features = of.normal(size=(200, 4)).astype(np.float32)
labels = np.floor(np.abs(features[:, 0] * 3 + features[:, 1])) % 3
targets = {"trees": labels, "outputs": features[:, :2] * 2}.get(way, features[:, 0] + np.sin(features[:, 1]))
train = xgb.DMatrix(features[:150], targets[:150])
validation = xgb.DMatrix(features[150:], targets[150:])
everything = HookConfig(directory, tuple(CollectionConfig(one.name) for one in COLLECTIONS))
regression = {"max_depth": 3, "eta": 0.3, "seed": 1}


def boost(parameters, hooks, rounds=ROUNDS):
    found = {}
    model = xgb.train(
        parameters,
        train,
        rounds,
        evals=[(train, "train"), (validation, "validation")],
        callbacks=hooks,
        evals_result=found,
        verbose_eval=False,
    )
    return model, found


def digest(model):
    return hashlib.sha256(model.save_raw("ubj")).hexdigest()


truth = {}
if way == "default":
    model, truth["metrics"] = boost({**regression, "eval_metric": ["rmse", "mae"]}, [XGBoostHook(directory)])
    truth["with"], truth["without"] = (
        digest(model),
        digest(boost({**regression, "eval_metric": ["rmse", "mae"]}, [])[0]),
    )
elif way == "everything":
    parameters = {**regression, "objective": "reg:squarederror"}
    hook = XGBoostHook(config=everything, hyperparameters=parameters, train_data=train, validation_data=validation)
    model, _ = boost(parameters, [hook])
    truth["margins"] = model.predict(train, output_margin=True).tolist()
    truth["predictions"] = model.predict(validation).tolist()
    truth["total_gain"] = model.get_score(importance_type="total_gain")
elif way == "trees":
    parameters = {"objective": "multi:softprob", "num_class": 3, "max_depth": 2}
    model, _ = boost(parameters, [XGBoostHook(config=everything, train_data=train)])
    truth["trees"] = [json.loads(tree) for tree in model.get_dump(with_stats=True, dump_format="json")]
elif way == "linear":
    boost({"booster": "gblinear"}, [XGBoostHook(directory)])
elif way == "outputs":
    boost({"multi_strategy": "multi_output_tree", "tree_method": "hist"}, [XGBoostHook(directory)])
elif way == "folds":
    found = xgb.cv(regression, train, 5, nfold=3, callbacks=[XGBoostHook(directory)], as_pandas=False)
    truth["mean"], truth["deviation"] = list(found["test-rmse-mean"]), list(found["test-rmse-std"])
elif way == "estimator":
    model = xgb.XGBRegressor(n_estimators=ROUNDS, max_depth=3)
    watch(model, out_dir=directory)
    fitted = copy.deepcopy(model).fit(features, targets, eval_set=[(features, targets)], verbose=False)
    truth["rounds"] = pickle.loads(pickle.dumps(fitted)).get_booster().num_boosted_rounds()
elif way == "configured":
    boost(regression, [XGBoostHook()])
print(json.dumps(truth, default=float))
