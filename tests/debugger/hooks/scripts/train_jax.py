"""Train with Optax in one of several ways; prints what NumPy makes of the same arrays."""

import json
import sys
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from epochwatch.debugger.hooks import watch
from epochwatch.debugger.hooks.config import CollectionConfig, HookConfig
from epochwatch.debugger.hooks.jax import JaxHook

directory, way = sys.argv[1], sys.argv[2]
of = np.random.default_rng(0)
features = jnp.asarray(of.normal(size=(32, 5)), jnp.float32)
targets = features[:, :1] * 2 + 1


def loss_of(params, scale=1.0):
    hidden = jnp.tanh(features @ params["params"]["fc1"]["kernel"] + params["params"]["fc1"]["bias"])
    return scale * jnp.mean((hidden @ params["params"]["fc2"]["kernel"] - targets) ** 2)


def initial():
    keys = jax.random.split(jax.random.key(0), 2)
    fc1 = {"kernel": jax.random.normal(keys[0], (5, 8)), "bias": jnp.zeros(8)}
    return {"params": {"fc1": fc1, "fc2": {"kernel": jax.random.normal(keys[1], (8, 1))}}}


@partial(jax.jit, static_argnums=0, donate_argnums=(1, 2))
def train_step(optimizer, params, state, scale):
    loss, gradients = jax.value_and_grad(loss_of)(params, scale)
    updates, state = optimizer.update(gradients, state, params)
    return optax.apply_updates(params, updates), state, loss, gradients


def train(optimizer, params, state, steps, hook=None, scale=1.0, **recorded):
    seen = []
    for _ in range(steps):
        before = jax.tree.map(np.array, params)
        params, state, loss, gradients = train_step(optimizer, params, state, scale)
        if hook is not None:
            more = {"params": params, "gradients": gradients} if recorded else {}
            hook.step(state, loss=loss, **more)
        flat = {"before": before, "params": params, "gradients": gradients}
        flat = {name: np.asarray(tree["params"]["fc1"]["kernel"], np.float64) for name, tree in flat.items()}
        norm = np.sqrt(sum(float((np.asarray(one, np.float64) ** 2).sum()) for one in jax.tree.leaves(gradients)))
        seen.append({
            "loss": float(loss), "gradient_norm": norm,
            "gradient": {"l2": np.linalg.norm(flat["gradients"]), "mean": flat["gradients"].mean(),
                         "std": flat["gradients"].std(), "min": flat["gradients"].min()},
            "weight": {"l2": np.linalg.norm(flat["params"]), "max": flat["params"].max(),
                       "update_l2": np.linalg.norm(flat["params"] - flat["before"])},
        })  # fmt: skip
    return params, state, seen


adam = optax.chain(optax.clip_by_global_norm(1.0), optax.inject_hyperparams(optax.adam)(learning_rate=0.125))
truth = {}
if way == "plain":
    hook = watch(optimizer=adam, out_dir=directory)
    params = initial()
    params, _, truth["steps"] = train(hook.optimizer, params, hook.optimizer.init(params), 21, hook)
    plain = initial()
    plain, _, _ = train(adam, plain, adam.init(plain), 21)
    same = jax.tree.map(lambda one, other: bool((one == other).all()), params, plain)
    truth["same"] = all(jax.tree.leaves(same))
elif way == "resumed":
    first = JaxHook(adam, out_dir=directory + "-first", model="Net")
    params = initial()
    params, state, _ = train(first.optimizer, params, first.optimizer.init(params), 7, first)
    first.close()
    hook = JaxHook(adam, out_dir=directory, model="Net")
    _, _, truth["steps"] = train(hook.optimizer, params, state, 14, hook)
elif way == "exploded":
    hook = JaxHook(adam, out_dir=directory)
    params = initial()
    train(hook.optimizer, params, hook.optimizer.init(params), 1, hook, scale=float("nan"))
elif way == "raw":
    config = HookConfig(directory, (CollectionConfig("gradients", reductions=("median",), save_raw_tensor=True),))
    hook = JaxHook(optax.sgd(0.1), config=config)
    params = initial()
    _, _, truth["steps"] = train(hook.optimizer, params, hook.optimizer.init(params), 1, hook, both=True)
elif way == "flax":
    model = nnx.Sequential(nnx.Linear(5, 8, rngs=nnx.Rngs(0)), nnx.Linear(8, 1, rngs=nnx.Rngs(1)))
    hook = JaxHook(optax.sgd(0.1), out_dir=directory, model="Net")
    optimizer = nnx.Optimizer(model, hook.optimizer, wrt=nnx.Param)

    @nnx.jit
    def flax_step(model, optimizer):
        loss, gradients = nnx.value_and_grad(lambda model: jnp.mean((model(features) - targets) ** 2))(model)
        optimizer.update(model, gradients)
        return loss

    for _ in range(11):
        loss = flax_step(model, optimizer)
        hook.step(optimizer.opt_state, loss=loss)
    weights = np.asarray(model.layers[0].kernel[...], np.float64)
    truth["l2"] = np.linalg.norm(weights)
hook.close()
print(json.dumps(truth, default=float))
