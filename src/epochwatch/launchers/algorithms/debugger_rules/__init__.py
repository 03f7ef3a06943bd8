"""What SageMaker's images of Debugger do: evaluate one rule of a training job over its tensors, as a processing job."""
