"""What looks for faults in a training: SageMaker's rules, our own ones, and the diagnosis made of what they find."""
