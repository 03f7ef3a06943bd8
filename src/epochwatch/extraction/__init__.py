"""Metrics out of log bytes: pure, deterministic, linear in the size of the log.

``Extractor`` is the whole of it: bytes in, lines and columns of values out. It never does I/O of its own but
for one worker process that runs the patterns which the linear-time engine refuses.
"""
