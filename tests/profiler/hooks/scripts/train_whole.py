"""Trainings by frameworks whose step is one piece: ``train_whole.py DIRECTORY KIND``; four rounds each."""

import sys
import time

import numpy as np

from epochwatch.profiler import watch

DIRECTORY, KIND = sys.argv[1:3]
X = np.random.default_rng(1).normal(size=(64, 4)).astype("float32")
Y = (X.sum(axis=1) > 0).astype("float32")


def xgb():
    import xgboost

    hook = watch(DIRECTORY)
    data = xgboost.DMatrix(X, Y)

    def slow(predictions, matrix):
        time.sleep(0.02)
        return predictions - matrix.get_label(), np.ones_like(predictions)

    booster = xgboost.train({}, data, 4, evals=[(data, "train")], obj=slow, verbose_eval=False)
    booster.save_model(f"{DIRECTORY}/model.json")
    hook.close()


def lgb():
    import lightgbm

    hook = watch(DIRECTORY)
    data = lightgbm.Dataset(X, Y)
    lightgbm.train({"verbose": -1, "objective": "binary"}, data, 4, valid_sets=[data])
    hook.close()


def keras():
    import keras

    hook = watch(DIRECTORY)
    model = keras.Sequential([keras.layers.Dense(2), keras.layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mse")

    class Slow(keras.utils.PyDataset):
        def __len__(self):
            return 4

        def __getitem__(self, index):
            time.sleep(0.02)
            return X[index : index + 4], Y[index : index + 4]

    model.fit(Slow(), epochs=1, verbose=0)
    model.evaluate(Slow(), verbose=0)
    model.fit(Slow(), epochs=1, verbose=0)
    hook.close()


def jax_loop():
    import jax

    hook = watch(DIRECTORY)
    step = jax.jit(lambda weights: weights - 0.1 * (X @ weights).mean())
    weights = np.ones((4, 2), "float32")
    for _ in range(8):
        with hook.recorder.phase("forward"):
            weights = step(weights).block_until_ready()
        hook.end_step()
    hook.close()


{"xgboost": xgb, "lightgbm": lgb, "keras": keras, "jax": jax_loop}[KIND]()
