# ruff: noqa: D103, E501 - each program says in its decorator what it prints
"""tqdm, rich and other bars through a terminal or a pipe."""

import sys
import time

from shape import Catalogue, Metric, curve, rise, tell

N = r"([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)"
shapes = Catalogue("a loop written by hand under a bar of {tqdm}")
RICH = "a loop written by hand under a bar of {rich}"


@shapes(
    Metric("loss", rf"loss={N}", "train:loss"),
    Metric("acc", rf"acc={N}", "train:accuracy"),
    about="set_postfix, through a terminal",
    refreshes=True,
    through="pty",
    junk=["it/s", "Epoch 0", "Epoch 1"],
)
def postfix():
    from tqdm import tqdm

    for epoch in range(2):
        with tqdm(range(8), desc=f"Epoch {epoch}", mininterval=0) as bar:
            for batch in bar:
                step = epoch * 8 + batch
                tell("train:loss", curve(step))
                bar.set_postfix(loss=curve(step), acc=f"{rise(step):.3f}")
                time.sleep(0.002)


@shapes(
    Metric("loss", rf"loss: {N}", "train:loss"),
    wanted={"lr": r"lr: ([0-9.e-]+)"},
    about="set_description with an f-string, into a pipe",
    refreshes=True,
    junk=["it/s", "s/it"],
    step=r"step (\d+) loss",
)
def description():
    from tqdm import tqdm

    bar = tqdm(range(20), mininterval=0)
    for step in bar:
        tell("train:loss", curve(step))
        bar.set_description(f"step {step} loss: {curve(step):.4f} lr: {1e-3 * 0.9**step:.2e}")


@shapes(
    Metric("train_loss", rf"train_loss={N}", "train:loss"),
    Metric("val_loss", rf"val_loss={N}", "validation:loss"),
    Metric("f1", rf"f1={N}%", "validation:f1"),
    about="trange over epochs with set_postfix_str and percentages",
    through="pty",
    junk=["epoch", "epochs"],
)
def epochs():
    from tqdm import trange

    with trange(10, desc="epochs", unit="epoch", mininterval=0) as bar:
        for epoch in bar:
            bar.set_postfix_str(
                f"train_loss={curve(epoch):.3f}, val_loss={curve(epoch) + 0.1:.3f}, f1={100 * rise(epoch):.1f}%"
            )
            time.sleep(0.002)


@shapes(
    Metric("loss", rf"^step \d+: loss = {N}", "train:loss"),
    about="tqdm.write above a bar",
    through="pty",
    step=r"^step (\d+):",
    junk=["Training"],
)
def write_above():
    from tqdm import tqdm

    for step in tqdm(range(12), desc="Training", mininterval=0):
        if step % 2 == 0:
            tell("train:loss", curve(step))
            tqdm.write(f"step {step}: loss = {curve(step):.5f}")
        time.sleep(0.002)


@shapes(
    Metric("loss", rf"[ ,]loss={N}", "train:loss"),
    Metric("val loss", rf"val loss {N}", "validation:loss"),
    about="two nested bars with leave=False, cursor movements between them",
    through="pty",
)
def nested():
    from tqdm import tqdm

    for epoch in tqdm(range(3), desc="epochs", mininterval=0):
        with tqdm(range(4), desc="batches", leave=False, mininterval=0) as inner:
            for batch in inner:
                inner.set_postfix({"loss": f"{curve(epoch * 4 + batch):.3e}"})
                time.sleep(0.002)
        tell("validation:loss", curve(epoch))
        tqdm.write(f"epoch done: val loss {curve(epoch):.4f}")


@shapes(
    about="bars of downloads, tokenisation and checkpoints: no metric at all",
    through="pty",
    junk=["examples/s", "MB/s", "it/s", "Downloading", "Map", "Loading checkpoint shards", "num_proc"],
)
def no_metrics():
    from tqdm import tqdm

    for name, unit, total, scale in [
        ("Downloading (…)model.bin", "B", 500_000_000, True),
        ("Map (num_proc=4)", " examples", 5000, False),
        ("Loading checkpoint shards", "it", 4, False),
        ("Saving the dataset (1/1 shards)", " examples", 120, False),
    ]:
        with tqdm(total=total, desc=name, unit=unit, unit_scale=scale, mininterval=0) as bar:
            for _ in range(4):
                bar.update(total // 4)
                time.sleep(0.002)


@shapes(
    Metric("loss", rf"loss={N}", "train:loss"),
    about="a bar in a log that cannot show it: ascii=True, a width of 80, every refresh",
    junk=["it/s"],
)
def ascii_bar():
    from tqdm import tqdm

    with tqdm(total=100, ascii=True, ncols=80, mininterval=0, file=sys.stdout) as bar:
        for step in range(10):
            bar.set_postfix(loss=curve(step), refresh=False)
            bar.update(10)


@shapes(
    Metric("Loss", rf"Loss: {N}", "train:loss"),
    source=RICH,
    about="a live progress with its own columns, through a terminal",
    through="pty",
    wanted={"Acc": rf"Acc: {N}"},
)
def rich_progress():
    from rich.progress import BarColumn, Progress, TextColumn

    columns = [TextColumn("{task.description}"), BarColumn(), TextColumn("Loss: {task.fields[loss]:.4f}")]
    with Progress(*columns, TextColumn("Acc: {task.fields[acc]:.3f}"), refresh_per_second=200) as progress:
        task = progress.add_task("training", total=6, loss=9.0, acc=0.0)
        for step in range(6):
            progress.update(task, advance=1, loss=curve(step), acc=rise(step), refresh=True)
            time.sleep(0.01)


@shapes(
    Metric("loss", rf"loss\s*=\s*{N}", "train:loss"),
    source=RICH,
    about="rich.print with markup and a table at the end",
    through="pty",
    columns={"Accuracy": r"Accuracy\W+([0-9.]+)", "F1": r"F1\W+([0-9.]+)"},
)
def rich_print_and_table():
    from rich import print as rich_print
    from rich.console import Console
    from rich.table import Table

    for epoch in range(5):
        tell("train:loss", curve(epoch))
        rich_print(f"[bold]Epoch {epoch}[/bold] [cyan]loss[/cyan] = {curve(epoch):.4f}")
    table = Table("Metric", "Value", title="Results")
    table.add_row("Accuracy", f"{rise(9):.4f}")
    table.add_row("F1", f"{rise(8):.4f}")
    Console().print(table)


@shapes(
    Metric("loss", rf"loss: {N}", "train:loss"),
    Metric("acc", rf"- acc: {N}", "train:accuracy"),
    source="a loop written by hand in the form of Keras 2's bar",
    about="backspaces before each refresh, ETA, the epoch's line with validation",
    through="pty",
    wanted={"val_loss": rf"val_loss: {N}", "val_acc": rf"val_acc: {N}"},
    junk=["ETA"],
)
def keras_2():
    for epoch in range(1, 3):
        print(f"Epoch {epoch}/2")
        for at in range(1, 5):
            step = epoch * 4 + at
            end = f"ETA: {4 - at}s" if at < 4 else "2s 31ms/step"
            tell("train:loss", curve(step))
            tell("train:accuracy", rise(step))
            line = f"{at * 25:>3}/100 [{'=' * at * 7 + '>':.<30}] - {end} - loss: {curve(step):.4f} - acc: {rise(step):.4f}"
            print("\b" * len(line) + "\r" + line, end="", flush=True)
        print(f" - val_loss: {curve(step) + 0.1:.4f} - val_acc: {rise(step) - 0.01:.4f}")


@shapes(
    Metric("Loss", r"Loss: ([0-9.]+) \|", "train:loss"),
    Metric("Acc", r"Acc: ([0-9.]+)% \(", "train:accuracy"),
    source="a loop written by hand in the form of pytorch-cifar's progress_bar",
    about="a bar with Step, Tot, Loss | Acc: 54% (27/50)",
    through="pty",
    junk=["Step", "Tot"],
)
def pytorch_cifar():
    for epoch in range(2):
        print(f"\nEpoch: {epoch}")
        for at in range(1, 6):
            right = int(100 * at * rise(epoch * 5 + at))
            tell("train:loss", curve(epoch * 5 + at))
            tell("train:accuracy", right / at)
            sys.stdout.write(" [" + "=" * at * 6 + ">" + "." * (30 - at * 6) + "]")
            sys.stdout.write(
                f"  Step: 31ms | Tot: {at * 31}ms | Loss: {curve(epoch * 5 + at):.3f} | Acc: {right / at:.3f}% ({right}/{at * 100})"
            )
            sys.stdout.write("\b" * 40 + f" {at}/5 ")
            sys.stdout.write("\r" if at < 5 else "\n")
            sys.stdout.flush()


@shapes(
    Metric("avg.loss", r"avg\.loss: +([0-9.]+) ETA", "train:loss"),
    source="a loop written by hand in the form of fastText",
    about="Progress: 12.3% words/sec/thread: 12345 lr: 0.04 avg.loss: 2.3 ETA: 0h 0m 4s",
    wanted={"lr": r"lr: +([0-9.]+)"},
    junk=["words/sec/thread", "Number of words", "Number of labels", "ETA", "Progress"],
)
def fasttext():
    print("Read 0M words\nNumber of words:  8952\nNumber of labels: 735", file=sys.stderr)
    for at in range(1, 11):
        tell("train:loss", curve(at))
        sys.stderr.write(
            f"\rProgress: {at * 10:5.1f}% words/sec/thread: {12345 + at:7d} lr: {0.5 - at / 20:9.6f} avg.loss: {curve(at):9.6f} ETA:   0h 0m{10 - at:2d}s"
        )
    sys.stderr.write("\n")
