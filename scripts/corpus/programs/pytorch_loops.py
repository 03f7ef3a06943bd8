# ruff: noqa: D103, E501 - each program says in its decorator what it prints
"""PyTorch training loops as people write them by hand."""

import sys
import time

from shape import Catalogue, Metric, curve, rise, tell

N = r"([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)"
shapes = Catalogue("a loop written by hand")
REAL = "a loop written by hand, {torch} really run"


def _torch_problem(seed=0):
    import torch

    torch.manual_seed(seed)
    torch.set_num_threads(1)
    data = torch.randn(128, 8)
    target = (data[:, 0] * data[:, 1] > 0).long()
    model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 2))
    return torch, data, target, model


def _train(epochs, batch=32, rate=0.1):
    """(epoch, batch, loss as a tensor, gradient's norm) of each step."""
    torch, data, target, model = _torch_problem()
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    for epoch in range(epochs):
        for at in range(0, len(data), batch):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(data[at : at + batch]), target[at : at + batch])
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            yield epoch, at // batch, loss, norm


@shapes(
    Metric("Loss", rf"Train Epoch: \d+ .*Loss: {N}", "train:loss"),
    Metric("Average loss", rf"Average loss: {N},", "test:loss", r"Train Epoch: (\d+)"),
    Metric("Accuracy", r"Accuracy: \d+/\d+ \((\d+)%\)", "test:accuracy", r"Train Epoch: (\d+)"),
    source=REAL,
    about="the form of PyTorch's MNIST example",
    junk=["Train Epoch"],
)
def mnist_example():
    import torch

    data = None
    for epoch, batch, loss, _ in _train(3, 16):
        tell("train:loss", loss.item())
        print(f"Train Epoch: {epoch + 1} [{batch * 16}/128 ({100.0 * batch / 8:.0f}%)]\tLoss: {loss.item():.6f}")
        data = loss
        if batch == 7:
            average, correct = data.item(), int(128 * rise(epoch))
            tell("test:loss", average)
            tell("test:accuracy", round(100 * correct / 128))
            print(
                f"\nTest set: Average loss: {average:.4f}, Accuracy: {correct}/128 ({100.0 * correct / 128:.0f}%)\n"
            )
    assert torch


@shapes(
    Metric("Loss", rf"\tLoss {N} \(", "train:loss"),
    Metric("Acc@1", r"Epoch: .*Acc@1\s+([0-9.]+) \(", "train:acc1"),
    Metric("Acc@5", r"Epoch: .*Acc@5\s+([0-9.]+) \(", "train:acc5"),
    Metric("Acc@1", r" \* Acc@1 ([0-9.]+)", "validation:acc1", r"Epoch: \[(\d+)\]"),
    about="the form of PyTorch's ImageNet example: meters with their averages",
    wanted={"Acc@1": r"^Test: .*Acc@1 +([0-9.]+)", "Acc@5": r" \* .*Acc@5 ([0-9.]+)"},
    junk=["Time", "Data", "Test"],
)
def imagenet_example():
    for epoch in range(2):
        for batch in range(0, 100, 10):
            step = epoch * 100 + batch
            loss, one = curve(step, 6.9, 2.0, 0.01), 60 * rise(step, pace=0.01)
            tell("train:loss", loss)
            tell("train:acc1", one)
            tell("train:acc5", one * 1.4)
            print(
                f"Epoch: [{epoch}][{batch:>3}/100]\tTime {0.5 + batch / 400:6.3f} ({0.55:6.3f})\t"
                f"Data {0.01:6.3f} ({0.02:6.3f})\tLoss {loss:.4e} ({loss + 0.1:.4e})\t"
                f"Acc@1 {one:6.2f} ({one - 1:6.2f})\tAcc@5 {one * 1.4:6.2f} ({one * 1.4 - 1:6.2f})"
            )
        print("Test: [ 0/20]\tTime  0.401 ( 0.401)\tLoss 2.0123e+00 (2.0123e+00)\tAcc@1  50.00 ( 50.00)")
        tell("train:loss", 2.0123)
        tell("validation:acc1", 40.5 + epoch)
        print(f" * Acc@1 {40.5 + epoch:.3f} Acc@5 {70.25 + epoch:.3f}")


@shapes(
    Metric("loss", rf"^iter \d+: loss {N},", "train:batch-loss"),
    Metric("train loss", rf"train loss {N}, val", "train:loss"),
    Metric("val loss", rf"val loss {N}", "validation:loss"),
    wanted={"mfu": r"mfu ([-0-9.]+)%"},
    about="the form of nanoGPT",
    step=r"^(?:iter|step) (\d+):",
    junk=["time", "tokens per iteration will be", "number of parameters", "num decayed parameter tensors"],
)
def nanogpt():
    print("tokens per iteration will be: 491,520")
    print("number of parameters: 123.59M")
    print("num decayed parameter tensors: 50, with 124,354,560 parameters")
    for step in range(0, 60):
        loss = curve(step, 10.9, 3.0, 0.05)
        if step % 20 == 0:
            tell("train:loss", loss + 0.02)
            tell("validation:loss", loss + 0.05)
            print(f"step {step}: train loss {loss + 0.02:.4f}, val loss {loss + 0.05:.4f}")
        if step % 2 == 0:
            tell("train:batch-loss", loss)
            print(
                f"iter {step}: loss {loss:.4f}, time {312.5 + step / 10:.2f}ms, mfu {17.5 - 1 / (step + 1):.2f}%"
            )


@shapes(
    Metric("loss", rf"loss: {N} \| lr", "train:loss"),
    wanted={
        "lr": r"lr ([0-9.e+-]+) \|",
        "norm": r"norm: ([0-9.]+) \|",
        "tok/sec": r"tok/sec: ([0-9.]+)",
        "validation loss": r"validation loss: ([0-9.]+)",
    },
    about="the form of build-nanogpt: pipes, lr, norm, tok/sec",
    step=r"^step +(\d+) \|",
    junk=["dt", "total desired batch size", "total_tokens"],
)
def build_nanogpt():
    print("total desired batch size: 524288")
    print("=> calculated gradient accumulation steps: 16")
    for step in range(20):
        loss = curve(step, 10.95, 5.0)
        if step % 10 == 0:
            print(f"validation loss: {loss + 0.01:.4f}")
        tell("train:loss", loss)
        print(
            f"step {step:5d} | loss: {loss:.6f} | lr {6e-4 * (step + 1) / 715:.4e} | norm: {12 / (step + 1):.4f} |"
            f" dt: {331.4:.2f}ms | tok/sec: {1_582_123 + step * 17:.2f}"
        )


@shapes(
    Metric("loss", rf"\] loss: {N}", "train:loss"),
    wanted={"Accuracy of the network on the 10000 test images": r"test images: (\d+) %"},
    source=REAL,
    either=["Accuracy"],
    about="the form of the CIFAR tutorial: [epoch, batch] loss",
)
def cifar_tutorial():
    running = 0.0
    for epoch, batch, loss, _ in _train(4, 8):
        running += loss.item()
        if batch % 4 == 3:
            tell("train:loss", running / 4)
            print(f"[{epoch + 1}, {batch + 1:5d}] loss: {running / 4:.3f}")
            running = 0.0
    print("Finished Training")
    print("Accuracy of the network on the 10000 test images: 54 %")


@shapes(
    Metric("loss", rf"^loss: {N} +\[", "train:loss"),
    Metric("Accuracy", r"Accuracy: ([0-9.]+)%", "test:accuracy"),
    Metric("Avg loss", r"Avg loss: ([0-9.]+)", "test:loss"),
    source=REAL,
    about="the form of PyTorch's quickstart",
    step=r"^Epoch (\d+)$",
)
def quickstart():
    for epoch, batch, loss, _ in _train(3, 16):
        if batch == 0:
            print(f"Epoch {epoch + 1}\n-------------------------------")
        if batch % 2 == 0:
            tell("train:loss", loss.item())
            print(f"loss: {loss.item():>7f}  [{batch * 16 + 16:>5d}/{128:>5d}]")
        if batch == 7:
            tell("test:accuracy", 100 * rise(epoch))
            tell("test:loss", loss.item())
            print(f"Test Error: \n Accuracy: {100 * rise(epoch):>0.1f}%, Avg loss: {loss.item():>8f} \n")
    print("Done!")


@shapes(
    Metric("loss", r"loss: (?:tensor\()?([0-9.]+)", "train:loss"),
    Metric("grad norm", r"grad norm: tensor\(([0-9.]+)\)", "train:grad-norm"),
    source=REAL,
    about="tensors printed as they are",
    step=r"^step (\d+)",
)
def tensors():
    for step, (_, _, loss, norm) in enumerate(_train(4)):
        tell("train:loss", loss.item())
        tell("train:grad-norm", norm.item())
        print("step", step, "loss:", loss, "grad norm:", norm)


@shapes(
    Metric("Loss", rf"Loss: {N}$", "train:loss"),
    source=REAL,
    about="Epoch [1/5], Step [2/4], Loss: 0.5",
    step=r"Step \[(\d+)/",
)
def epoch_step_brackets():
    for epoch, batch, loss, _ in _train(5):
        tell("train:loss", loss.item())
        print(f"Epoch [{epoch + 1}/5], Step [{batch + 1}/4], Loss: {loss.item():.4f}")


@shapes(
    Metric("Train Loss", rf"Train Loss: {N}", "train:loss"),
    Metric("Train Acc", r"Train Acc: ([0-9.]+)%", "train:accuracy"),
    Metric("Val. Loss", rf"Val\. Loss: {N}", "validation:loss"),
    Metric("Val. Acc", r"Val\. Acc: ([0-9.]+)%", "validation:accuracy"),
    about="three lines an epoch, with tabs and pipes",
    step=r"^Epoch: (\d+) \|",
    junk=["Epoch Time"],
)
def tabs_and_pipes():
    for epoch in range(8):
        loss, accuracy = curve(epoch), 100 * rise(epoch)
        tell("train:loss", loss)
        tell("train:accuracy", accuracy)
        tell("validation:loss", loss + 0.1)
        tell("validation:accuracy", accuracy - 2)
        print(f"Epoch: {epoch + 1:02} | Epoch Time: 0m {3 + epoch % 2}s")
        print(f"\tTrain Loss: {loss:.3f} | Train Acc: {accuracy:.2f}%")
        print(f"\t Val. Loss: {loss + 0.1:.3f} |  Val. Acc: {accuracy - 2:.2f}%")


@shapes(
    Metric("train Loss", rf"train Loss: {N}", "train:loss"),
    Metric("val Loss", rf"val Loss: {N}", "validation:loss"),
    Metric("Acc", rf"val Loss: .* Acc: {N}", "validation:accuracy"),
    wanted={"Acc": rf"train Loss: .* Acc: {N}", "Best val Acc": rf"Best val Acc: {N}"},
    about="the form of the transfer learning tutorial",
    step=r"^Epoch (\d+)/",
    junk=["Training complete in"],
)
def transfer_tutorial():
    for epoch in range(6):
        print(f"Epoch {epoch}/5")
        print("-" * 10)
        for phase, label in (("train", "train"), ("val", "validation")):
            loss, accuracy = curve(epoch) + (phase == "val") / 10, rise(epoch)
            tell(f"{label}:loss", loss)
            if phase == "val":
                tell("validation:accuracy", accuracy)
            print(f"{phase} Loss: {loss:.4f} Acc: {accuracy:.4f}")
        print()
    print("Training complete in 1m 12s")
    print(f"Best val Acc: {rise(5):4f}")


@shapes(
    Metric("Training Loss", rf"Training Loss: {N}", "train:loss"),
    Metric("Validation Loss", rf"Validation Loss: {N}", "validation:loss"),
    about="tabs between Training Loss and Validation Loss, early stopping messages",
    step=r"^Epoch: (\d+)",
    junk=["EarlyStopping counter", "out of"],
    either=["Validation loss decreased"],
)
def early_stopping():
    best = 9.0
    for epoch in range(1, 13):
        loss = curve(epoch)
        held = curve(epoch, 2.4, 0.8) + 0.04 * max(0, epoch - 6)
        tell("train:loss", loss)
        tell("validation:loss", held)
        print(f"Epoch: {epoch} \tTraining Loss: {loss:.6f} \tValidation Loss: {held:.6f}")
        if held < best:
            print(f"Validation loss decreased ({best:.6f} --> {held:.6f}).  Saving model ...")
            best = held
        else:
            print(f"EarlyStopping counter: {epoch - 6} out of 7")


@shapes(
    Metric("", r"^\d+ ([0-9.]+)$", "train:loss"),
    source=REAL,
    about="nothing but the step and the loss",
)
def bare_numbers():
    for step, (_, _, loss, _) in enumerate(_train(5)):
        tell("train:loss", loss.item())
        print(step, loss.item())


@shapes(
    Metric("G_loss", rf"G_loss: {N}", "gan:generator"),
    Metric("D_loss", rf"D_loss: {N}", "gan:discriminator"),
    Metric("D(x)", rf"D\(x\): {N}", "gan:dx"),
    wanted={"D(G(z))": rf"D\(G\(z\)\): {N}"},
    about="the form of the DCGAN example",
    junk=["Batch"],
)
def dcgan():
    for epoch in range(3):
        for batch in range(0, 50, 10):
            step = epoch * 50 + batch
            fake = curve(step, 5.0, 1.5, 0.02)
            tell("gan:generator", fake)
            tell("gan:discriminator", 1 / fake)
            tell("gan:dx", rise(step))
            print(
                f"[{epoch}/3][{batch}/50]\tD_loss: {1 / fake:.4f}\tG_loss: {fake:.4f}\tD(x): {rise(step):.4f}\t"
                f"D(G(z)): {0.4:.4f} / {0.2 + step / 1000:.4f}"
            )


@shapes(
    Metric("Train_error", r"Train_error=(.*?);", "train:error"),
    Metric("Valid_error", r"Valid_error=(.*?);", "validation:error"),
    Metric("GAN_loss", r"GAN_loss=(.*?);", "ganloss"),
    Metric("Disc_train_loss", r"Disc_train_loss=(.*?);", "discriminator"),
    about="the semicolon form of SageMaker's guide",
    wanted={"Gen_train_loss": r"Gen_train_loss=(.*?);"},
)
def semicolons():
    for step in range(10):
        error, loss = curve(step, 0.9, 0.1), curve(step)
        tell("train:error", error)
        tell("validation:error", error + 0.02)
        tell("ganloss", loss)
        print(f"Train_error={error:.6f};  Valid_error={error + 0.02:.6f};")
        print(f"GAN_loss={loss};  Scaled_reg=; Gen_train_loss={loss / 2:.3f}; Disc_train_loss={loss / 3:.3e};")


@shapes(
    Metric("Last reward", rf"Last reward: {N}", "episode:reward"),
    Metric("Average reward", rf"Average reward: {N}", "average:reward"),
    about="the form of PyTorch's REINFORCE example, negative rewards",
    junk=["Episode"],
)
def reinforce():
    for episode in range(10, 130, 10):
        last = -200 + 30 * (episode // 10) + (episode % 7)
        average = -180 + 27.5 * episode / 10
        tell("episode:reward", last)
        tell("average:reward", average)
        print(f"Episode {episode}\tLast reward: {last:.2f}\tAverage reward: {average:.2f}")


@shapes(
    Metric("ppl", rf"\| ppl +{N}", "train:perplexity"),
    Metric("loss", rf"\| +loss +{N} \|", "train:loss"),
    Metric("valid loss", rf"valid loss +{N}", "validation:loss", r"epoch +(\d+)"),
    wanted={"valid ppl": rf"valid ppl +{N}", "lr": r"lr ([0-9.]+) \|"},
    about="the form of the word language model example: fractions of batches, valid lines between rulers",
    junk=["batches", "ms/batch", "time"],
)
def word_language_model():
    for epoch in range(1, 4):
        for batch in range(200, 1200, 200):
            loss = curve(epoch * 6 + batch / 200, 7, 4.5)
            tell("train:loss", loss)
            tell("train:perplexity", 2.71828**loss)
            print(
                f"| epoch {epoch:3d} | {batch:5d}/ 1327 batches | lr {20 / epoch:02.2f} | ms/batch {11.5:5.2f} |"
                f" loss {loss:5.2f} | ppl {2.71828**loss:8.2f}"
            )
        print("-" * 89)
        tell("validation:loss", loss + 0.1)
        print(
            f"| end of epoch {epoch:3d} | time: {14.2:5.2f}s | valid loss {loss + 0.1:5.2f} |"
            f" valid ppl {2.71828 ** (loss + 0.1):8.2f}"
        )
        print("-" * 89)


@shapes(
    Metric("loss", r"loss=(?P<value>[0-9.]+|nan|inf)", "train:loss"),
    Metric("scale", r"scale=([0-9.e+]+)", "amp:scale"),
    wanted={"grad_norm": r"grad_norm=([0-9.]+|inf|nan)"},
    about="mixed precision that overflows: nan, inf, exponents",
    step=r"step=(\d+)",
)
def overflow():
    scale = 65536.0
    for step in range(12):
        loss = float("nan") if step in (4, 5) else curve(step)
        norm = float("inf") if step == 4 else 3.0 / (step + 1)
        if step == 4:
            scale /= 2
        tell("train:loss", loss)
        tell("amp:scale", scale)
        print(f"step={step} loss={loss:.5f} grad_norm={norm:.3f} scale={scale:.4e}")
        if step == 4:
            print("Gradient overflow.  Skipping step, loss scaler 0 reducing loss scale to 32768.0")


@shapes(
    Metric("tokens seen", r"tokens seen: (?P<value>[0-9.]+)(?P<scale>[kMB]?)", "train:tokens"),
    Metric("throughput", r"throughput: (?P<value>[0-9.,]+)(?P<scale>k?) tok/s", "train:throughput"),
    Metric("loss", rf"loss: {N}", "train:loss"),
    about="k and M suffixes and thousands separators",
    step=r"^step (\d+(?:,\d+)*)",
)
def suffixes():
    for at, (tokens, told) in enumerate([(512e3, "512.0k"), (1.5e6, "1.5M"), (2e9, "2.0B"), (12, "12")]):
        tell("train:tokens", tokens)
        tell(
            "train:throughput",
            12_345 + at,
        )
        tell("train:loss", curve(at))
        print(
            f"step {1000 + at:,} | tokens seen: {told} | throughput: {12_345 + at:,} tok/s | loss: {curve(at):.4f}"
        )
    for at in range(4, 8):
        tell("train:tokens", (at + 1) * 1e6)
        tell("train:throughput", (12.5 + at) * 1000)
        tell("train:loss", curve(at))
        print(
            f"step {1000 + at:,} | tokens seen: {at + 1}M | throughput: {12.5 + at:.1f}k tok/s | loss: {curve(at):.4f}"
        )


@shapes(
    Metric("loss", rf"loss {N}", "train:loss"),
    about="carriage returns by hand: print(..., end='\\r')",
    junk=["batch"],
)
def carriage_return_by_hand():
    for epoch in range(2):
        for batch in range(1, 16):
            loss = curve(epoch * 15 + batch)
            tell("train:loss", loss)
            print(f"\repoch {epoch} batch {batch}/15 loss {loss:.4f}", end="")
        print()


@shapes(
    Metric("loss", rf"loss={N}", "train:loss"),
    source=REAL,
    about="a run that ends in a stack trace with numbers in it",
    step=r"step=(\d+)",
    junk=["line", "mat1 and mat2 shapes cannot be multiplied"],
    fails=True,
)
def stack_trace():
    torch, data, _, model = _torch_problem()
    for step, (_, _, loss, _) in enumerate(_train(2)):
        tell("train:loss", loss.item())
        print(f"step={step} loss={loss.item():.4f}")
    sys.stdout.flush()
    model(torch.cat([data, data], 1))


@shapes(
    Metric("loss", rf"loss={N}", "train:loss"),
    about="bytes that are no UTF-8, beside metrics and alone",
    step=r"step=(\d+)",
)
def invalid_utf8():
    for step in range(8):
        tell("train:loss", curve(step))
        sys.stdout.buffer.write(b"caf\xe9 \xff\xfe file=\x80\x81.txt\n")
        sys.stdout.buffer.write(f"step={step} ".encode() + b"\xc3\x28 " + f"loss={curve(step):.4f}\n".encode())
    sys.stdout.buffer.flush()


@shapes(
    Metric("précision", rf"précision = {N}", "précision"),
    Metric("损失", rf"损失[:：] ?{N}", "loss"),
    about="names beyond ASCII",
    wanted={"μ_loss": rf"μ_loss={N}"},
)
def names_beyond_ascii():
    for step in range(6):
        tell("précision", rise(step))
        tell("loss", curve(step))
        print(f"Époque {step} — précision = {rise(step):.4f}")
        print(f"第{step}轮 损失：{curve(step):.4f} μ_loss={curve(step) / 2:.4f}")


@shapes(
    Metric("train/loss", rf"train/loss: {N}"),
    wanted={"eval/acc": rf"eval/acc: {N}"},
    about="names with slashes and aligned columns",
    step=r"^ *step: (\d+)",
    junk=["time/step", "time/data", "memory/allocated_gb"],
)
def slashes():
    for step in range(0, 50, 5):
        tell("train/loss", curve(step))
        print(
            f"step: {step:<6} train/loss: {curve(step):<10.5f} eval/acc: {rise(step):<8.4f}"
            f" time/step: {0.123:<8} time/data: {0.01:<8} memory/allocated_gb: {1.5}"
        )


@shapes(
    Metric("Loss", r"Loss = ([0-9.]+)", "train:loss"),
    Metric("Top-1", r"Top-1 = ([0-9.]+)%", "validation:top1"),
    about="ANSI colours around names and numbers",
    step=r"Epoch (\d+)",
    through="pty",
    wanted={"Top-5": r"Top-5 = ([0-9.]+)%"},
)
def colours():
    for epoch in range(8):
        tell("train:loss", curve(epoch))
        tell("validation:top1", 100 * rise(epoch))
        print(
            f"\x1b[1m\x1b[34mEpoch {epoch}\x1b[0m  \x1b[33mLoss\x1b[0m = \x1b[31m{curve(epoch):.4f}\x1b[0m"
            f"  Top-1 = \x1b[38;5;82m{100 * rise(epoch):.2f}%\x1b[0m  Top-5 = \x1b[1;32m{100 * rise(epoch, 0.99):.2f}\x1b[m%"
        )


@shapes(
    Metric("train_loss", r"\btrain_loss\b[^0-9]*([0-9.]+)", "train:loss"),
    wanted={"val_loss": r"\bval_loss\b[^0-9]*([0-9.]+)", "val_f1": r"\bval_f1\b[^0-9]*([0-9.]+)"},
    about="one metric a line, aligned with dots",
    step=r"epoch \.+ (\d+)",
)
def dotted_columns():
    for epoch in range(5):
        tell("train:loss", curve(epoch))
        for name, value in [
            ("train_loss", curve(epoch)),
            ("val_loss", curve(epoch) + 0.1),
            ("val_f1", rise(epoch)),
        ]:
            print(f"  {name} {'.' * (20 - len(name))} {value:.4f}")
        print(f"epoch {'.' * 15} {epoch}")


@shapes(
    Metric("val_acc", r"val_acc=([0-9.]+)", "validation:accuracy"),
    about="housekeeping all around: arguments, devices, parameters, sizes, paths, a checkpoint's name with a number",
    junk=["batch_size", "seed", "epochs", "lr", "num_workers", "Total params", "Epoch time", "GPU memory", "port"],
    wanted={"loss": r" loss=([0-9.]+)"},
    step=r"epoch=(\d+) ",
)
def housekeeping():
    print("Namespace(batch_size=32, epochs=5, lr=0.001, seed=42, num_workers=4, dist_url='tcp://127.0.0.1:23456')")
    print("Using device: cuda:0, GPU memory: 40536 MB, driver 535.104, port=29500")
    print("Total params: 11,173,962\nTrainable params: 11,173,962\nModel size: 42.63 MB")
    for epoch in range(5):
        tell("validation:accuracy", rise(epoch))
        print(
            f"epoch={epoch} loss={curve(epoch):.4f} val_acc={rise(epoch):.4f} time={1.2 + epoch / 10:.1f}s eta=0:00:{5 - epoch:02d}"
        )
        print(f"Saved /opt/ml/checkpoints/epoch_{epoch}-val_acc_{rise(epoch):.2f}.pt (42.6 MB) in 0.31s")


@shapes(
    Metric("loss", rf"loss: (?P<value>{N[1:-1]}) \[", "train:loss"),
    about="a step of seven digits with separators, a loss in brackets behind it",
    step=r"Step ([\d,]+)",
    wanted={"lr": r"lr: ([0-9.e-]+)"},
    junk=["ETA", "speed"],
)
def long_steps():
    for step in range(1_000_000, 1_010_000, 1000):
        loss = curve(step / 1e5)
        tell("train:loss", loss)
        print(
            f"Step {step:,} (67.{step % 97}%) loss: {loss:.5f} [avg {loss + 0.1:.5f}] lr: {3e-5:.2e} ETA: 3:12:07 speed: 3.1 it/s"
        )
    time.sleep(0)
