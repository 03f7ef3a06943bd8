"""The hook for PyTorch."""
