"""Where a training's time goes: what its processes did and when, beside what their machines did meanwhile."""

from epochwatch.profiler.hooks import watch

__all__ = ["watch"]
