"""The detectors that are compared."""

from benchmarks.faults.detectors.autotrainer import AUTOTRAINER
from benchmarks.faults.detectors.ours import EPOCHWATCH
from benchmarks.faults.detectors.sagemaker import SAGEMAKER
from benchmarks.faults.detectors.umlaut import UMLAUT

DETECTORS = (EPOCHWATCH, SAGEMAKER, UMLAUT, AUTOTRAINER)
