"""Alarms of a running server, by unmodified AWS clients."""

import itertools
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

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


def test_mute_rules_by_boto3(server: ServerProcess):
    cloudwatch = server.boto3("cloudwatch")
    topic = "arn:aws:sns:us-east-1:123456789012:nobody"
    cloudwatch.put_metric_alarm(**HOT, AlarmActions=[topic])
    now = datetime.now(UTC)
    schedule = {"Expression": f"at({now:%Y-%m-%dT%H:%M})", "Duration": "P1D"}
    for name in ("a", "b"):
        cloudwatch.put_alarm_mute_rule(
            Name=name, Rule={"Schedule": schedule}, MuteTargets={"AlarmNames": ["hot"]},
            ExpireDate=now + timedelta(hours=12), Tags=[{"Key": "team", "Value": "vision"}],
        )  # fmt: skip
    told = cloudwatch.get_alarm_mute_rule(AlarmMuteRuleName="a")
    assert (told["Status"], told["MuteType"], told["Rule"]) == ("ACTIVE", "ONE_TIME", {"Schedule": schedule})
    assert abs(told["ExpireDate"] - now - timedelta(hours=12)) < timedelta(seconds=1)
    assert cloudwatch.list_tags_for_resource(ResourceARN=told["AlarmMuteRuleArn"])["Tags"][0]["Value"] == "vision"
    page = cloudwatch.list_alarm_mute_rules(AlarmName="hot", Statuses=["ACTIVE"], MaxRecords=1)
    rest = cloudwatch.list_alarm_mute_rules(
        AlarmName="hot", Statuses=["ACTIVE"], MaxRecords=1, NextToken=page["NextToken"]
    )
    arns = [one["AlarmMuteRuleArn"] for one in page["AlarmMuteRuleSummaries"] + rest["AlarmMuteRuleSummaries"]]
    assert [arn.rpartition(":")[2] for arn in arns] == ["a", "b"]
    cloudwatch.set_alarm_state(AlarmName="hot", StateValue="ALARM", StateReason="drill")
    assert actions_of(cloudwatch) == [f"Muted action {topic}"]
    with pytest.raises(cloudwatch.exceptions.ResourceNotFoundException):
        cloudwatch.get_alarm_mute_rule(AlarmMuteRuleName="c")
    for name in ("a", "b", "b"):
        cloudwatch.delete_alarm_mute_rule(AlarmMuteRuleName=name)
    assert cloudwatch.list_alarm_mute_rules()["AlarmMuteRuleSummaries"] == []


def actions_of(cloudwatch) -> list[str]:
    items = cloudwatch.describe_alarm_history(AlarmName="hot", HistoryItemType="Action")["AlarmHistoryItems"]
    return [item["HistorySummary"] for item in items]


TRAINING = """
import pathlib, sys, time
while not pathlib.Path(sys.argv[1]).exists():
    print(f"loss={sys.argv[2]}", flush=True)
    time.sleep(0.5)
"""


def test_a_running_job_gets_the_alarms_of_the_settings_until_it_ends(tmp_path: Path):
    settings = {"EPOCHWATCH_JOB_ALARMS": "diverged: loss is NaN every 10s"}
    end = tmp_path / "end"
    command = [
        sys.executable,
        "-m",
        "epochwatch",
        "run",
        "--name",
        "resnet",
        "--quiet",
        "--metric",
        "loss=loss=(.*)",
    ]
    with ServerProcess(tmp_path / "home", environment=settings) as server:
        cloudwatch = server.boto3("cloudwatch")
        training = subprocess.Popen(
            [*command, "--", sys.executable, "-c", TRAINING, str(end), "nan"],
            env=server.environment,
            stdout=subprocess.DEVNULL,
        )

        def states() -> list[str]:
            alarms = cloudwatch.describe_alarms(AlarmNamePrefix="resnet/")["MetricAlarms"]
            return [alarm["StateValue"] for alarm in alarms]

        try:
            eventually(lambda: states() == ["ALARM"])
            end.touch()
            assert training.wait(PATIENCE) == 0
            eventually(lambda: states() == [])
        finally:
            training.kill()
            training.wait()


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 2 * PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.5)


def test_the_aws_command_line_puts_and_describes_alarms(server: ServerProcess):
    aws = partial(server.aws, "cloudwatch")
    flags = ["--namespace", "lab", "--metric-name", "temperature", "--statistic", "Average", "--period", "60"]
    condition = ["--evaluation-periods", "1", "--threshold", "21", "--comparison-operator", "GreaterThanThreshold"]
    kept = ["--treat-missing-data", "ignore"]  # a minute may pass between two commands
    aws("put-metric-alarm", "--alarm-name", "hot", *flags, *condition, *kept)
    aws("wait", "alarm-exists", "--alarm-names", "hot")
    aws("set-alarm-state", "--alarm-name", "hot", "--state-value", "ALARM", "--state-reason", "drill")
    assert aws("describe-alarms", "--query", "MetricAlarms[].[AlarmName,StateReason]") == "hot\tdrill"
    aws("delete-alarms", "--alarm-names", "hot")
    assert aws("describe-alarms", "--query", "MetricAlarms[].AlarmName") == ""
    assert server.process is not None
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(PATIENCE) == 0
