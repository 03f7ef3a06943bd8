# ruff: noqa: D103, E501 - each program says in its decorator what it prints
"""JAX loops with Flax and Optax."""

from shape import Catalogue, Metric, curve, rise, tell

N = r"([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)"
shapes = Catalogue("a loop written by hand, {jax} really run")
CPU = {"JAX_PLATFORMS": "cpu"}


def _losses(steps):
    """(step, loss, accuracy) with Flax and Optax."""
    import jax
    import jax.numpy as jnp
    import optax
    from flax import linen

    class Model(linen.Module):
        @linen.compact
        def __call__(self, data):
            return linen.Dense(2)(linen.relu(linen.Dense(8)(data)))

    key = jax.random.key(0)
    data = jax.random.normal(key, (64, 4))
    target = (data[:, 0] > 0).astype(int)
    model, rule = Model(), optax.adam(0.05)
    weights = model.init(key, data)
    state = rule.init(weights)

    @jax.jit
    def step_of(weights, state):
        def loss_of(weights):
            logits = model.apply(weights, data)
            loss = optax.softmax_cross_entropy_with_integer_labels(logits, target).mean()
            return loss, (logits.argmax(1) == target).mean()

        (loss, accuracy), slope = jax.value_and_grad(loss_of, has_aux=True)(weights)
        change, state = rule.update(slope, state)
        return optax.apply_updates(weights, change), state, loss, accuracy

    for step in range(steps):
        weights, state, loss, accuracy = step_of(weights, state)
        yield step, loss, accuracy
    assert jnp


@shapes(
    Metric("train loss", rf"train loss: {N}", "train:loss"),
    Metric("train accuracy", r"train accuracy: ([0-9.]+)%", "train:accuracy"),
    about="print with an f-string of arrays",
    environment=CPU,
    step=r"step (\d+)",
)
def f_string():
    for step, loss, accuracy in _losses(10):
        tell("train:loss", float(loss))
        tell("train:accuracy", 100 * float(accuracy))
        print(f"step {step}, train loss: {loss:.4f}, train accuracy: {accuracy * 100:.2f}%")


@shapes(
    Metric("loss", rf"loss=(?:Array\()?{N}", "train:loss"),
    Metric("accuracy", r"accuracy=(?:Array\()?([0-9.]+)", "train:accuracy"),
    about="Array(0.5, dtype=float32) as it prints itself",
    environment=CPU,
)
def array_repr():
    for _, loss, accuracy in _losses(8):
        tell("train:loss", float(loss))
        tell("train:accuracy", float(accuracy))
        print(f"loss={loss!r} accuracy={accuracy!r}")


@shapes(
    Metric("train_loss", rf"train_loss={N}", "train:loss"),
    Metric("train_accuracy", rf"train_accuracy={N}", "train:accuracy"),
    about="absl logging in the form of Flax's examples: I1120 … [5] train_loss=0.5",
    environment=CPU,
    either=["steps_per_second"],
)
def absl_metric_writer():
    for step, loss, accuracy in _losses(8):
        tell("train:loss", float(loss))
        tell("train:accuracy", float(accuracy))
        print(
            f"I1120 10:00:{step:02d}.123456 140233456789312 logging_writer.py:48] [{step * 100}]"
            f" train_accuracy={accuracy:.6f}, train_loss={loss:.6f}, steps_per_second={310.5 + step}"
        )


@shapes(
    Metric("loss", rf"'loss': Array\({N}", "train:loss"),
    about="a dictionary of arrays printed as it is",
    environment=CPU,
    wanted={"accuracy": r"'accuracy': Array\(([0-9.]+)"},
)
def dictionary_of_arrays():
    for step, loss, accuracy in _losses(8):
        tell("train:loss", float(loss))
        print(step, {"loss": loss, "accuracy": accuracy})


@shapes(
    Metric("loss", rf"loss {N}", "train:loss"),
    about="jax.debug.print inside the step",
    environment=CPU,
    step=r"step (\d+)",
)
def debug_print():
    import jax

    @jax.jit
    def show(step, loss):
        jax.debug.print("step {s} loss {l}", s=step, l=loss, ordered=True)
        return loss

    for step in range(10):
        tell("train:loss", curve(step))
        show(step, curve(step)).block_until_ready()


@shapes(
    Metric("loss", rf"\bloss: {N}", "train:loss"),
    source="a program of our own in the form of MaxText",
    about="completed step: 1, seconds: 0.5, TFLOP/s/device: 120, Tokens/s/device: 9000, total_weights: 65536, loss: 10.8",
    step=r"completed step: (\d+)",
    junk=["seconds", "total_weights"],
    either=["TFLOP/s/device", "Tokens/s/device"],
)
def maxtext():
    for step in range(10):
        tell("train:loss", curve(step, 10.8, 6))
        print(
            f"completed step: {step}, seconds: {0.512 + step / 1000:.3f}, TFLOP/s/device: {120.3 + step:.3f},"
            f" Tokens/s/device: {9012.3 + step:.3f}, total_weights: 65536, loss: {curve(step, 10.8, 6):.3f}"
        )


@shapes(
    Metric("eval_acc", rf"eval_acc {N}", "eval:accuracy"),
    source="a program of our own in the form of T5X and Flax's language model example",
    about="names and values in columns, bars of dashes",
    wanted={"train_loss": rf"train_loss {N}"},
    step=r"step +(\d+)",
)
def columns():
    for step in range(0, 500, 100):
        tell("eval:accuracy", rise(step / 100))
        print(f"step {step:>6} --- train_loss {curve(step / 100):.4f} --- eval_acc {rise(step / 100):.4f}")
