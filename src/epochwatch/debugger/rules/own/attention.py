"""Faults of attention and of experts, where their modules' outputs are saved."""

import math
import re
from collections import deque
from dataclasses import dataclass, field
from statistics import median
from typing import Final

import numpy as np

from epochwatch.debugger.rules.finding import Finding
from epochwatch.debugger.rules.own.effects import DYING, OUTCOMES
from epochwatch.debugger.rules.own.loss import POINTS_TO_PLOT
from epochwatch.debugger.rules.own.once import LastingRule, OnceRule
from epochwatch.debugger.rules.own.robust import slope, thinned, trend
from epochwatch.debugger.rules.own.signals import Chosen
from epochwatch.debugger.rules.stream import StepStatistics

_SCORES: Final = re.compile(r"att(ention|n).*(logits?|scores?)(_output_0)?$", re.IGNORECASE)
_QUERIES: Final = re.compile(r"^(.*[._])?(q_proj|query|to_q|wq|q)_output_0$", re.IGNORECASE)
_KEYS: Final = ("k_proj", "key", "to_k", "wk", "k")
_QUERY_NAMES: Final = ("q_proj", "query", "to_q", "wq", "q")
_ROUTER: Final = re.compile(r"(^|[._])(router|gate|gating)(\.\w+)?_output_0$", re.IGNORECASE)
_EXPERT: Final = re.compile(r"^(?P<layer>.*experts?)[._](?P<number>\d+)_output_0$", re.IGNORECASE)


@dataclass
class AttentionLogitGrowth(OnceRule):
    """Attention logits grow beyond ``most`` and ``times`` what they were at first, and grow still: those saved by a
    name such as ``attention_scores``, or else the product of the roots of the mean squares of a layer's queries and
    keys, which is what a logit of unrelated tokens measures.
    """

    most: float = 50.0
    times: float = 5.0
    one_hot_at: float = 1e4
    cause = (
        "Queries and keys grow: attention comes to look at one token only, and its gradient vanishes or explodes."
    )
    remedy = "Normalise queries and keys, lower the learning rate or warm it up longer, decay their weights."
    leads_to = DYING | {"NonFinite", "Divergence", "LossSpike", "ExplodingGradients"}
    _scores: Chosen = field(default_factory=lambda: Chosen(lambda name, _: bool(_SCORES.search(name))), init=False)
    _queries: Chosen = field(
        default_factory=lambda: Chosen(lambda name, _: bool(_QUERIES.search(name))), init=False
    )
    _sizes: dict[str, list[tuple[int, float]]] = field(default_factory=dict, init=False)

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        for name, size in self._logits(step).items():
            sizes = self._sizes.setdefault(name, [])
            sizes.append((step.step, size))
            if len(sizes) > POINTS_TO_PLOT:
                del sizes[5]  # the first five say where it began
            found = self._judge(step.step, name, sizes)
            if found is not None:
                return found
        return None

    def _logits(self, step: StepStatistics) -> dict[str, float]:
        places = self._scores.of(step)
        if len(places):
            found = {step.names[place]: float(step.column("abs_max")[place]) for place in places}
        else:
            roots = step.column("l2") / np.sqrt(step.column("size"))
            found = {}
            for place in self._queries.of(step):
                key = _key_of(step.names[place])
                if key in step.names:
                    found[step.names[place]] = float(roots[place] * roots[step.names.index(key)])
        return {name: size for name, size in found.items() if math.isfinite(size)}

    def _judge(self, step: int, name: str, sizes: list[tuple[int, float]]) -> Finding | None:
        values = [size for _, size in sizes]
        if len(values) < 10 or median(values[-5:]) < max(self.most, self.times * median(values[:5])):
            return None
        if trend(thinned(values, 30)) < 3:
            return None
        last = sizes[-20:]
        per_sample = slope(np.log([max(size, 1e-30) for _, size in last]))
        pace = per_sample * (len(last) - 1) / (last[-1][0] - last[0][0])
        left = math.log(self.one_hot_at / values[-1]) / pace if pace > 0 else math.inf
        when = f"; at this pace {self.one_hot_at:.0e} at step {step + left:,.0f}" if 0 < left < 1e6 else ""
        evidence = (
            f"attention logits of {name} grew from {median(values[:5]):.3g} to {median(values[-5:]):.3g}{when}"
        )
        began = next(number for number, size in sizes if size > 2 * median(values[:5]))
        return self.finding(step, began, evidence, tensors=[name], series={"attention logit": sizes})


def _key_of(query: str) -> str:
    """What the keys' module is called beside one that gives queries."""
    before, _, last = query.removesuffix("_output_0").rpartition(".")
    names = {word.lower(): key for word, key in zip(_QUERY_NAMES, _KEYS, strict=True)}
    key = names.get(last.lower(), last)
    return f"{before}.{key}_output_0" if before else f"{key}_output_0"


@dataclass
class ExpertImbalance(OnceRule):
    """Over ``window`` samples an expert of a mixture gets less than ``starved`` of its even share of the tokens, or one
    gets more than ``crowded`` times its share. Needs the outputs of experts that are modules of their own
    (``...experts.3``): their sizes are the tokens. Experts that are one stacked parameter do not show it.
    """

    starved: float = 0.05
    crowded: float = 4.0
    window: int = 10
    cause = "The router has come to prefer a few experts: the others get no tokens, and so no gradient."
    remedy = (
        "Add or raise the loss that balances the load, add noise to the router, or limit each expert's capacity."
    )
    leads_to = OUTCOMES | {"ZeroGradients", "DeadUnits", "FrozenParameters"}
    _experts: Chosen = field(
        default_factory=lambda: Chosen(lambda name, _: bool(_EXPERT.search(name))), init=False
    )
    _loads: dict[str, deque[tuple[int, dict[str, float]]]] = field(default_factory=dict, init=False)
    _known: dict[str, dict[str, None]] = field(default_factory=dict, init=False)

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        layers: dict[str, dict[str, float]] = {}
        for place in self._experts.of(step):
            name = step.names[place]
            match = _EXPERT.search(name)
            assert match is not None
            layers.setdefault(match["layer"], {})[name] = float(np.nan_to_num(step.column("size")[place]))
        for layer, sizes in layers.items():
            self._known.setdefault(layer, {}).update(dict.fromkeys(sizes))
            loads = self._loads.setdefault(layer, deque(maxlen=self.window))
            loads.append((step.step, sizes))
            found = self._judge(step.step, layer) if len(loads) == self.window else None
            if found is not None:
                return found
        return None

    def _judge(self, step: int, layer: str) -> Finding | None:
        loads = self._loads[layer]
        names = [*self._known[layer]]
        if len(names) < 2:
            return None
        totals = np.array([sum(sizes.get(name, 0.0) for _, sizes in loads) for name in names])
        shares = totals / totals.sum() * len(names) if totals.sum() > 0 else np.ones(len(names))
        least, most = int(shares.argmin()), int(shares.argmax())
        if shares[least] >= self.starved and shares[most] <= self.crowded:
            return None
        even = shares[shares > 0] / len(names)
        entropy = -float((even * np.log(even)).sum()) / math.log(len(names))
        evidence = (
            f"of the tokens of {len(names)} experts of {layer}, {names[most]} got {shares[most]:.1f} times an even "
            f"share and {names[least]} {shares[least]:.2f} times, in {self.window} samples; the load's entropy is "
            f"{entropy:.0%} of an even one's"
        )
        return self.finding(step, loads[0][0], evidence, tensors=[names[least], names[most]])


@dataclass
class RouterCollapse(LastingRule):
    """A router is sure of one expert for each token: its probabilities' squares sum up to more than ``sure``, or its
    logits are beyond ``most``, for ``patience`` samples. Needs the outputs of modules called ``router`` or ``gate``
    with one number an expert.
    """

    sure: float = 0.98
    most: float = 50.0
    cause = "The router's logits have grown: it chooses as a step function does, and learns no more."
    remedy = "Add a z-loss on the router's logits, compute them in float32, or lower the learning rate."
    leads_to = OUTCOMES | {"ExpertImbalance", "ZeroGradients", "NonFinite"}
    _routers: Chosen = field(
        default_factory=lambda: Chosen(lambda name, _: bool(_ROUTER.search(name))), init=False
    )
    _experts: Chosen = field(default_factory=lambda: Chosen(lambda name, _: "expert" in name.lower()), init=False)

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        places = self._routers.of(step)
        if not len(places) or not len(self._experts.of(step)):
            return None
        least, most, mean = (step.column(name)[places] for name in ("min", "max", "mean"))
        square = step.column("l2")[places] ** 2 / step.column("size")[places]
        with np.errstate(divide="ignore", invalid="ignore"):
            probabilities = (least >= 0) & (most <= 1.0001) & (mean > 0)
            squares = np.where(probabilities, square / mean, 0.0)  # the mean is one over the number of experts
        met = (squares > self.sure) | (~probabilities & (step.column("abs_max")[places] > self.most))
        long = self.lasting(step, places, met)
        if not long:
            return None
        place = places.tolist().index(step.names.index(long[0]))
        what = (
            f"squared probabilities sum up to {squares[place]:.3f}"
            if squares[place]
            else (f"logits go up to {step.column('abs_max')[places][place]:.3g}")
        )
        return self.finding(step.step, self._since[long[0]][0], f"{long[0]}: its {what}", tensors=long[:10])
