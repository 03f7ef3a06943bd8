"""FeatureImportanceOverweight: a few features that carry nearly all of a model."""

from collections.abc import Iterator

import numpy as np

from epochwatch.debugger.rules.builtin import parameter
from epochwatch.debugger.rules.builtin.rule import BuiltinRule, Violation, selected
from epochwatch.debugger.rules.builtin.saved import flat_values


class FeatureImportanceOverweight(BuiltinRule):
    """The ``nfeatures`` largest importances of a step make up more than ``threshold`` of all."""

    threshold = parameter.number(0.8, 0, 1)
    nfeatures = parameter.integer(3, 1)
    tensor_regex = parameter.patterns(".*feature_importance/weight")

    def violations(self, step: int) -> Iterator[Violation]:
        """See ``BuiltinRule``."""
        names = selected(self.base_trial, step, None, self.tensor_regex)
        importances = flat_values([self.base_trial.tensor(name) for name in names], step)
        total = float(importances.sum())
        if not total > 0:
            return
        self.looked_at()
        order = np.argsort(importances)[::-1][: self.nfeatures]
        share = float(importances[order].sum()) / total
        if share > self.threshold:
            largest = [names[place] for place in order] if len(names) == len(importances) else names
            yield Violation(
                ", ".join(largest),
                f"the {len(order)} largest importances make up {share:.3g} of all, more than {self.threshold:g}",
            )
