"""Alarms of a running server, by unmodified AWS clients."""

import itertools
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers import peer_python
from tests.servers import ServerProcess

HOT = {
    "AlarmName": "hot",
    "Namespace": "lab",
    "MetricName": "temperature",
    "Statistic": "Maximum",
    "Period": 10,
    "EvaluationPeriods": 1,
    "Threshold": 21.0,
    "ComparisonOperator": "GreaterThanThreshold",
}
PATIENCE = 60.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path / "home") as running:
        yield running


def hot_now(cloudwatch) -> None:
    cloudwatch.put_metric_data(
        Namespace="lab", MetricData=[{"MetricName": "temperature", "Value": 30.0, "StorageResolution": 1}]
    )


def wait_for_state(cloudwatch, name: str, state: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        answer = cloudwatch.describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        [alarm] = answer["MetricAlarms"] + answer["CompositeAlarms"]
        if alarm["StateValue"] == state:
            return
        assert time.monotonic() < deadline, alarm
        hot_now(cloudwatch)
        time.sleep(0.5)


def test_alarms_go_off_by_themselves_and_survive_a_kill(server: ServerProcess):
    cloudwatch = server.boto3("cloudwatch")
    cloudwatch.put_metric_alarm(**HOT)
    cloudwatch.put_composite_alarm(AlarmName="any", AlarmRule="ALARM(hot)")
    cloudwatch.get_waiter("alarm_exists").wait(AlarmNames=["hot"])
    cloudwatch.get_waiter("composite_alarm_exists").wait(AlarmNames=["any"], AlarmTypes=["CompositeAlarm"])
    wait_for_state(cloudwatch, "any", "ALARM")
    server.kill()
    server.start()
    cloudwatch = server.boto3("cloudwatch")
    wait_for_state(cloudwatch, "hot", "ALARM")
    items = cloudwatch.describe_alarm_history(AlarmName="hot", HistoryItemType="StateUpdate")["AlarmHistoryItems"]
    changes = [
        item["HistorySummary"].removeprefix("Alarm updated from ").split(" to ") for item in reversed(items)
    ]
    assert all(one[1] == other[0] for one, other in itertools.pairwise(changes))


def test_the_aws_command_line_puts_and_describes_alarms(server: ServerProcess):
    program = peer_python("awscli").with_name("aws")

    def aws(*words: str) -> str:
        done = subprocess.run(
            [program, "cloudwatch", *words, "--output", "text"],
            env=os.environ | server.aws_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    flags = ["--namespace", "lab", "--metric-name", "temperature", "--statistic", "Average", "--period", "60"]
    condition = ["--evaluation-periods", "1", "--threshold", "21", "--comparison-operator", "GreaterThanThreshold"]
    aws("put-metric-alarm", "--alarm-name", "hot", *flags, *condition)
    aws("wait", "alarm-exists", "--alarm-names", "hot")
    aws("set-alarm-state", "--alarm-name", "hot", "--state-value", "ALARM", "--state-reason", "drill")
    assert aws("describe-alarms", "--query", "MetricAlarms[].[AlarmName,StateReason]") == "hot\tdrill"
    aws("delete-alarms", "--alarm-names", "hot")
    assert aws("describe-alarms", "--query", "MetricAlarms[].AlarmName") == ""
    assert server.process is not None
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(PATIENCE) == 0
