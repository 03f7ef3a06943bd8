"""Which hyperparameters made the difference between a tuning's best trainings and the rest.

The importance of a parameter is PED-ANOVA's (Watanabe, Bansal, Hutter: "PED-ANOVA: Efficiently Quantifying
Hyperparameter Importance in Arbitrary Subspaces", IJCAI 2023, arXiv:2304.10255): how far the density of its values
among the best tenth of the trainings is, by Pearson's divergence, from that among all of them. Densities are Parzen
estimates over cells of the parameter's own scale. Of a divergence that much is taken away as chance gives: the best are
few, and few of anything look unlike the whole.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from epochwatch.model.hyperparameter_tuning import ChoiceRange, NumberRange, Space, Values

LEAST_TRAININGS: Final = 10
"""Fewer tell nothing."""
BEST_SHARE: Final = 0.1
LEAST_BEST: Final = 5
CELLS: Final = 50
_SELECTIONS: Final = 200
"""Drawn at random to know what chance gives ..."""
_CHANCE: Final = 0.95
"""... which is less than this in so many of them."""
_NARROWEST: Final = 0.5 / 1.64
"""Standard deviation of a kernel, in cells: nine tenths of it are in its own cell."""
_PRIOR: Final = 1.0
"""Trainings' worth of evenly spread values in each density."""

Floats = NDArray[np.float64]
Cells = NDArray[np.int64]


def parameter_importance(
    space: Space, values: Sequence[Values], objectives: Sequence[float], *, maximize: bool
) -> dict[str, float]:
    """The share of each parameter, all together 1; all 0 where none matters more than by chance. ``values`` and the
    finite ``objectives`` are those of the trainings, in one order. Empty where there are too few to tell, or all came
    out the same.
    """
    whole = [at for at, one in enumerate(values) if all(parameter.name in one for parameter in space)]
    losses = np.asarray([objectives[at] for at in whole], np.float64) * (-1 if maximize else 1)
    if len(losses) < LEAST_TRAININGS or np.ptp(losses) == 0 or not space:
        return {}
    wanted = max(math.ceil(BEST_SHARE * len(losses)), LEAST_BEST)
    best = losses <= np.partition(losses, wanted - 1)[wanted - 1]
    selections = _selections(len(losses), int(best.sum()))
    found = {
        one.name: _beyond_chance(one, [values[at][one.name] for at in whole], best, selections) for one in space
    }
    total = sum(found.values())
    return {name: value / total if total else 0.0 for name, value in found.items()}


def rank_correlation(
    space: Space, values: Sequence[Values], objectives: Sequence[float]
) -> dict[str, float | None]:
    """Spearman's, of each parameter that is a number with the objective; None where there is none: of choices, and
    where either never changes.
    """
    found: dict[str, float | None] = {}
    for one in space:
        pairs = [
            (given[one.name], value) for given, value in zip(values, objectives, strict=True) if one.name in given
        ]
        found[one.name] = None
        if isinstance(one, NumberRange) and pairs:
            ours, theirs = (_ranks(np.asarray(column, np.float64)) for column in zip(*pairs, strict=True))
            if np.ptp(ours) and np.ptp(theirs):
                found[one.name] = float(np.corrcoef(ours, theirs)[0, 1])
    return found


def _beyond_chance(
    parameter: NumberRange | ChoiceRange, texts: Sequence[str], best: NDArray[np.bool_], selections: Cells
) -> float:
    cells, size = _cells(parameter, texts)
    ordered = isinstance(parameter, NumberRange)
    if size < 2:
        return 0.0
    everywhere = _densities(cells[None, :], size, ordered=ordered)[0]
    among_best = _densities(cells[None, best], size, ordered=ordered)
    by_chance = _densities(cells[selections], size, ordered=ordered)
    chance = np.quantile(_divergences(by_chance, everywhere), _CHANCE)
    return max(0.0, float(_divergences(among_best, everywhere)[0] - chance))


def _cells(parameter: NumberRange | ChoiceRange, texts: Sequence[str]) -> tuple[Cells, int]:
    """The cell of each value on the parameter's scale, and how many cells there are."""
    if isinstance(parameter, ChoiceRange):
        choices = {text: at for at, text in enumerate(dict.fromkeys([*parameter.choices, *texts]))}
        return np.asarray([choices[text] for text in texts], np.int64), len(choices)
    if parameter.low == parameter.high:
        return np.zeros(len(texts), np.int64), 1
    size = CELLS
    if parameter.whole and parameter.scaling == "Linear":
        size = min(size, int(parameter.high - parameter.low) + 1)
    positions = np.asarray([parameter.position(text) for text in texts])
    return np.rint(positions * (size - 1)).astype(np.int64), size


def _selections(count: int, of: int) -> Cells:
    """``of`` of ``count`` trainings, drawn many times; always the same ones."""
    draw = np.random.default_rng(0)
    return draw.permuted(np.tile(np.arange(count), (_SELECTIONS, 1)), axis=1)[:, :of]


def _densities(cells: Cells, size: int, *, ordered: bool) -> Floats:
    """The density over the cells of each row of ``cells``: smoothed where the cells have an order."""
    rows, count = cells.shape
    flat = (cells + np.arange(rows)[:, None] * size).ravel()
    counts = np.bincount(flat, minlength=rows * size).reshape(rows, size).astype(np.float64)
    if ordered:
        distances = np.arange(size)[:, None] - np.arange(size)
        kernels = np.exp(-0.5 * (distances / _widths(cells)[:, None, None]) ** 2)
        counts = np.einsum("ri,rij->rj", counts, kernels / kernels.sum(axis=2, keepdims=True))
    densities: Floats = (counts + _PRIOR / size) / (count + _PRIOR)
    return densities


def _widths(cells: Cells) -> Floats:
    """The kernels' standard deviation in cells, by Scott's rule, of each row."""
    low, high = np.quantile(cells, (0.25, 0.75), axis=1)
    spread = np.minimum(cells.std(axis=1, ddof=1), (high - low) / 1.34)
    widths: Floats = np.maximum(1.059 * spread * cells.shape[1] ** -0.2, _NARROWEST)
    return widths


def _divergences(some: Floats, everywhere: Floats) -> Floats:
    """Pearson's divergence of each row from the density everywhere."""
    found: Floats = ((some / everywhere - 1) ** 2) @ everywhere
    return found


def _ranks(values: Floats) -> Floats:
    """Ranks, equal values sharing the mean of theirs."""
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: Floats = (ends - (counts - 1) / 2)[group]
    return ranks
