# ruff: noqa: D103 - each program says in its decorator what it prints
"""PyTorch Lightning: its bars, tables of results, messages and prints."""

from shape import Catalogue, Metric, tell

N = r"([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)"
shapes = Catalogue("really run, {lightning} on {torch}")
JUNK = ["v_num", "Trainable params", "Non-trainable params", "Total params", "Modules in train mode", "it/s"]


def _module(prints=False):
    import lightning
    import torch

    lightning.seed_everything(0)
    torch.set_num_threads(1)
    data = torch.randn(64, 4)
    target = (data[:, 0] > 0).long()
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(data, target), batch_size=16)

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(4, 2)

        def _loss(self, batch):
            guess = self.layer(batch[0])
            accuracy = (guess.argmax(1) == batch[1]).float().mean()
            return torch.nn.functional.cross_entropy(guess, batch[1]), accuracy

        def training_step(self, batch, at):
            loss, accuracy = self._loss(batch)
            self.log("train_loss", loss, prog_bar=True)
            self.log("train_acc", accuracy, prog_bar=True, on_step=False, on_epoch=True)
            if prints and at % 2 == 0:
                tell("train:loss", loss.item())
                self.print(
                    f"[{self.current_epoch}/{self.trainer.max_epochs}] step={self.global_step} loss={loss.item():.4f}"
                )
            return loss

        def validation_step(self, batch, at):
            loss, accuracy = self._loss(batch)
            self.log("val_loss", loss, prog_bar=True)
            self.log("val_acc", accuracy, prog_bar=True)

        def test_step(self, batch, at):
            loss, accuracy = self._loss(batch)
            self.log_dict({"test_loss": loss, "test_acc": accuracy})

        def on_validation_epoch_end(self):
            if prints and not self.trainer.sanity_checking:
                metrics = self.trainer.callback_metrics
                tell("validation:loss", metrics["val_loss"].item())
                print(
                    f"Epoch {self.current_epoch}: val_loss={metrics['val_loss']:.4f} val_acc={metrics['val_acc']:.4f}"
                )

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.1)

    return lightning, Module(), loader


def _trainer(lightning, **words):
    words = {"enable_checkpointing": False, "logger": False, "accelerator": "cpu", "log_every_n_steps": 1, **words}
    return lightning.Trainer(max_epochs=3, **words)


@shapes(
    Metric("train_loss", rf"train_loss={N}", "train:loss"),
    Metric("val_loss", rf"val_loss={N}", "validation:loss"),
    Metric("val_acc", rf"val_acc={N}", "validation:accuracy"),
    wanted={"train_acc": rf"train_acc={N}"},
    about="Trainer.fit with its tqdm bar through a terminal",
    through="pty",
    junk=JUNK,
)
def bar():
    lightning, module, loader = _module()
    from lightning.pytorch.callbacks import TQDMProgressBar

    _trainer(lightning, callbacks=[TQDMProgressBar()]).fit(module, loader, loader)


@shapes(
    Metric("train_loss", rf"train_loss={N}", "train:loss"),
    Metric("val_acc", rf"val_acc={N}", "validation:accuracy"),
    wanted={"train_acc": rf"train_acc={N}", "val_loss": rf"val_loss={N}"},
    about="Trainer.fit with its bar into a pipe, a CSV logger (v_num)",
    junk=JUNK,
)
def bar_piped():
    lightning, module, loader = _module()
    from lightning.pytorch.callbacks import TQDMProgressBar
    from lightning.pytorch.loggers import CSVLogger

    _trainer(lightning, callbacks=[TQDMProgressBar()], logger=CSVLogger(".")).fit(module, loader, loader)


@shapes(
    Metric("train_loss", rf"train_loss: {N}", "train:loss"),
    Metric("val_loss", rf"val_loss: {N}", "validation:loss"),
    wanted={"train_acc": rf"train_acc: {N}", "val_acc": rf"val_acc: {N}"},
    about="RichProgressBar through a terminal: cursor movements, values on lines of their own",
    through="pty",
    junk=JUNK,
)
def rich_bar():
    lightning, module, loader = _module()
    from lightning.pytorch.callbacks import RichProgressBar

    _trainer(lightning, callbacks=[RichProgressBar()]).fit(module, loader, loader)


@shapes(
    Metric("test_acc", rf"^[^a-z]*test_acc[^0-9]+{N}", "test:accuracy", column=True),
    Metric("test_loss", rf"^[^a-z]*test_loss[^0-9]+{N}", "test:loss", column=True),
    about="Trainer.test: a table drawn with lines",
    junk=["Testing DataLoader 0", "Test metric", "DataLoader 0"],
    through="pty",
)
def test_table():
    lightning, module, loader = _module()
    (result,) = _trainer(lightning, enable_progress_bar=False).test(module, loader)
    tell("test:accuracy", result["test_acc"])
    tell("test:loss", result["test_loss"])


@shapes(
    Metric("test_acc", rf"'test_acc': {N}", "test:accuracy"),
    wanted={"test_loss": rf"'test_loss': {N}"},
    columns={"test_acc": rf"^[^a-z']*test_acc[^0-9]+{N}", "test_loss": rf"^[^a-z']*test_loss[^0-9]+{N}"},
    about="Trainer.test without a bar, and its list of dictionaries printed",
)
def test_results_printed():
    lightning, module, loader = _module()
    result = _trainer(lightning, enable_progress_bar=False).test(module, loader)
    tell("test:accuracy", result[0]["test_acc"])
    print(result)


@shapes(
    Metric("loss", rf" loss={N}", "train:loss"),
    Metric("val_loss", rf"val_loss={N}", "validation:loss"),
    wanted={"val_acc": rf"val_acc={N}"},
    about="self.print in the steps, no bar",
    step=r"step=(\d+)",
    junk=JUNK,
)
def prints():
    lightning, module, loader = _module(prints=True)
    _trainer(lightning, enable_progress_bar=False).fit(module, loader, loader)


@shapes(
    Metric("New best score", rf"New best score: {N}", "best:val-loss"),
    about="EarlyStopping(verbose=True) through Python's logging, and nothing else",
    junk=["min_delta", *JUNK],
    either=["improved by", "Metric val_loss improved by"],
)
def early_stopping():
    lightning, module, loader = _module()
    calls = [lightning.pytorch.callbacks.EarlyStopping("val_loss", verbose=True)]
    _trainer(lightning, enable_progress_bar=False, callbacks=calls).fit(module, loader, loader)
