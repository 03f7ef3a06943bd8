# ruff: noqa: D103, E501 - each program says in its decorator what it prints
"""The same numbers, found by every form of definition that people write."""

import sys

from shape import Catalogue, Metric, curve, rise, tell

N = r"([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)"
shapes = Catalogue("a program of our own, for forms of definitions")


def _lines(count=6):
    for step in range(count):
        yield step, curve(step), rise(step)


@shapes(
    Metric("loss", r"(?i)LOSS *[:=] *(?P<value>[0-9.]+)", "train:loss"),
    Metric("acc", r"(?<=acc=)[0-9.]+", "train:accuracy"),
    Metric("", r"\b(\d)(?:\.\d+) ratio\b", "ratio-digit"),
    about="flags, look-behind without a group, word boundaries",
    step=r"step (\d+)",
    either=["ratio"],
)
def flags_and_lookbehind():
    for step, loss, accuracy in _lines():
        tell("train:loss", loss)
        tell("train:accuracy", accuracy)
        print(f"step {step} Loss: {loss:.4f} acc={accuracy:.4f} {step}.5 ratio")


@shapes(
    Metric("", r"(?:train|val)_loss=(?P<values>[0-9.]+)", "all:loss"),
    wanted={"train_loss": r"train_loss=([0-9.]+)", "val_loss": r"val_loss=([0-9.]+)"},
    about="every match of a line (group 'values')",
    step=r"step (\d+)",
)
def every_match():
    for step, loss, _ in _lines():
        tell("all:loss", loss, loss + 0.1)
        print(f"step {step} train_loss={loss:.4f} val_loss={loss + 0.1:.4f}")


@shapes(
    Metric("loss", r"\[train\].* loss=([0-9.]+)", "loss"),
    Metric("l", r"\[warmup\].* l=([0-9.]+)", "loss"),
    Metric("acc", r"acc=(?P<value>[0-9.]+)(?P<scale>%?)", "accuracy"),
    about="two definitions of one name, a percent that counts",
    step=r"step=(\d+)",
)
def one_name_twice():
    for step, loss, accuracy in _lines(8):
        tell("loss", loss)
        tell("accuracy", accuracy)
        if step < 3:
            print(f"[warmup] step={step} l={loss:.4f} acc={accuracy:.4f}")
        else:
            print(f"[train] step={step} loss={loss:.4f} acc={100 * accuracy:.2f}%")


@shapes(
    Metric("", r"^(?P<epoch>\d+)/(?P<step>\d+): (?P<value>\S+)$", "train:loss"),
    about="step and epoch out of the match itself, anchors, Windows line ends",
    step=r"^\d+/(\d+):",
)
def step_in_the_match():
    for step, loss, _ in _lines(10):
        tell("train:loss", loss)
        sys.stdout.write(f"{step // 5}/{step * 7}: {loss:.5f}\r\n")


@shapes(
    Metric("loss", r"loss=(?P<value>[-+0-9.eE]+|nan|NaN|-?inf|-?Infinity)(?:,|$)", "train:loss"),
    about="nan, NaN, inf, -inf and Infinity",
    step=r"step=(\d+)",
)
def not_finite():
    for step, text in enumerate(["1.5", "nan", "NaN", "inf", "-inf", "Infinity", "1e400", "-1e-400", "2"]):
        tell("train:loss", float(text))
        print(f"step={step} loss={text}, ok")


@shapes(
    Metric("loss", r"loss=([0-9.]+)", "train:loss"),
    source="a program of our own; a collector wrote control characters as SageMaker's logs do",
    about="a bar whose carriage returns became #015 and its tabs #011",
    encode=lambda log: log.replace(b"\r", b"#015").replace(b"\t", b"#011"),
    junk=["it/s"],
)
def escaped_bar():
    for epoch in range(3):
        for batch in range(1, 5):
            tell("train:loss", curve(epoch * 4 + batch))
            print(
                f"\r{epoch}\t{batch * 25}%|{'#' * batch}| {batch}/4 [00:00<00:00, 31.2it/s, loss={curve(epoch * 4 + batch):.4f}]",
                end="",
            )
        print()


@shapes(
    Metric("val:acc", r"val:acc (\d+(?:\.\d+)?) ?%", "val:acc"),
    Metric("learning-rate", r"learning-rate (?P<value>[0-9.]+e[-+]\d+)", "train/learning-rate"),
    about="names with colons, slashes and dashes in the log and in the definition",
    step=r"step (\d+)",
)
def names_with_signs():
    for step, _, accuracy in _lines():
        tell("val:acc", 100 * accuracy)
        tell("train/learning-rate", 10.0 ** -(step + 1))
        print(f"step {step}: val:acc {100 * accuracy:.1f} % learning-rate {10.0 ** -(step + 1):.3e}")


@shapes(
    Metric("loss", r"(loss|cost)=(?P<value>[0-9.]+).*\1_end", "train:loss"),
    about="a back-reference: only the guarded worker can run it",
    step=r"step=(\d+)",
)
def back_reference():
    for step, loss, _ in _lines():
        tell("train:loss", loss)
        print(f"step={step} loss={loss:.4f} loss_end")
        print(f"step={step} loss={loss:.4f} cost_end")


@shapes(
    Metric("Verlust", r"Verlust: ([0-9.,]+)", "train:loss"),
    about="decimal commas of a German or French locale",
)
def decimal_comma():
    for step, loss, _ in _lines():
        tell("train:loss", loss)
        print(f"Epoche {step}: Verlust: {loss:.4f}".replace(".", ","))


@shapes(
    Metric("accuracy", r"accuracy of ([0-9.]+)", "test:accuracy"),
    Metric("loss", r"loss is (\S+)", "test:loss"),
    about="sentences: the number ends one, or stands before a comma",
    step=r"step (\d+)",
)
def sentences():
    for step, loss, accuracy in _lines():
        tell("test:accuracy", accuracy)
        tell("test:loss", loss)
        print(f"At step {step} the loss is {loss:.3f}, and we reached an accuracy of {accuracy:.3f}.")


@shapes(
    Metric("tokens", r"tokens=([0-9_]+)", "train:tokens"),
    about="underscores between thousands, as Python prints them with :_",
    step=r"step=(\d+)",
    junk=["step"],
)
def underscores():
    for step in range(1, 6):
        tell("train:tokens", step * 1_234_567)
        print(f"step={step} tokens={step * 1_234_567:_}")


@shapes(
    Metric("loss", r"loss ([0-9.]+)", "train:loss"),
    source="a shell script with tput, really run through a terminal",
    about="tput's colours: character sets (ESC ( B) beside CSI",
    through="pty",
    step=r"step (\d+)",
)
def tput():
    import subprocess

    for step, loss, _ in _lines():
        tell("train:loss", loss)
        script = f"tput bold; tput setaf 2; printf 'step {step} '; tput sgr0; printf 'loss '; tput smso; printf '{loss:.4f}'; tput sgr0; echo"
        subprocess.run(["sh", "-c", script], check=True)


@shapes(
    Metric("loss", r"loss ([0-9.]+)", "train:loss"),
    source="{rich}",
    about="links (OSC 8), titles (OSC 0) and text in 24 bit colours",
    through="pty",
    step=r"step (\d+)",
)
def hyperlinks():
    from rich.console import Console

    console = Console(force_terminal=True, color_system="truecolor")
    for step, loss, _ in _lines():
        tell("train:loss", loss)
        sys.stdout.write(f"\x1b]0;training {step}\x07")
        console.print(f"[link=https://example.org/run/{step}]step {step}[/link] loss [rgb(12,34,56)]{loss:.4f}[/]")
