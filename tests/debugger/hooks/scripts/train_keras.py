"""Train with Keras in many ways, each into a directory of its own below DIRECTORY, with the back end of KERAS_BACKEND:
``train_keras.py DIRECTORY``. Prints by way what NumPy makes of the same gradients, as JSON.
"""

import functools
import importlib
import json
import logging
import math
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np

from epochwatch.debugger import ModeKeys
from epochwatch.debugger.hooks import watch
from epochwatch.debugger.hooks.config import CollectionConfig, HookConfig, SaveConfig

BACK_END = keras.backend.backend()
of = np.random.default_rng(0)
features = of.normal(size=(168, 5)).astype(np.float32)
targets = (features[:, :1] * 2 + 1).astype(np.float32)
traces = []
messages = []
handler = logging.Handler()
handler.emit = lambda record: messages.append(record.getMessage())
logging.getLogger("epochwatch").addHandler(handler)


class Counted(keras.layers.Dense):
    """Counts how often its call is traced."""

    def call(self, inputs, training=None):
        if training:
            traces.append(1)
        return super().call(inputs)


def made(optimizer=None, **compiled):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((5,)), Counted(8, activation="tanh", name="fc1"), keras.layers.Dense(1, name="fc2")]
    )
    optimizer = optimizer or keras.optimizers.Adam(0.125, global_clipnorm=0.5)
    model.compile(optimizer=optimizer, loss="mse", metrics=["mae"], **compiled)
    return model


def fit(model, **named):
    return model.fit(features, targets, batch_size=8, epochs=1, shuffle=False, verbose=0, **named)


def gradients(weights, start, size=8, scale=1.0):
    """Of the mean squared error of a batch, by hand."""
    w1, b1, w2, b2 = (np.asarray(one, np.float64) for one in weights)
    x, y = features[start : start + size].astype(np.float64), targets[start : start + size].astype(np.float64)
    hidden = np.tanh(x @ w1 + b1)
    error = hidden @ w2 + b2 - y
    by_output = 2 * error / len(x) * scale
    by_hidden = by_output @ w2.T * (1 - hidden**2)
    return float((error**2).mean()), [x.T @ by_hidden, by_hidden.sum(0), hidden.T @ by_output, by_output.sum(0)]


class Weights(keras.callbacks.Callback):
    """The weights before each step."""

    def __init__(self):
        super().__init__()
        self.found = []

    def on_train_batch_begin(self, batch, logs=None):
        self.found.append([np.array(one) for one in self.model.get_weights()])


def statistics(array):
    return {"l2": float(np.linalg.norm(array)), "mean": float(array.mean()), "std": float(array.std()),
            "min": float(array.min()), "abs_max": float(np.abs(array).max())}  # fmt: skip


def truth_of(weights, batches=1):
    """Of each step: its loss, the norm of all gradients, statistics of the first layer's gradient and weight."""
    found = []
    for step in range(0, len(weights) - 1, batches):
        parts = [gradients(weights[step], (step + part) * 8) for part in range(batches)]
        mean = [sum(several) / batches for several in zip(*(one for _, one in parts), strict=True)]
        after = np.asarray(weights[step + batches][0], np.float64)
        found.append({
            "loss": sum(loss for loss, _ in parts) / batches,
            "norm": float(np.sqrt(sum((one**2).sum() for one in mean))),
            "gradient": statistics(mean[0]),
            "weight": {**statistics(after), "update_l2": float(np.linalg.norm(after - weights[step][0]))},
        })  # fmt: skip
    return found


def watched(model, hook, **named):
    noted = Weights()
    history = fit(model, callbacks=[noted], **named)
    hook.close()
    return history, [*noted.found, [np.array(one) for one in model.get_weights()]]


EVERY = dict.fromkeys(ModeKeys, SaveConfig(1))


def plain(directory):
    """A fit with clipping and validation."""
    model = made()
    hook = watch(model, out_dir=directory)
    history, weights = watched(model, hook, validation_data=(features[:16], targets[:16]))
    return {
        "steps": truth_of(weights),
        "mae": history.history["mae"][0],
        "held_out": [gradients(weights[-1], start)[0] for start in (0, 8)],
    }


def bare(directory):
    """The same with and without a hook, in two fits: to the bit, and traced as often."""
    runs = {}
    for hooked in (False, True):
        hook = watch(out_dir=directory) if hooked else None
        traces.clear()
        model = made()
        fit(model)
        fit(model)
        runs[hooked] = [np.array(one).tobytes().hex() for one in model.get_weights()], len(traces)
        if hook is not None:
            hook.close()
    fit(model)  # a model that is not watched any more goes on
    return {"same": runs[True][0] == runs[False][0], "traces": [runs[False][1], runs[True][1]]}


def accumulated(directory):
    """The gradients of three batches make a step."""
    model = made(keras.optimizers.SGD(0.1, gradient_accumulation_steps=3))
    _, weights = watched(model, watch(config=HookConfig(directory, save=EVERY)))
    return {"steps": truth_of(weights, batches=3)}


def scaled(directory):
    """The loss is scaled; a batch that is not finite is left out."""
    features[10] = math.inf
    model = made(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1)))
    noted = Weights()
    hook = watch(config=HookConfig(directory, save=EVERY))
    fit(model, callbacks=[noted])
    hook.close()
    steps = truth_of([*noted.found, model.get_weights()])
    features[10] = 0
    return {"steps": [one for number, one in enumerate(steps) if number != 1]}


def several(directory):
    """Seven batches in each call of the function."""
    model = made(steps_per_execution=7)
    hook = watch(out_dir=directory)
    fit(model)
    hook.close()
    once = made()
    return {"steps": truth_of(watched(once, watch(out_dir=directory + "-once"))[1])}


def eager(directory):
    """Nothing is compiled."""
    model = made(run_eagerly=True)
    return {"steps": truth_of(watched(model, watch(out_dir=directory))[1])}


def phases(directory):
    """Evaluating and predicting without a fit."""
    model = made()
    hook = watch(out_dir=directory)
    model.evaluate(features[:24], targets[:24], batch_size=8, verbose=0)
    model.predict(features[:32], batch_size=8, verbose=0)
    model.train_on_batch(features[:8], targets[:8])
    hook.close()
    return {"loss": gradients(made().get_weights(), 0)[0]}


def configured(directory):
    """Whole tensors, their shapes and reductions."""
    collections = (
        CollectionConfig("gradients", reductions=("median",), save_raw_tensor=True, save_shape=True),
        CollectionConfig("kernels", ("fc1.kernel$",), save_raw_tensor=True, statistics=False),
    )
    model = made()
    _, weights = watched(model, watch(config=HookConfig(directory, collections)))
    return {"gradient": gradients(weights[0], 0)[1][0].tolist(), "weight": weights[11][0].tolist()}


def subclassed(directory):
    """A model with a training step of its own."""

    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.fc1, self.fc2 = Counted(8, activation="tanh", name="fc1"), keras.layers.Dense(1, name="fc2")

        def call(self, inputs, training=None):
            return self.fc2(self.fc1(inputs, training=training))

        if BACK_END == "torch":

            def train_step(self, data):
                x, y = data[:2]
                self.zero_grad()
                loss = keras.ops.mean((self(x, training=True) - y) ** 2)
                loss.backward()
                self.optimizer.apply([one.value.grad for one in self.trainable_weights], self.trainable_weights)
                return {"loss": loss.detach()}
        else:

            def train_step(self, state, data):
                import jax

                x, y = data[:2]
                trainable, fixed, optimizing, metrics = state

                def loss_of(trainable):
                    found, _ = self.stateless_call(trainable, fixed, x, training=True)
                    return keras.ops.mean((found - y) ** 2)

                loss, grads = jax.value_and_grad(loss_of)(trainable)
                trainable, optimizing = self.optimizer.stateless_apply(optimizing, grads, trainable)
                return {"loss": loss}, (trainable, fixed, optimizing, metrics)

    keras.utils.set_random_seed(0)
    model = Own()
    model.compile(optimizer=keras.optimizers.SGD(0.1))
    model.build((None, 5))
    return {"steps": truth_of(watched(model, watch(out_dir=directory))[1])}


def broken(directory):
    """What is computed for the hook fails."""

    def failing(self, value):
        raise MemoryError("no room")

    back_end = importlib.import_module(f"epochwatch.debugger.hooks.keras.on_{BACK_END}")
    kind = vars(back_end)[f"On{BACK_END.title()}"]
    number, kind.number = kind.number, failing
    hook = watch(out_dir=directory)
    model = made()
    fit(model)
    hook.close()
    kind.number = number
    whole = made()
    fit(whole)
    return {"same": all((a == b).all() for a, b in zip(model.get_weights(), whole.get_weights(), strict=True))}


def loop(directory):
    """PyTorch's own loop with an optimizer of Keras."""
    import torch

    model = made()
    optimizer = keras.optimizers.SGD(0.1)
    hook = watch(model, out_dir=directory)
    weights = []
    for start in range(0, 24, 8):
        weights.append([np.array(one) for one in model.get_weights()])
        model.zero_grad()
        loss = torch.mean(
            (model(features[start : start + 8], training=True) - torch.tensor(targets[start : start + 8])) ** 2
        )
        loss.backward()
        with torch.no_grad():
            optimizer.apply([one.value.grad for one in model.trainable_weights], model.trainable_weights)
    hook.close()
    return {"steps": truth_of([*weights, model.get_weights()])}


def compiled(directory):
    """PyTorch compiles the training function; what it makes of the graphs does not matter here."""
    import torch

    compiler, torch.compile = torch.compile, functools.partial(torch.compile, backend="eager")
    model = made(jit_compile=True)
    weights = watched(model, watch(out_dir=directory))[1]
    torch.compile = compiler
    return {"steps": truth_of(weights)}


if __name__ == "__main__":
    WAYS = [plain, bare, accumulated, scaled, eager, phases, configured, subclassed, broken]
    truth = {}
    for way in [*WAYS, *({"jax": [several], "torch": [loop, compiled]}[BACK_END])]:
        messages.clear()
        truth[way.__name__] = way(f"{sys.argv[1]}/{way.__name__}") | {"messages": [*messages]}
    print(json.dumps(truth))
