"""Amazon SageMaker Metrics: values of training metrics with their iteration."""

from epochwatch.services.call import Operation
from epochwatch.services.sagemaker_metrics.metric_reading import batch_get_metrics
from epochwatch.services.sagemaker_metrics.metric_writing import batch_put_metrics

OPERATIONS: dict[str, Operation] = {
    "BatchGetMetrics": batch_get_metrics,
    "BatchPutMetrics": batch_put_metrics,
}
