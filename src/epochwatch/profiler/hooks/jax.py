"""JAX's own profiler over the steps of a window, which Keras has with JAX, too."""

import gzip
import shutil
import tempfile
import time
from pathlib import Path

import jax

from epochwatch.profiler.hooks.trace import MARK


class JaxTracer:
    """Of XLA's operations on the processor and on devices. Its files are written while the training waits: JAX has no
    other way.
    """

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="epochwatch-window-")

    def start(self) -> float:
        """See ``Tracer``."""
        options = jax.profiler.ProfileOptions()
        options.python_tracer_level = 0  # functions of Python have windows of their own
        jax.profiler.start_trace(self._directory.name, profiler_options=options)
        began = time.time()
        with jax.profiler.TraceAnnotation(MARK):
            return began

    def stop(self) -> None:
        """See ``Tracer``."""
        jax.profiler.stop_trace()

    def save(self, path: Path) -> None:
        """See ``Tracer``. Raises FileNotFoundError where JAX has written nothing."""
        with self._directory as directory:
            found = sorted(Path(directory).rglob("*.trace.json.gz"))
            if not found:
                raise FileNotFoundError("JAX's profiler has written no trace")
            with gzip.open(found[-1]) as source, open(path, "wb") as file:
                shutil.copyfileobj(source, file, 1 << 20)
