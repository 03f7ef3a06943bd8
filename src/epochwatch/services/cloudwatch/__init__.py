"""Amazon CloudWatch metrics."""

from epochwatch.services.call import Operation
from epochwatch.services.cloudwatch.anomaly_detectors import (
    delete_anomaly_detector,
    describe_anomaly_detectors,
    put_anomaly_detector,
)
from epochwatch.services.cloudwatch.metric_data import put_metric_data
from epochwatch.services.cloudwatch.metric_list import list_metrics
from epochwatch.services.cloudwatch.metric_queries import get_metric_data
from epochwatch.services.cloudwatch.metric_statistics import get_metric_statistics

OPERATIONS: dict[str, Operation] = {
    "DeleteAnomalyDetector": delete_anomaly_detector,
    "DescribeAnomalyDetectors": describe_anomaly_detectors,
    "GetMetricData": get_metric_data,
    "GetMetricStatistics": get_metric_statistics,
    "ListMetrics": list_metrics,
    "PutAnomalyDetector": put_anomaly_detector,
    "PutMetricData": put_metric_data,
}

LARGEST_REQUESTS: dict[str, int] = {"GetMetricData": 600 << 10, "PutMetricData": 1 << 20}
"""Bytes as they are sent: a compressed request may have more to say."""
