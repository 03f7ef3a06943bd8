"""Fuzzes the extraction under coverage: ``pip install atheris``, then
``python -m tests.extraction.fuzz.under_coverage -max_total_time=1800 FOLDER``
(inputs that reach new code are kept there).
"""

import sys

import atheris

with atheris.instrument_imports(include=["epochwatch"]):
    from tests.extraction.fuzz.target import check

if __name__ == "__main__":
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()
