"""SageMaker Debugger's profiler: its files, and its client under the same names."""
