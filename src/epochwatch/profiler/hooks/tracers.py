"""Which framework's own profiler there is for the training of this process."""

import sys

from epochwatch.profiler.hooks.windows import Tracer


def tracer_of(framework: str) -> Tracer | None:
    """Of what trains; without a framework, of JAX if it is loaded. None where there is no profiler."""
    by = framework or "jax"
    if framework == "keras":
        by = str(sys.modules["keras"].config.backend())
    if by not in sys.modules:
        return None
    if by == "torch":
        from epochwatch.profiler.hooks.torch import TorchTracer

        return TorchTracer()
    if by == "jax":
        from epochwatch.profiler.hooks.jax import JaxTracer

        return JaxTracer()
    return None
