"""Loaded by Python when it starts: lets the frameworks that are imported later be watched. It must work in any
environment, and whatever goes wrong in it is said once and harms nothing.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
_FRAMEWORKS = {"torch", "keras", "xgboost", "lightgbm", "sklearn"}
_TIMED = {"torch", "keras", "xgboost", "lightgbm"}
_lost = set()
"""What this environment lacks something for."""


def _other_sitecustomize():
    """Load the one that would have been loaded without us."""
    paths = [path for path in sys.path if os.path.abspath(path) != _HERE]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", paths)
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


def _our_package():
    """The epochwatch that runs the command, where the training's environment has none."""
    if importlib.util.find_spec("epochwatch") is None:
        directory = os.environ["EPOCHWATCH_DEBUG_PACKAGE"]
        spec = importlib.util.spec_from_file_location(
            "epochwatch", os.path.join(directory, "__init__.py"), submodule_search_locations=[directory]
        )
        module = importlib.util.module_from_spec(spec)
        sys.modules["epochwatch"] = module
        spec.loader.exec_module(module)


def _watch(framework):
    if os.environ.get("EPOCHWATCH_DEBUG_DIR"):
        _begin("epochwatch.debugger.hooks", lambda hooks: hooks.watch_imported(framework), "no tensors are saved")
    if os.environ.get("EPOCHWATCH_PROFILE") and framework in _TIMED:
        lost = "the training's steps are not timed"
        _begin("epochwatch.profiler.hooks", lambda hooks: hooks.watch_imported(framework), lost)


def _begin(hooks, watch, lost):
    if hooks in _lost:
        return
    try:
        _our_package()
        watch(importlib.import_module(hooks))
    except Exception as error:  # noqa: BLE001 - the training goes on
        hint = ""
        if isinstance(error, ImportError):
            _lost.add(hooks)
            hint = ": pip install 'epochwatch[debugger]' beside the training"
        print(f"epochwatch: {lost}: {error}{hint}", file=sys.stderr)


class _Loader(importlib.abc.Loader):
    """Loads as the framework's own loader, and watches the framework then."""

    def __init__(self, loader):
        self._loader = loader

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        _watch(module.__name__)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds each framework once, by those that come after."""

    def find_spec(self, name, path=None, target=None):
        if name not in _FRAMEWORKS:
            return None
        _FRAMEWORKS.remove(name)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


if os.environ.get("EPOCHWATCH_DEBUG_DIR") or os.environ.get("EPOCHWATCH_PROFILE"):
    sys.meta_path.insert(0, _Finder())
_other_sitecustomize()
