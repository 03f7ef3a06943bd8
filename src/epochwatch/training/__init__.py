"""What a training script calls: ``log``, ``init`` and the run object. It never breaks or slows the training."""
