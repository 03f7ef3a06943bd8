"""Amazon CloudWatch Logs."""

from epochwatch.services.call import Operation
from epochwatch.services.logs.event_filter import filter_log_events
from epochwatch.services.logs.event_reading import get_log_events
from epochwatch.services.logs.event_writing import put_log_events
from epochwatch.services.logs.group_list import list_log_groups
from epochwatch.services.logs.groups import (
    create_log_group,
    delete_log_group,
    describe_log_groups,
    put_log_group_deletion_protection,
)
from epochwatch.services.logs.live_tail import start_live_tail
from epochwatch.services.logs.log_records import get_log_group_fields, get_log_record
from epochwatch.services.logs.metric_filters import (
    delete_metric_filter,
    describe_metric_filters,
    put_metric_filter,
    test_metric_filter,
)
from epochwatch.services.logs.queries import (
    describe_queries,
    get_query_results,
    list_log_groups_for_query,
    start_query,
    stop_query,
)
from epochwatch.services.logs.query_definitions import (
    delete_query_definition,
    describe_query_definitions,
    put_query_definition,
)
from epochwatch.services.logs.retention import delete_retention_policy, put_retention_policy
from epochwatch.services.logs.streams import create_log_stream, delete_log_stream, describe_log_streams
from epochwatch.services.logs.tags import (
    list_tags_for_resource,
    list_tags_log_group,
    tag_log_group,
    tag_resource,
    untag_log_group,
    untag_resource,
)

OPERATIONS: dict[str, Operation] = {
    "CreateLogGroup": create_log_group,
    "CreateLogStream": create_log_stream,
    "DeleteLogGroup": delete_log_group,
    "DeleteLogStream": delete_log_stream,
    "DeleteMetricFilter": delete_metric_filter,
    "DeleteQueryDefinition": delete_query_definition,
    "DeleteRetentionPolicy": delete_retention_policy,
    "DescribeLogGroups": describe_log_groups,
    "DescribeLogStreams": describe_log_streams,
    "DescribeMetricFilters": describe_metric_filters,
    "DescribeQueries": describe_queries,
    "DescribeQueryDefinitions": describe_query_definitions,
    "FilterLogEvents": filter_log_events,
    "GetLogEvents": get_log_events,
    "GetLogGroupFields": get_log_group_fields,
    "GetLogRecord": get_log_record,
    "GetQueryResults": get_query_results,
    "ListLogGroups": list_log_groups,
    "ListLogGroupsForQuery": list_log_groups_for_query,
    "ListTagsForResource": list_tags_for_resource,
    "ListTagsLogGroup": list_tags_log_group,
    "PutLogEvents": put_log_events,
    "PutLogGroupDeletionProtection": put_log_group_deletion_protection,
    "PutMetricFilter": put_metric_filter,
    "PutQueryDefinition": put_query_definition,
    "PutRetentionPolicy": put_retention_policy,
    "TagLogGroup": tag_log_group,
    "TagResource": tag_resource,
    "TestMetricFilter": test_metric_filter,
    "UntagLogGroup": untag_log_group,
    "UntagResource": untag_resource,
    "StartLiveTail": start_live_tail,
    "StartQuery": start_query,
    "StopQuery": stop_query,
}
