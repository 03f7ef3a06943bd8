"""Boost with LightGBM in one of several ways; prints what LightGBM itself says of it."""

import copy
import json
import logging
import pickle
import sys

import lightgbm as lgb
import numpy as np

from epochwatch.debugger.hooks.boosting import COLLECTIONS
from epochwatch.debugger.hooks.config import CollectionConfig, HookConfig
from epochwatch.debugger.hooks.lightgbm import LightGBMHook

QUIET = {"verbose": -1, "num_threads": 1, "min_data_in_leaf": 5, "min_data_per_group": 5, "cat_smooth": 1}
directory, way = sys.argv[1], sys.argv[2]
logging.basicConfig(level=logging.WARNING)
of = np.random.default_rng(0)
features = of.normal(size=(200, 4))
features[:, 3] = of.integers(0, 5, 200)
labels = features[:, 3] % 3
values = features[:, 0] + np.sin(features[:, 1])


def boost(parameters, hooks, targets, rounds=21, **more):
    train = lgb.Dataset(features[:150], targets[:150], categorical_feature=[3])
    validation = lgb.Dataset(features[150:], targets[150:], reference=train)
    found = {}
    model = lgb.train(
        {**QUIET, **parameters},
        train,
        rounds,
        valid_sets=[train, validation],
        valid_names=["train", "validation"],
        callbacks=[*hooks, lgb.record_evaluation(found)],
        **more,
    )
    return model, found


truth = {}
if way == "default":
    parameters = {"metric": ["l2", "auc"], "objective": "binary"}
    model, truth["metrics"] = boost(parameters, [LightGBMHook(directory)], labels > 0)
    without, _ = boost(parameters, [], labels > 0)
    truth["same"] = model.model_to_string() == without.model_to_string()
elif way == "everything":
    config = HookConfig(directory, tuple(CollectionConfig(one.name) for one in COLLECTIONS))
    hook = LightGBMHook(config=config, train_data=features[:150], validation_data=(features[150:], labels[150:]))
    model, _ = boost({"objective": "multiclass", "num_class": 3, "num_leaves": 4}, [hook], labels)
    truth["margins"] = model.predict(features[:150], raw_score=True).tolist()
    truth["predictions"] = model.predict(features[150:]).tolist()
    truth["trees"] = model.dump_model()["tree_info"]
    truth["total_gain"] = dict(zip(model.feature_name(), model.feature_importance("gain").tolist(), strict=True))
elif way == "continued":
    first, _ = boost({"num_leaves": 4}, [], values, rounds=3)
    boost({"num_leaves": 4}, [LightGBMHook(directory)], values, rounds=2, init_model=first)
elif way == "stopped":
    model, _ = boost(
        {}, [LightGBMHook(directory), lgb.early_stopping(2, verbose=False)], of.normal(size=200), rounds=99
    )
    truth["rounds"] = model.current_iteration()
elif way == "folds":
    data = lgb.Dataset(features, values)
    found = lgb.cv(
        {**QUIET, "metric": "l1"}, data, 5, nfold=3, stratified=False, callbacks=[LightGBMHook(directory)]
    )
    truth = {"mean": found["valid l1-mean"], "deviation": found["valid l1-stdv"]}
elif way == "estimator":
    model = lgb.LGBMRegressor(n_estimators=3, **QUIET)
    hook = LightGBMHook(directory)
    model.fit(features, values, eval_X=(features,), eval_y=(values,), callbacks=[copy.deepcopy(hook)])
    pickle.dumps(model)
print(json.dumps(truth))
