"""``python <this folder> train``. The package is found by its own name: epochwatch is not installed where it runs."""

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    sys.path[0] = str(here.parent)
    runpy.run_module(f"{here.name}.training", run_name="__main__")
