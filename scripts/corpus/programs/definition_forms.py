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


@shapes(
    Metric("f", r"f= +([0-9.DE+-]+)", "train:objective"),
    Metric("|proj g|", r"\|proj g\|= +(\S+)", "train:gradient"),
    source="a program of our own in the form of L-BFGS-B's Fortran",
    about="exponents with a D, as Fortran writes them",
    junk=["N", "M", "At X0", "variables are exactly at the bounds"],
)
def fortran_exponents():
    print(
        "RUNNING THE L-BFGS-B CODE\n\n           * * *\n\nMachine precision = 2.220D-16\n N =           25     M =           10\n"
    )
    for step, loss, _ in _lines():
        tell("train:objective", loss * 1000)
        tell("train:gradient", loss / 1000)
        value, slope = (f"{number:.5E}".replace("E", "D") for number in (loss * 1000, loss / 1000))
        print(f"At iterate {step:4d}    f=  {value}    |proj g|=  {slope}")


@shapes(
    Metric("reward", r"reward ([-−+]?[0-9.]+)", "episode:reward"),
    about="a minus sign as typographers write it (U+2212)",
)
def typographic_minus():
    for step, loss, _ in _lines():
        tell("episode:reward", -loss)
        print(f"episode {step}: reward −{loss:.3f}")


@shapes(
    Metric("loss", r"loss[ =:]+([0-9.]+)", "train:loss"),
    about="the ways to write a step, one on each line",
    step=r"(?i)(?:step|iter(?:ation)?)['\"]?[ \t=:#]*['\"]?[\[(]? *(\d[\d,]*)",
)
def step_forms():
    forms = [
        "step=1", "Step 2,", "STEP: 3", "[step 4]", "Iteration #5", "iter 6/100", "Step [7/500]", '"step": 8', "'step': '9'",
        "global_step=10", "Global step: 11", "step\t12", "Step 1,300", "Iter[1400]", "iteration     1500/    9000 |", "step(1600)",
    ]  # fmt: skip
    for at, form in enumerate(forms):
        tell("train:loss", curve(at))
        print(f"{form} loss={curve(at):.4f}")


@shapes(
    Metric("loss", r"loss=(?<value>[0-9.]+) at (?<step>\d+)", "train:loss"),
    about="groups in Java's form, (?<value>…)",
    step=r"at (\d+)",
)
def java_groups():
    for step, loss, _ in _lines():
        tell("train:loss", loss)
        print(f"loss={loss:.4f} at {step * 100}")


@shapes(
    *(
        Metric(f"layer{layer}/norm" if layer < 5 else "", rf"layer{layer}/norm: ([0-9.]+)", f"norm:{layer}")
        for layer in range(45)
    ),
    about="45 definitions, one for each layer, names that begin alike",
    either=[f"layer{layer}/norm" for layer in range(5, 45)],
    step=r"step (\d+)",
)
def many_definitions():
    for step in range(4):
        print(f"step {step}")
        for layer in range(45):
            tell(f"norm:{layer}", curve(step + layer / 10))
            print(f"layer{layer}/norm: {curve(step + layer / 10):.4f}")


@shapes(
    Metric("loss", r"loss=([0-9.]+)", "a"),
    Metric("", r"loss=([0-9.]+)", "b"),
    Metric("", r"loss=([0-9.]*)", "c"),
    Metric("", r"loss(?:=([0-9.]+))?", "d"),
    about="several names for one text, groups that are empty or take no part",
)
def one_text_many_names():
    for _, loss, _ in _lines():
        for name in "abcd":
            tell(name, loss)
        print(f"loss={loss:.4f}\nno loss here\nloss=\nloss=none")


@shapes(
    Metric("loss", r"loss=(.+?)(?:;|$)", "train:loss"),
    Metric("acc", r"^acc.*=([0-9.]+)$", "train:accuracy"),
    about="control bytes that end no line: vertical tab, form feed, NUL, NEL, U+2028; two carriage returns",
    step=r"step=(\d+)",
)
def control_bytes():
    between = ["\x0b", "\x0c", "\x00", "\x85", "\u2028", "\x1c"]
    for step, loss, accuracy in _lines():
        tell("train:loss", loss)
        tell("train:accuracy", accuracy)
        sys.stdout.write(
            f"step={step}{between[step]}loss={loss:.4f};{between[step]}\nacc{between[step]}={accuracy:.4f}\r\r\n"
        )


@shapes(
    Metric("tokens", r"tokens (?P<value>[0-9.,]+) ?(?P<scale>[kKMGBT%]?)", "train:tokens"),
    about="every suffix, with and without a blank, with separators",
)
def scales():
    forms = [
        ("12k", 12e3),
        ("12 K", 12e3),
        ("1.5M", 1.5e6),
        ("2 G", 2e9),
        ("3B", 3e9),
        ("0.5T", 5e11),
        ("99.5%", 0.995),
    ]
    forms += [("1,250", 1250), ("1,250.5k", 1250500), ("7", 7), ("7 tokens", 7)]
    for form, value in forms:
        tell("train:tokens", value)
        print(f"tokens {form}")


@shapes(
    Metric("précision", r"(?i)PRÉCISION\s*=\s*([0-9.]+)", "précision"),
    Metric("", r"(?x) perte \s = \s (?P<value> [0-9]+ \. [0-9]+ )   # with a comment", "perte"),
    Metric("", r"étape\W+(?P<value>\w+)\b", "étape"),
    about="patterns beyond ASCII, with flags and comments",
    either=["perte", "étape"],
)
def wide_patterns():
    for step, loss, accuracy in _lines():
        tell("précision", accuracy)
        tell("perte", loss)
        tell("étape", step)
        print(f"étape {step} – Précision = {accuracy:.4f}; perte = {loss:.4f}")


@shapes(
    Metric("loss", r"loss=(\S+)", "train:loss"),
    about="what other libraries print for no number: -nan, -nan(ind), 1.#INF",
    step=r"step=(\d+)",
)
def c_not_finite():
    forms = {
        "0.5": 0.5,
        "-nan": float("nan"),
        "nan(ind)": float("nan"),
        "-nan(ind)": float("nan"),
        "INF": float("inf"),
    }
    for step, (form, value) in enumerate(forms.items()):
        tell("train:loss", value)
        print(f"step={step} loss={form}")
