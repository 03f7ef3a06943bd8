# ruff: noqa: D103, E501 - each program says in its decorator what it prints
"""Further frameworks, really run, one or two shapes each."""

import logging
import sys
import warnings

from shape import Catalogue, Metric, tell

N = r"([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)"
shapes = Catalogue("really run")


def _data(seed=0, count=160):
    import numpy as np

    warnings.simplefilter("ignore")
    chance = np.random.default_rng(seed)
    data = chance.normal(size=(count, 6)).astype("float32")
    return data, (data[:, 0] + data[:, 1] > 0).astype("int64")


@shapes(
    Metric("train_loss", r"^ +(?P<step>\d+)\W+([0-9.]+)\W", "train:loss", column=True),
    columns={
        "valid_acc": r"^ +\d+\W+[0-9.]+\W+([0-9.]+)\W",
        "valid_loss": r"^ +\d+\W+[0-9.]+\W+[0-9.]+\W+([0-9.]+)\W",
    },
    source="really run, {skorch} on {torch}",
    about="NeuralNetClassifier.fit: a table in colours that grows by a row an epoch",
    step=r"^ +(\d+)\W+[0-9.]",
    junk=["dur", "epoch"],
)
def skorch():
    import torch
    from skorch import NeuralNetClassifier

    torch.manual_seed(0)
    model = NeuralNetClassifier(lambda: torch.nn.Sequential(torch.nn.Linear(6, 2), torch.nn.Softmax(1)), lr=0.5)
    model.set_params(max_epochs=8).fit(*_data())
    tell("train:loss", *model.history[:, "train_loss"])


@shapes(
    Metric("batch loss", rf"batch loss: {N}", "train:loss"),
    Metric("Avg accuracy", rf"Training Results - Epoch: \d+ +Avg accuracy: {N}", "train:accuracy"),
    Metric("Avg loss", rf"Avg loss: {N}", "train:average-loss"),
    source="really run, {pytorch-ignite} on {torch}",
    about="handlers that print as in the examples, with the engine's own INFO lines",
    step=r"Iter\[(\d+)\]",
)
def ignite():
    import torch
    from ignite.engine import Events, create_supervised_evaluator, create_supervised_trainer
    from ignite.metrics import Accuracy, Loss

    torch.manual_seed(0)
    data, target = (torch.from_numpy(part) for part in _data())
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(data, target), batch_size=40)
    model, rule = torch.nn.Linear(6, 2), torch.nn.CrossEntropyLoss()
    trainer = create_supervised_trainer(model, torch.optim.SGD(model.parameters(), 0.1), rule)
    evaluator = create_supervised_evaluator(model, metrics={"accuracy": Accuracy(), "loss": Loss(rule)})
    logging.basicConfig(
        level=logging.INFO, stream=sys.stdout, format="%(asctime)s %(name)s %(levelname)s: %(message)s"
    )

    @trainer.on(Events.ITERATION_COMPLETED(every=2))
    def batch(engine):
        tell("train:loss", engine.state.output)
        print(f"Epoch[{engine.state.epoch}], Iter[{engine.state.iteration}] batch loss: {engine.state.output:.4f}")

    @trainer.on(Events.EPOCH_COMPLETED)
    def epoch(engine):
        evaluator.run(loader)
        scores = evaluator.state.metrics
        tell("train:accuracy", round(scores["accuracy"], 2))
        tell("train:average-loss", round(scores["loss"], 2))
        print(
            f"Training Results - Epoch: {engine.state.epoch}  Avg accuracy: {scores['accuracy']:.2f} Avg loss: {scores['loss']:.2f}"
        )

    trainer.run(loader, max_epochs=4)


@shapes(
    Metric("train_loss", r"^(?P<step>\d+) +([0-9.]+) +[0-9.]+ +[0-9.]+ +\d\d:\d\d", "train:loss", column=True),
    columns={
        "valid_loss": r"^\d+ +[0-9.]+ +([0-9.]+) +[0-9.]+ +\d\d:\d\d",
        "accuracy": r"^\d+ +[0-9.]+ +[0-9.]+ +([0-9.]+) +\d\d:\d\d",
    },
    source="really run, {fastai} on {torch}",
    about="Learner.fit_one_cycle: columns under their headings",
    step=r"^(\d+) +[0-9.]+ +[0-9.]+ +[0-9.]+ +\d\d:",
    junk=["time", "epoch"],
)
def fastai():
    import torch
    from fastai.basics import CrossEntropyLossFlat, DataLoader, DataLoaders, Learner, accuracy

    torch.manual_seed(0)
    data, target = (torch.from_numpy(part) for part in _data())
    rows = list(zip(data, target, strict=True))
    loaders = DataLoaders(DataLoader(rows[:120], bs=40), DataLoader(rows[120:], bs=40))
    learner = Learner(loaders, torch.nn.Linear(6, 2), loss_func=CrossEntropyLossFlat(), metrics=accuracy)
    learner.fit_one_cycle(6, 0.05)
    tell("train:loss", *(row[0] for row in learner.recorder.values))


@shapes(
    Metric("ep_rew_mean", r"ep_rew_mean +\| ([-0-9.e+]+)", "rollout:reward", column=True),
    Metric("loss", r"^\|    loss +\| ([-0-9.e+]+)", "train:loss", column=True),
    Metric("explained_variance", r"explained_variance +\| ([-0-9.e+]+)", "train:explained-variance", column=True),
    source="really run, {stable-baselines3} on {torch}",
    about="PPO(verbose=1): a table for each rollout, names in groups",
    columns={
        "ep_len_mean": r"ep_len_mean +\| ([-0-9.e+]+)",
        "value_loss": r"value_loss +\| ([-0-9.e+]+)",
        "entropy_loss": r"entropy_loss +\| ([-0-9.e+]+)",
        "policy_gradient_loss": r"policy_gradient_loss +\| ([-0-9.e+]+)",
        "approx_kl": r"approx_kl +\| ([-0-9.e+]+)",
        "clip_fraction": r"clip_fraction +\| ([-0-9.e+]+)",
        "learning_rate": r"learning_rate +\| ([-0-9.e+]+)",
    },
    junk=["iterations", "time_elapsed", "total_timesteps", "n_updates"],
    either=["fps", "clip_range"],
)
def stable_baselines3():
    from stable_baselines3 import PPO

    model = PPO(
        "MlpPolicy", "CartPole-v1", n_steps=128, batch_size=64, n_epochs=2, verbose=1, seed=0, device="cpu"
    )
    model.learn(640)


@shapes(
    Metric("LOSS TEXTCAT", r"^ +\d+ +\d+ +([0-9.]+) ", "train:loss", column=True),
    columns={"CATS_SCORE": r"^ +\d+ +\d+ +[0-9.]+ +([0-9.]+)", "SCORE": r"^ +\d+ +\d+ .* ([0-9.]+)$"},
    source="really run, {spacy}",
    about="spacy train: a table with rulers, percentages and the row of the best",
    junk=["E", "#", "Initial learn rate"],
    through="pipe",
)
def spacy():
    from pathlib import Path

    import spacy
    from spacy.cli.init_config import init_config
    from spacy.cli.train import train
    from spacy.tokens import DocBin

    blank, docs = spacy.blank("en"), DocBin()
    for at in range(40):
        doc = blank("good fine nice day" if at % 2 else "bad poor awful night")
        doc.cats = {"pos": float(at % 2), "neg": float(1 - at % 2)}
        docs.add(doc)
    docs.to_disk("rows.spacy")
    config = init_config(lang="en", pipeline=["textcat"], optimize="efficiency")
    config.to_disk("config.cfg")
    train(
        Path("config.cfg"),
        Path("out"),
        overrides={
            "paths.train": "rows.spacy",
            "paths.dev": "rows.spacy",
            "training.max_steps": 60,
            "training.eval_frequency": 10,
        },
    )


@shapes(
    Metric("value", r"Trial (?P<step>\d+) finished with value: ([-0-9.e]+)", "trial:value"),
    source="really run, {optuna}",
    about="a study: sentences with values, parameters as dictionaries, the best so far",
    step=r"Trial (\d+) finished",
    junk=["Trial", "depth", "rate"],
    either=["Best is trial 0 with value", "x", "with value"],
    through="pty",
)
def optuna():
    import optuna

    def objective(trial):
        value = (trial.suggest_float("x", -3, 3) - 1) ** 2 + trial.suggest_int("depth", 1, 5)
        tell("trial:value", value)
        return value

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
    study.optimize(objective, n_trials=10)


@shapes(
    Metric("loss", rf" loss={N}", "train:loss"),
    Metric("val_loss", rf"val_loss={N}", "validation:loss"),
    source="really run, {ngboost}",
    about="[iter 0] loss=1.4 val_loss=1.3 scale=1.0 norm=1.2",
    either=["scale", "norm"],
    step=r"\[iter (\d+)\]",
)
def ngboost():
    from ngboost import NGBRegressor

    data, _ = _data()
    target = data[:, 0] * 2 + data[:, 1]
    NGBRegressor(n_estimators=80, verbose_eval=10, random_state=0).fit(
        data[:100], target[:100], X_val=data[100:], Y_val=target[100:]
    )


@shapes(
    Metric("loss", r"\| loss: ([0-9.]+)", "train:loss"),
    Metric("val_0_auc", r"val_0_auc: ([0-9.]+)", "validation:auc"),
    source="really run, {pytorch-tabnet} on {torch}",
    about="epoch 0  | loss: 0.69 | val_0_auc: 0.5 |  0:00:00s",
    step=r"^epoch (\d+)",
    junk=["best_epoch"],
    either=["best_val_0_auc"],
)
def tabnet():
    from pytorch_tabnet.tab_model import TabNetClassifier

    data, target = _data()
    model = TabNetClassifier(n_d=4, n_a=4, n_steps=2, seed=0, device_name="cpu")
    model.fit(
        data[:120], target[:120], eval_set=[(data[120:], target[120:])], eval_metric=["auc"],
        max_epochs=10, patience=4, batch_size=60, virtual_batch_size=60,
    )  # fmt: skip
    tell("train:loss", *model.history["loss"])
    tell("validation:auc", *model.history["val_0_auc"])


@shapes(
    Metric("", r"([-0-9.]+) per-word bound", "train:bound"),
    Metric("", r"per-word bound, ([0-9.]+) perplexity", "train:perplexity"),
    Metric("topic diff", r"topic diff=([0-9.]+)", "train:topic-diff"),
    source="really run, {gensim}",
    about="LdaModel with logging: numbers before their names, in sentences",
    either=["rho", "alpha"],
    junk=["INFO", "PROGRESS", "topic #0 (0.333)", "chunksize"],
)
def gensim_lda():
    from gensim.corpora import Dictionary
    from gensim.models import LdaModel

    logging.basicConfig(format="%(asctime)s : %(levelname)s : %(message)s", level=logging.INFO, stream=sys.stdout)
    texts = [["cat", "dog", "cow"], ["train", "bus", "car"], ["cat", "cow"], ["bus", "car"]] * 10
    words = Dictionary(texts)
    LdaModel([words.doc2bow(text) for text in texts], 3, words, passes=4, eval_every=1, random_state=0)


@shapes(
    Metric("loss after epoch", rf"loss after epoch \d+: {N}", "train:loss"),
    source="really run, {gensim}",
    about="Word2Vec with a callback; its own INFO lines with words/s and sizes",
    step=r"after epoch (\d+)",
    junk=["vector_size", "alpha", "min_count", "queue", "effective words/s"],
)
def gensim_word2vec():
    from gensim.models import Word2Vec
    from gensim.models.callbacks import CallbackAny2Vec

    class Report(CallbackAny2Vec):
        epoch, before = 0, 0.0

        def on_epoch_end(self, model):
            loss = model.get_latest_training_loss()
            tell("train:loss", loss - self.before)
            print(f"loss after epoch {self.epoch}: {loss - self.before}")
            self.epoch, self.before = self.epoch + 1, loss

    logging.basicConfig(format="%(asctime)s : %(levelname)s : %(message)s", level=logging.INFO, stream=sys.stdout)
    texts = [["cat", "dog", "cow", "hen"], ["train", "bus", "car", "bike"]] * 100
    Word2Vec(
        texts, vector_size=8, min_count=1, epochs=6, seed=0, workers=1, compute_loss=True, callbacks=[Report()]
    )


@shapes(
    Metric("Current function value", r"Current function value: ([0-9.]+)", "final:objective"),
    wanted={"Log-Likelihood": r"Log-Likelihood: +([-0-9.]+)"},
    source="really run, {statsmodels}",
    about="Logit.fit and its summary: two columns of names and values, a table of coefficients",
    junk=["Iterations", "No. Observations", "Df Residuals", "Df Model", "x1", "const", "Time", "Date"],
    either=["Pseudo R-squ.", "LL-Null", "LLR p-value"],
)
def statsmodels():
    import statsmodels.api as sm

    data, target = _data()
    noisy = (data[:, 0] + data[:, 3] > 0).astype("int64")
    print(sm.Logit(noisy, sm.add_constant(data[:, :2].astype("float64"))).fit().summary())
    assert len(target)


@shapes(
    Metric("", r"best estimator [a-z0-9_]+'s best error=([0-9.]+)", "automl:best-error"),
    source="really run, {flaml}",
    about="AutoML.fit(log_type=...): [flaml.automl] at 0.1s, estimator lgbm's best error=0.1, …",
    step=r"iteration (\d+)",
    junk=["at", "Data split method", "num_samples"],
    either=["estimator lgbm's best error", "best error", "lgbm's best error"],
)
def flaml():
    from flaml import AutoML

    AutoML().fit(
        *_data(), task="classification", estimator_list=["lgbm", "rf"], max_iter=8, time_budget=20, seed=0
    )


@shapes(
    Metric("loss", rf"  loss: {N}", "train:loss"),
    Metric("accuracy", rf"accuracy: {N}", "validation:accuracy"),
    wanted={"lr": rf"lr: {N}"},
    source="really run, {mmengine} on {torch}",
    about="Runner.train: a banner of the whole environment and configuration, then two blanks between fields",
    junk=["eta", "time", "data_time", "memory", "seed", "batch_size", "max_epochs"],
)
def mmengine():
    import torch
    from mmengine.evaluator import BaseMetric
    from mmengine.model import BaseModel
    from mmengine.runner import Runner

    torch.manual_seed(0)
    data, target = (torch.from_numpy(part) for part in _data())
    rows = torch.utils.data.TensorDataset(data, target)

    class Model(BaseModel):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(6, 2)

        def forward(self, data, target, mode):
            guess = self.layer(data)
            if mode == "loss":
                return {"loss": torch.nn.functional.cross_entropy(guess, target)}
            return guess, target

    class Accuracy(BaseMetric):
        def process(self, batch, samples):
            guess, target = samples
            self.results.append(float((guess.argmax(1) == target).float().mean()))

        def compute_metrics(self, results):
            value = sum(results) / len(results)
            tell("validation:accuracy", value)
            return {"accuracy": value}

    words = {"sampler": {"type": "DefaultSampler", "shuffle": False}, "collate_fn": {"type": "default_collate"}}
    loader = {"batch_size": 16, "dataset": rows, "num_workers": 0, **words}
    runner = Runner(
        Model(),
        "work",
        train_dataloader=loader,
        val_dataloader=loader,
        optim_wrapper={"optimizer": {"type": "SGD", "lr": 0.1}},
        train_cfg={"by_epoch": True, "max_epochs": 3, "val_interval": 1},
        val_cfg={},
        val_evaluator={"type": Accuracy},
        default_hooks={"logger": {"type": "LoggerHook", "interval": 4}, "checkpoint": None},
    )
    runner.train()


YOLO = r"^ +\d+/\d+ +[0-9.]+[GM]? +"


@shapes(
    Metric("box_loss", YOLO + r"([0-9.]+)", "train:box_loss", column=True),
    Metric("cls_loss", YOLO + r"[0-9.]+ +([0-9.]+)", "train:cls_loss", column=True),
    Metric("mAP50", r"^ +all +\d+ +\d+ +[0-9.e-]+ +[0-9.e-]+ +([0-9.e-]+)", "validation:mAP50", column=True),
    columns={"dfl_loss": YOLO + r"[0-9.]+ +[0-9.]+ +([0-9.]+)"},
    source="really run, {ultralytics} on {torch}",
    about="YOLO.train: headings in every epoch, bars that refresh, the classes' table",
    junk=["iou", "Epoch", "GPU_mem", "Instances", "Size", "Images", "parameters", "GFLOPs", "layers", "lr"],
    through="pty",
    environment={"YOLO_CONFIG_DIR": ".", "YOLO_OFFLINE": "true"},
)
def ultralytics():
    from pathlib import Path

    import numpy as np
    from PIL import Image

    chance = np.random.default_rng(0)
    for part in ("train", "val"):
        for kind in ("images", "labels"):
            Path("data", kind, part).mkdir(parents=True)
        for at in range(4):
            Image.fromarray(chance.integers(0, 255, (64, 64, 3), dtype="uint8")).save(
                f"data/images/{part}/{at}.png"
            )
            Path(f"data/labels/{part}/{at}.txt").write_text("0 0.5 0.5 0.4 0.4\n")
    Path("data.yaml").write_text(
        f"path: {Path('data').resolve()}\ntrain: images/train\nval: images/val\nnames:\n  0: box\n"
    )
    import ultralytics as library

    library.YOLO("yolov8n.yaml").train(
        data="data.yaml", epochs=2, imgsz=32, batch=2, device="cpu", workers=0, plots=False, amp=False, cache=False
    )


@shapes(
    Metric("val_acc", r"^wandb: +val_acc ([0-9.]+)", "summary:accuracy"),
    Metric("loss", r"^step \d+ loss ([0-9.]+)", "train:loss"),
    wanted={"loss": r"^wandb: +loss ([0-9.]+)"},
    source="really run, {wandb}",
    about="offline: sparklines of the history and the summary at the end of the run",
    environment={"WANDB_MODE": "offline", "WANDB_SILENT": "false"},
    step=r"^step (\d+)",
    junk=["wandb"],
)
def wandb():
    import wandb
    from shape import curve, rise

    run = wandb.init(project="corpus", settings=wandb.Settings(console="off"))
    for step in range(8):
        tell("train:loss", curve(step))
        run.log({"loss": curve(step), "val_acc": rise(step)})
        print(f"step {step} loss {curve(step):.4f}")
    tell("summary:accuracy", rise(7))
    run.finish()


@shapes(
    Metric("average loss", r"average loss = ([0-9.]+)", "train:average-loss"),
    columns={"average loss": r"^([0-9.]+) +[0-9.]+ +\d+ +\d"},
    source="really run, {vowpalwabbit}",
    about="Vowpal Wabbit: headings on two lines, a summary with equals signs",
    junk=[
        "number of examples",
        "learning rate",
        "power_t",
        "total feature number",
        "num sources",
        "Num weight bits",
        "weighted label sum",
    ],
    either=["initial_t", "best constant", "best constant's loss", "constant's loss", "weighted example sum"],
)
def vowpal_wabbit():
    from vowpalwabbit import Workspace

    model = Workspace("")
    for row, label in zip(*_data(count=200), strict=True):
        words = " ".join(f"f{at}:{value:.4f}" for at, value in enumerate(row))
        model.learn(f"{label} | {words}")
    model.finish()


@shapes(
    Metric("Current function value", rf"Current function value: {N}", "final:objective"),
    source="really run, {scipy}",
    about="minimize(disp=True) of several methods, a callback's own lines",
    wanted={"f": rf" f={N}"},
    junk=["Iterations", "Function evaluations", "Gradient evaluations"],
    either=["x"],
)
def scipy_minimize():
    from scipy.optimize import minimize, rosen

    for method in ("BFGS", "Nelder-Mead", "CG"):
        print(f"method {method}")
        found = minimize(
            rosen, [0.5, 1.5], method=method, options={"disp": True},
            callback=lambda point: print(f"  x={point.round(2)} f={rosen(point):.6f}") if rosen(point) > 1e-3 else None,
        )  # fmt: skip
        tell("final:objective", found.fun)


@shapes(
    Metric("loss", rf"loss: {N}", "train:loss"),
    source="really run, {lightning} on {torch}",
    about="Fabric: seed, precision and a loop with fabric.print",
    junk=["epoch"],
)
def fabric():
    import lightning
    import torch

    fabric = lightning.Fabric(accelerator="cpu", devices=1)
    fabric.launch()
    fabric.seed_everything(1)
    model = torch.nn.Linear(6, 2)
    model, rule = fabric.setup(model, torch.optim.Adam(model.parameters(), 0.05))
    data, target = (torch.from_numpy(part) for part in _data())
    for epoch in range(3):
        for at in range(0, 160, 40):
            loss = torch.nn.functional.cross_entropy(model(data[at : at + 40]), target[at : at + 40])
            fabric.backward(loss)
            rule.step()
            rule.zero_grad()
            tell("train:loss", loss.item())
            fabric.print(f"Train Epoch: {epoch} [{at}/160 ({100.0 * at / 160:.0f}%)]\tloss: {loss.item():.6f}")


@shapes(
    Metric("loss", rf" - loss: {N}", "train:loss"),
    Metric("val_loss", rf" - val_loss: {N}", "validation:loss"),
    wanted={"mae": rf" - mae: {N}", "val_mae": rf" - val_mae: {N}", "learning_rate": rf" - learning_rate: {N}"},
    source="really run, {keras} on {jax}",
    about="fit(verbose=2) with a LearningRateScheduler(verbose=1)",
    environment={"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
    step=r"^Epoch (\d+)[/:]",
    junk=["step"],
    either=["learning rate", "setting learning rate to"],
)
def keras_schedule_on_jax():
    import keras

    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.05), "mse", metrics=["mae"])
    data, _ = _data()
    calls = [keras.callbacks.LearningRateScheduler(lambda epoch: 0.05 * 0.5**epoch, verbose=1)]
    history = model.fit(data, data[:, 0] * 2, epochs=5, validation_split=0.25, verbose=2, callbacks=calls)
    tell("train:loss", *history.history["loss"])
    tell("validation:loss", *history.history["val_loss"])
