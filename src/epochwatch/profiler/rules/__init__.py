"""What judges a profile: SageMaker's rules (``builtin``) and our own (``own``)."""
