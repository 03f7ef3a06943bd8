"""A public benchmark of debuggers of training: programs, faults put into them, healthy runs that tempt, detectors.

``catalogue`` says what there is, ``programs`` and ``changes`` are what is trained (they need PyTorch and run in an
environment of their own), ``generate`` trains and keeps the recorded trials, ``detectors`` look at them, ``judging``
counts. Trials are kept, so thresholds can be changed without training again.
"""
