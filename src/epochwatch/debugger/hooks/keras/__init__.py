"""The hook for Keras 3, with the JAX and the PyTorch back end."""
