"""Amazon CloudWatch Logs."""

from epochwatch.services.call import Operation
from epochwatch.services.logs.event_filter import filter_log_events
from epochwatch.services.logs.event_reading import get_log_events
from epochwatch.services.logs.event_writing import put_log_events
from epochwatch.services.logs.groups import create_log_group, describe_log_groups
from epochwatch.services.logs.streams import create_log_stream, describe_log_streams

OPERATIONS: dict[str, Operation] = {
    "CreateLogGroup": create_log_group,
    "CreateLogStream": create_log_stream,
    "DescribeLogGroups": describe_log_groups,
    "DescribeLogStreams": describe_log_streams,
    "FilterLogEvents": filter_log_events,
    "GetLogEvents": get_log_events,
    "PutLogEvents": put_log_events,
}
