"""Amazon CloudWatch metrics, alarms and dashboards."""

from epochwatch.services.call import Operation
from epochwatch.services.cloudwatch.alarm_descriptions import (
    describe_alarm_contributors,
    describe_alarms,
    describe_alarms_for_metric,
)
from epochwatch.services.cloudwatch.alarm_history import describe_alarm_history
from epochwatch.services.cloudwatch.alarm_mute_rules import (
    delete_alarm_mute_rule,
    get_alarm_mute_rule,
    list_alarm_mute_rules,
    put_alarm_mute_rule,
)
from epochwatch.services.cloudwatch.alarms import (
    delete_alarms,
    disable_alarm_actions,
    enable_alarm_actions,
    put_composite_alarm,
    put_metric_alarm,
    set_alarm_state,
)
from epochwatch.services.cloudwatch.anomaly_detectors import (
    delete_anomaly_detector,
    describe_anomaly_detectors,
    put_anomaly_detector,
)
from epochwatch.services.cloudwatch.dashboards import (
    delete_dashboards,
    get_dashboard,
    list_dashboards,
    put_dashboard,
)
from epochwatch.services.cloudwatch.metric_data import put_metric_data
from epochwatch.services.cloudwatch.metric_list import list_metrics
from epochwatch.services.cloudwatch.metric_queries import get_metric_data
from epochwatch.services.cloudwatch.metric_statistics import get_metric_statistics
from epochwatch.services.cloudwatch.metric_widget_image import get_metric_widget_image
from epochwatch.services.cloudwatch.resource_tags import list_tags_for_resource, tag_resource, untag_resource

OPERATIONS: dict[str, Operation] = {
    "DeleteAlarmMuteRule": delete_alarm_mute_rule,
    "DeleteAlarms": delete_alarms,
    "DeleteAnomalyDetector": delete_anomaly_detector,
    "DeleteDashboards": delete_dashboards,
    "DescribeAlarmContributors": describe_alarm_contributors,
    "DescribeAlarmHistory": describe_alarm_history,
    "DescribeAlarms": describe_alarms,
    "DescribeAlarmsForMetric": describe_alarms_for_metric,
    "DescribeAnomalyDetectors": describe_anomaly_detectors,
    "DisableAlarmActions": disable_alarm_actions,
    "EnableAlarmActions": enable_alarm_actions,
    "GetAlarmMuteRule": get_alarm_mute_rule,
    "GetDashboard": get_dashboard,
    "GetMetricData": get_metric_data,
    "GetMetricStatistics": get_metric_statistics,
    "GetMetricWidgetImage": get_metric_widget_image,
    "ListAlarmMuteRules": list_alarm_mute_rules,
    "ListDashboards": list_dashboards,
    "ListMetrics": list_metrics,
    "ListTagsForResource": list_tags_for_resource,
    "PutAlarmMuteRule": put_alarm_mute_rule,
    "PutAnomalyDetector": put_anomaly_detector,
    "PutCompositeAlarm": put_composite_alarm,
    "PutDashboard": put_dashboard,
    "PutMetricAlarm": put_metric_alarm,
    "PutMetricData": put_metric_data,
    "SetAlarmState": set_alarm_state,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
}

LARGEST_REQUESTS: dict[str, int] = {"GetMetricData": 600 << 10, "PutMetricData": 1 << 20}
"""Bytes as they are sent: a compressed request may have more to say."""
