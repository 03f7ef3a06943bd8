"""Where a training's time goes: what its processes did and when, beside what their machines did meanwhile."""
