"""Train by a trainer that steps by itself; prints the losses and norms that it computed, as PyTorch has them."""

import json
import sys

import torch

from epochwatch.debugger.hooks import watch

directory, way = sys.argv[1], sys.argv[2]
torch.manual_seed(0)
truth = {"loss": [], "norm": []}


def note_norm(model):
    squares = [float((one.grad.double() ** 2).sum()) for one in model.parameters() if one.grad is not None]
    truth["norm"].append(sum(squares) ** 0.5)


def lightning():
    import lightning

    class Net(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.fc1 = torch.nn.Linear(4, 8)
            self.fc2 = torch.nn.Linear(8, 1)

        def training_step(self, batch, _):
            loss = torch.nn.functional.mse_loss(self.fc2(torch.relu(self.fc1(batch[0]))), batch[1])
            truth["loss"].append(float(loss))
            return loss

        def on_after_backward(self):
            note_norm(self)

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters())

    data = torch.utils.data.TensorDataset(torch.randn(88, 4), torch.randn(88, 1))
    lightning.Trainer(
        max_epochs=1,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    ).fit(Net(), torch.utils.data.DataLoader(data, batch_size=8))


def huggingface():
    from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

    class Noting(Trainer):
        def training_step(self, model, *arguments, **named):
            loss = super().training_step(model, *arguments, **named)
            truth["loss"].append(float(loss))
            note_norm(model)
            return loss

    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    model = BertForSequenceClassification(BertConfig(vocab_size=50, **sizes))
    data = [{"input_ids": torch.randint(0, 50, (8,)), "labels": torch.tensor(number % 2)} for number in range(44)]
    arguments = TrainingArguments(
        output_dir=directory + "-out",
        max_steps=11,
        per_device_train_batch_size=4,
        max_grad_norm=0.5,
        use_cpu=True,
        report_to=[],
        save_strategy="no",
        disable_tqdm=True,
    )
    Noting(model, arguments, train_dataset=data).train()


hook = watch(out_dir=directory)
{"lightning": lightning, "huggingface": huggingface}[way]()
hook.close()
print(json.dumps(truth))
