# ruff: noqa: D103 - each program says in its decorator what it prints
"""Keras 3 on the PyTorch back end: bars through a terminal, lines, callbacks, CSV."""

from shape import Catalogue, Metric, tell

N = r"([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)"
EPOCH = r"^Epoch (\d+)/"
shapes = Catalogue("really run, {keras} on {torch}")
TORCH = {"KERAS_BACKEND": "torch"}
TERMINAL = {"environment": TORCH, "through": "pty"}


def _compiled(metrics=("accuracy",), rate=0.05, loss="sparse_categorical_crossentropy"):
    import keras
    import numpy as np

    keras.utils.set_random_seed(0)
    chance = np.random.default_rng(0)
    data = chance.normal(size=(160, 6)).astype("float32")
    target = (data[:, 0] + data[:, 1] > 0).astype("int64")
    model = keras.Sequential(
        [keras.layers.Dense(8, activation="relu"), keras.layers.Dense(2, activation="softmax")]
    )
    model.compile(optimizer=keras.optimizers.SGD(rate), loss=loss, metrics=list(metrics))
    return model, data, target


def _tell_ends(history, names):
    for printed, name in names.items():
        tell(name, *history.history[printed])


@shapes(
    Metric("loss", rf" - loss: {N}", "train:loss"),
    Metric("accuracy", rf" - accuracy: {N}", "train:accuracy"),
    Metric("val_loss", rf" - val_loss: {N}", "validation:loss", EPOCH),
    Metric("val_accuracy", rf" - val_accuracy: {N}", "validation:accuracy", EPOCH),
    about="fit(verbose=1) in a terminal: colours, backspaces, a bar that refreshes",
    **TERMINAL,
)
def fit_bar():
    model, data, target = _compiled()
    model.fit(data, target, epochs=3, batch_size=32, validation_split=0.2, verbose=1)


@shapes(
    Metric("loss", rf" - loss: {N}", "train:loss"),
    Metric("val_loss", rf" - val_loss: {N}", "validation:loss", EPOCH),
    about="fit(verbose=1) into a pipe",
    environment=TORCH,
    wanted={"accuracy": rf" - accuracy: {N}", "val_accuracy": rf" - val_accuracy: {N}"},
)
def fit_bar_piped():
    model, data, target = _compiled()
    model.fit(data, target, epochs=3, batch_size=32, validation_split=0.2, verbose=1)


@shapes(
    Metric("loss", rf" - loss: {N}", "train:loss"),
    Metric("accuracy", rf" - accuracy: {N}", "train:accuracy"),
    Metric("val_loss", rf"val_loss: {N}", "validation:loss"),
    Metric("val_accuracy", rf"val_accuracy: {N}", "validation:accuracy"),
    about="fit(verbose=2): a line an epoch",
    environment=TORCH,
    step=EPOCH,
    junk=["step", "ms/step"],
)
def fit_lines():
    model, data, target = _compiled()
    history = model.fit(data, target, epochs=8, batch_size=32, validation_split=0.2, verbose=2)
    names = {"loss": "train:loss", "accuracy": "train:accuracy", "val_loss": "validation:loss"}
    _tell_ends(history, {**names, "val_accuracy": "validation:accuracy"})


@shapes(
    Metric("mae", rf" - mae: {N}", "train:mae"),
    Metric("root_mean_squared_error", rf" root_mean_squared_error: {N}", "train:rmse"),
    wanted={
        "loss": rf" - loss: {N}",
        "learning_rate": rf" learning_rate: {N}",
        "val_loss": rf" val_loss: {N}",
        "val_mae": rf" val_mae: {N}",
        "val_root_mean_squared_error": rf" val_root_mean_squared_error: {N}",
    },
    about="regression, ReduceLROnPlateau(verbose=1) and EarlyStopping(verbose=1) telling between the lines",
    environment=TORCH,
    step=EPOCH,
    junk=["step", "early stopping"],
)
def plateau():
    import keras

    _, data, _ = _compiled()
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae", keras.metrics.RootMeanSquaredError()])
    calls = [
        keras.callbacks.ReduceLROnPlateau(monitor="val_loss", patience=1, min_delta=0.02, verbose=1),
        keras.callbacks.EarlyStopping(monitor="val_loss", patience=3, min_delta=0.02, verbose=1),
    ]
    target = data[:, 0] * 2 + 1
    history = model.fit(data, target, epochs=14, validation_split=0.2, verbose=2, callbacks=calls)
    _tell_ends(history, {"mae": "train:mae", "root_mean_squared_error": "train:rmse"})


@shapes(
    Metric("loss", rf"^loss={N};", "train:loss"),
    Metric("val_accuracy", rf"val_accuracy={N};", "validation:accuracy"),
    about="a custom callback that prints at the end of each epoch",
    environment=TORCH,
)
def custom_callback():
    import keras

    class Report(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            tell("train:loss", logs["loss"])
            tell("validation:accuracy", logs["val_accuracy"])
            print(f"loss={logs['loss']:.5f}; val_accuracy={logs['val_accuracy']:.5f};")

    model, data, target = _compiled()
    model.fit(data, target, epochs=6, validation_split=0.2, verbose=0, callbacks=[Report()])


@shapes(
    Metric("loss", rf"'loss': (?:np\.float32\()?{N}", "train:loss"),
    Metric("val_loss", rf"'val_loss': (?:np\.float32\()?{N}", "validation:loss"),
    wanted={
        "accuracy": rf"'accuracy': (?:np\.float32\()?{N}",
        "val_accuracy": rf"'val_accuracy': (?:np\.float32\()?{N}",
    },
    about="LambdaCallback that prints the logs dictionary as it is",
    environment=TORCH,
    step=r"^epoch (\d+)",
)
def lambda_callback():
    import keras

    def report(epoch, logs):
        tell("train:loss", logs["loss"])
        tell("validation:loss", logs["val_loss"])
        print("epoch", epoch, logs)

    model, data, target = _compiled()
    calls = [keras.callbacks.LambdaCallback(on_epoch_end=report)]
    model.fit(data, target, epochs=6, validation_split=0.2, verbose=0, callbacks=calls)


@shapes(
    Metric("", r"^Epoch \d+: val_loss improved from (?:None|inf|[0-9.]+) to ([0-9.]+)", "best:val-loss"),
    Metric("loss", rf" - loss: {N}", "train:loss"),
    wanted={
        "accuracy": rf" - accuracy: {N}",
        "val_accuracy": rf" - val_accuracy: {N}",
        "val_loss": rf" - val_loss: {N}",
    },
    about="ModelCheckpoint(verbose=1) with save_best_only: 'improved from inf to'",
    environment=TORCH,
    step=r"^Epoch (\d+)[/:]",
    either=["improved from", "to"],
)
def checkpoint():
    import keras

    model, data, target = _compiled()
    calls = [keras.callbacks.ModelCheckpoint("best-{epoch:02d}.keras", save_best_only=True, verbose=1)]
    history = model.fit(data, target, epochs=5, validation_split=0.2, verbose=2, callbacks=calls)
    _tell_ends(history, {"loss": "train:loss"})


@shapes(
    Metric("", rf"^\d+,[0-9.e-]+,{N}", "train:loss"),
    about="CSVLogger to standard output: a heading and bare rows",
    environment=TORCH,
    columns={
        "accuracy": rf"^\d+,{N}",
        "val_accuracy": rf"^\d+,[^,]+,[^,]+,{N}",
        "loss": rf"^\d+,[0-9.e-]+,{N}",
        "val_loss": rf"^\d+,[^,]+,[^,]+,[^,]+,{N}",
    },
)
def csv():
    import keras

    model, data, target = _compiled()
    calls = [keras.callbacks.CSVLogger("/dev/stdout")]
    history = model.fit(data, target, epochs=6, validation_split=0.2, verbose=0, callbacks=calls)
    _tell_ends(history, {"loss": "train:loss"})


@shapes(
    Metric("Test loss", rf"^Test loss: {N}", "test:loss"),
    Metric("Test accuracy", rf"^Test accuracy: {N}", "test:accuracy"),
    wanted={"loss": rf" - loss: {N}", "accuracy": rf" - accuracy: {N}"},
    about="model.summary(), fit, evaluate and two lines by hand",
    junk=["Total params", "Trainable params", "Non-trainable params", "dense (Dense)"],
    **TERMINAL,
)
def summary_and_evaluate():
    model, data, target = _compiled()
    model.build((None, 6))
    model.summary()
    model.fit(data, target, epochs=2, batch_size=80, verbose=1)
    score = model.evaluate(data, target, batch_size=80, verbose=1)
    tell("test:loss", score[0])
    tell("test:accuracy", score[1])
    print("Test loss:", score[0])
    print("Test accuracy:", score[1])


@shapes(
    Metric("loss", rf" loss: {N}", "train:loss"),
    Metric("auc", rf" - auc: {N}", "train:auc"),
    Metric("precision", rf" precision: {N}", "train:precision"),
    wanted={"recall": rf" recall: {N}"},
    about="several named metrics in the bar, on a terminal",
    **TERMINAL,
)
def many_metrics():
    import keras

    _, data, target = _compiled()
    model = keras.Sequential([keras.layers.Dense(1, activation="sigmoid")])
    names = [
        keras.metrics.AUC(name="auc"),
        keras.metrics.Precision(name="precision"),
        keras.metrics.Recall(name="recall"),
    ]
    model.compile("adam", "binary_crossentropy", metrics=names)
    model.fit(data, target[:, None].astype("float32"), epochs=2, batch_size=40, verbose=1)


@shapes(
    Metric("loss", r" - loss: (nan|[0-9.e+]+)", "train:loss"),
    Metric("accuracy", rf" - accuracy: {N}", "train:accuracy"),
    about="a learning rate beyond reason: the loss becomes nan; TerminateOnNaN",
    environment=TORCH,
    step=EPOCH,
)
def diverging():
    import keras
    import numpy as np

    model, data, target = _compiled(rate=1e-2)
    data[100:, 2] = np.nan
    model.fit(data[:96], target[:96], epochs=2, verbose=2)
    model.fit(data, target, epochs=3, verbose=2, shuffle=False)
    assert keras


@shapes(
    Metric("loss", rf"loss: {N}", "train:loss"),
    source="a training loop written by hand, {keras} on {jax} really run",
    about="the guide's form 'Training loss (for 1 batch) at step 0: 0.5'",
    environment={"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
    step=r"step[ =](\d+)",
    junk=["Seen so far", "samples"],
)
def train_on_batch_jax():
    model, data, target = _compiled()
    for step in range(12):
        at = step * 12 % 144
        loss = model.train_on_batch(data[at : at + 16], target[at : at + 16], return_dict=True)["loss"]
        tell("train:loss", loss)
        print(f"Training at step {step} - loss: {float(loss):.4f}")
        print(f"Seen so far: {(step + 1) * 16} samples")
