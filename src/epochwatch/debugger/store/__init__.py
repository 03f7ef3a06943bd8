"""Our own files: statistics in columns behind an append log, tensors as safetensors."""
