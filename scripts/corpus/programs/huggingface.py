# ruff: noqa: D103 - each program says in its decorator what it prints
"""Hugging Face's Trainer and Accelerate on a tiny model made on the spot."""

from shape import Catalogue, Metric, curve, tell

N = r"([0-9]+(.|e\-)[0-9]+),?"
shapes = Catalogue("really run, {transformers} on {torch}")
JUNK = ["epoch", "total_flos", "it/s", "num_input_tokens_seen", "Num examples", "Total train batch size"]


def _value(name):
    return rf"'{name}': '?([-+]?[0-9.]+(?:e[-+]?[0-9]+)?)"


def _trainer(metrics=True, **words):
    import numpy as np
    import torch
    from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments, set_seed

    set_seed(0)
    torch.set_num_threads(1)
    model = BertForSequenceClassification(
        BertConfig(vocab_size=50, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
    )
    rows = []
    for at in range(64):
        tokens = torch.randint(2, 50, (8,))
        rows.append(
            {"input_ids": tokens, "attention_mask": torch.ones(8, dtype=torch.long), "labels": int(at % 2)}
        )

    def scores(prediction):
        guess = np.argmax(prediction.predictions, axis=1)
        return {"accuracy": float((guess == prediction.label_ids).mean()), "f1": 0.5}

    words = {"eval_strategy": "epoch", "logging_steps": 2, "num_train_epochs": 3, "learning_rate": 1e-3, **words}
    arguments = TrainingArguments(
        "out", per_device_train_batch_size=16, save_strategy="no", report_to=[], use_cpu=True, **words
    )
    trainer = Trainer(
        model, arguments, train_dataset=rows, eval_dataset=rows[:16], compute_metrics=scores if metrics else None
    )
    return trainer


def _tell(trainer, names):
    for row in trainer.state.log_history:
        for printed, name in names.items():
            if printed in row:
                tell(name, row[printed])


EPOCH = r"'eval_loss.*'epoch': '?(\d+)(?:\.0)?'?}"
WANTED = {
    "loss": _value("loss"),
    "grad_norm": _value("grad_norm"),
    "learning_rate": _value("learning_rate"),
    "eval_loss": _value("eval_loss"),
    "eval_accuracy": _value("eval_accuracy"),
    "eval_f1": _value("eval_f1"),
    "train_loss": _value("train_loss"),
}
EITHER = [
    "eval_runtime",
    "eval_samples_per_second",
    "eval_steps_per_second",
    "train_runtime",
    "train_samples_per_second",
    "train_steps_per_second",
]


def _except(*names):
    return {name: regex for name, regex in WANTED.items() if name not in names}


@shapes(
    Metric("loss", _value("loss"), "train:loss"),
    Metric("eval_loss", _value("eval_loss"), "eval:loss", EPOCH),
    Metric("eval_accuracy", _value("eval_accuracy"), "eval:accuracy", EPOCH),
    wanted=_except("loss", "eval_loss", "eval_accuracy"),
    about="Trainer.train() into a pipe, its bar and dictionaries",
    junk=JUNK,
    either=EITHER,
)
def trainer_piped():
    trainer = _trainer()
    trainer.train()
    _tell(trainer, {"loss": "train:loss", "eval_loss": "eval:loss", "eval_accuracy": "eval:accuracy"})


@shapes(
    Metric("loss", _value("loss"), "train:loss"),
    Metric("learning_rate", _value("learning_rate"), "train:lr"),
    wanted=_except("loss", "learning_rate"),
    about="the same through a terminal: bars and dictionaries share lines",
    through="pty",
    junk=JUNK,
    either=EITHER,
)
def trainer_terminal():
    trainer = _trainer(num_train_epochs=2)
    trainer.train()
    _tell(trainer, {"loss": "train:loss", "learning_rate": "train:lr"})


@shapes(
    Metric("loss", r"'loss': '?([0-9]+(.|e\-)[0-9]+)'?,?", "loss"),
    Metric("eval_loss", r"'eval_loss': '?([0-9]+(.|e\-)[0-9]+)'?,?", "eval_loss", EPOCH),
    Metric("", r"'eval_runtime': '?([0-9]+(.|e\-)[0-9]+)'?,?", "eval_runtime"),
    wanted=_except("loss", "eval_loss", "eval_accuracy", "eval_f1"),
    about="disable_tqdm=True, and the nested groups of Hugging Face's own definitions",
    junk=JUNK,
    either=EITHER,
)
def trainer_without_bar():
    trainer = _trainer(metrics=False, disable_tqdm=True)
    trainer.train()
    _tell(trainer, {"loss": "loss", "eval_loss": "eval_loss"})


@shapes(
    Metric("loss", _value("loss"), "train:loss"),
    about="log level info: Trainer's banner of settings before the steps",
    wanted={name: WANTED[name] for name in ("grad_norm", "learning_rate", "train_loss")},
    junk=[
        *JUNK,
        "Num Epochs",
        "Gradient Accumulation steps",
        "Total optimization steps",
        "Number of trainable parameters",
    ],
    either=EITHER[3:],
)
def trainer_info():
    from transformers.utils import logging

    logging.set_verbosity_info()
    trainer = _trainer(eval_strategy="no", disable_tqdm=True, logging_steps=1, num_train_epochs=2)
    trainer.train()
    _tell(trainer, {"loss": "train:loss"})


@shapes(
    Metric("eval_accuracy", r"eval_accuracy\s+=\s+([0-9.]+)", "eval:accuracy"),
    Metric("eval_loss", r"eval_loss\s+=\s+([0-9.]+)", "eval:loss"),
    about="trainer.log_metrics after train and evaluate: the examples' summary '***** eval metrics *****'",
    wanted={
        "train_loss": r"train_loss'?(?:\s+=|:) +'?([0-9.]+)",
        "training_loss": r"training_loss=([0-9.]+)",
        "eval_f1": r"eval_f1'?(?:\s+=|:)\s+'?([0-9.]+)",
        "eval_accuracy": WANTED["eval_accuracy"],
        "eval_loss": WANTED["eval_loss"],
    },
    junk=["epoch", "total_flos"],
    either=EITHER,
)
def summary():
    trainer = _trainer(disable_tqdm=True, eval_strategy="no", logging_strategy="no")
    result = trainer.train()
    trainer.log_metrics("train", result.metrics)
    scores = trainer.evaluate()
    tell("eval:accuracy", scores["eval_accuracy"])
    tell("eval:loss", scores["eval_loss"])
    trainer.log_metrics("eval", scores)
    print(result)


@shapes(
    Metric("loss", _value("loss"), "train:loss"),
    about="a learning rate beyond reason: 'loss': nan, 'grad_norm': nan",
    wanted={
        "grad_norm": r"'grad_norm': '?(nan|inf|[0-9.e+-]+)",
        "learning_rate": WANTED["learning_rate"],
        "train_loss": r"'train_loss': '?(nan|[0-9.e+-]+)",
    },
    junk=JUNK,
    either=EITHER[3:],
)
def trainer_diverging():
    import torch

    trainer = _trainer(eval_strategy="no", disable_tqdm=True, num_train_epochs=2, logging_steps=1)

    class Break:
        def __getitem__(self, at):
            return trainer_rows[at]

    trainer_rows = trainer.train_dataset
    from transformers import TrainerCallback

    class Spoil(TrainerCallback):
        def on_step_end(self, args, state, control, model=None, **words):
            if state.global_step == 4:
                with torch.no_grad():
                    model.classifier.weight.fill_(float("nan"))

    trainer.add_callback(Spoil())
    trainer.train()


@shapes(
    Metric("loss", rf"loss: {N[:-2]}", "train:loss"),
    Metric("accuracy", r"'accuracy': ([0-9.]+)", "eval:accuracy"),
    source="a loop written by hand, {accelerate} on {torch} really run",
    about="accelerator.print, the logger with its rank, and a dictionary behind 'epoch 0:'",
    step=r"step (\d+)",
)
def accelerate():
    import logging

    import torch
    from accelerate import Accelerator
    from accelerate.logging import get_logger

    logging.basicConfig(level=logging.INFO, format="%(asctime)s - %(levelname)s - %(name)s - %(message)s")
    accelerator = Accelerator(cpu=True)
    logger = get_logger("run_glue_no_trainer")
    torch.manual_seed(0)
    model, optimizer = torch.nn.Linear(4, 2), None
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    model, optimizer = accelerator.prepare(model, optimizer)
    data = torch.randn(64, 4)
    target = (data[:, 0] > 0).long()
    logger.info("***** Running training *****")
    logger.info("  Num examples = %d", 64)
    logger.info(accelerator.state, main_process_only=False)
    for epoch in range(3):
        for step in range(3):
            loss = torch.nn.functional.cross_entropy(model(data), target)
            accelerator.backward(loss)
            optimizer.step()
            optimizer.zero_grad()
            tell("train:loss", loss.item())
            accelerator.print(f"step {epoch * 3 + step} loss: {loss.item():.5f}")
        accuracy = (model(data).argmax(1) == target).float().mean().item()
        tell("eval:accuracy", accuracy)
        logger.info(f"epoch {epoch}: {{'accuracy': {accuracy}}}")


@shapes(
    Metric("eval_loss", _value("eval_loss"), "eval:loss", EPOCH),
    about="EarlyStopping in the Trainer with a ProgressCallback through a terminal, evaluation bars within",
    through="pty",
    wanted=_except("eval_loss"),
    junk=JUNK,
    either=EITHER,
)
def evaluation_bars():
    trainer = _trainer(num_train_epochs=2, logging_steps=4, per_device_eval_batch_size=4)
    trainer.train()
    _tell(trainer, {"eval_loss": "eval:loss"})


@shapes(
    Metric("loss", _value("loss"), "train:loss"),
    source="a program of our own in the form of TRL's trainers",
    about="DPO and GRPO rewards: names with slashes, negative values",
    wanted={
        "rewards/chosen": _value("rewards/chosen"),
        "rewards/rejected": _value("rewards/rejected"),
        "rewards/accuracies": _value("rewards/accuracies"),
        "rewards/margins": _value("rewards/margins"),
        "logps/chosen": _value("logps/chosen"),
        "learning_rate": _value("learning_rate"),
        "grad_norm": _value("grad_norm"),
    },
    junk=["epoch"],
)
def trl_dpo():
    for step in range(1, 9):
        loss = round(curve(step, 0.69, 0.2), 4)
        tell("train:loss", loss)
        print(
            {
                "loss": loss,
                "grad_norm": round(12.5 / step, 6),
                "learning_rate": 5e-07 / step,
                "rewards/chosen": round(-0.01 * step, 6),
                "rewards/rejected": round(-0.05 * step, 6),
                "rewards/accuracies": round(0.5 + step / 20, 4),
                "rewards/margins": round(0.04 * step, 6),
                "logps/chosen": -210.5 - step,
                "epoch": round(0.02 * step, 2),
            }
        )


@shapes(
    Metric("train_loss", r"\btrain_loss=([0-9.]+)", "train:loss"),
    source="really run, {transformers} on {torch}",
    wanted={"train_loss": r"'train_loss': '?([0-9.]+)", "training_loss": r"training_loss=([0-9.]+)"},
    about="the TrainOutput that train() returns, printed; logging switched off",
    either=EITHER[3:],
    junk=["epoch", "total_flos", "global_step"],
)
def train_output():
    trainer = _trainer(disable_tqdm=True, eval_strategy="no", logging_strategy="no", num_train_epochs=1)
    result = trainer.train()
    print(result)
    tell("train:loss", round(result.training_loss, 4))
    print(f"train_loss={result.training_loss:.4f}")


@shapes(
    Metric("loss", _value("loss"), "train:loss"),
    Metric("Perplexity", r"Perplexity: ([0-9.]+)", "eval:perplexity"),
    source="really run, {transformers} on {torch}",
    about="a causal language model made on the spot; Perplexity: 12.34 by hand",
    wanted={name: WANTED[name] for name in ("grad_norm", "learning_rate", "train_loss", "eval_loss")},
    junk=JUNK,
    either=EITHER,
)
def causal_lm():
    import math

    import torch
    from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments, set_seed

    set_seed(0)
    torch.set_num_threads(1)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=20, n_positions=16, n_embd=8, n_layer=1, n_head=2))
    rows = []
    for at in range(32):
        tokens = (torch.arange(8) + at) % 20
        rows.append({"input_ids": tokens, "labels": tokens})
    words = {
        "logging_steps": 2,
        "num_train_epochs": 3,
        "learning_rate": 0.01,
        "save_strategy": "no",
        "report_to": [],
    }
    trainer = Trainer(
        model,
        TrainingArguments("out", per_device_train_batch_size=8, use_cpu=True, disable_tqdm=True, **words),
        train_dataset=rows,
        eval_dataset=rows[:8],
    )
    trainer.train()
    _tell(trainer, {"loss": "train:loss"})
    perplexity = math.exp(trainer.evaluate()["eval_loss"])
    tell("eval:perplexity", perplexity)
    print(f"Perplexity: {perplexity:.2f}")
