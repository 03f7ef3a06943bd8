"""A training job's alarms, by CloudWatch's API: put by a phrase, listed, deleted."""

import difflib
from collections.abc import Iterator, Sequence
from typing import Any, Final

from epochwatch.client.cloudwatch import ask, pages
from epochwatch.client.http import Client
from epochwatch.errors import UsageError
from epochwatch.model.alarm.phrase import InvalidPhrase, Phrase, parse
from epochwatch.model.alarm.training import HOST, JOB_TAG, alarm_name, logged_metric, metric_alarm
from epochwatch.model.metric import TRAINING_JOBS_NAMESPACE
from epochwatch.model.run_series import OWN_DIMENSION

KINDS: Final = ("MetricAlarm", "CompositeAlarm")


def parsed(text: str) -> Phrase:
    """The phrase. Raises UsageError."""
    try:
        return parse(text)
    except InvalidPhrase as error:
        raise UsageError(str(error), "for example: 'validation:loss > 2 for 3 of 5'") from error


class JobAlarms:
    """The alarms of one job: those whose names begin with the job's and a slash."""

    def __init__(self, client: Client, job: str) -> None:
        self._client = client
        self._job = job

    def put(self, phrase: Phrase, actions: Sequence[str] = (), name: str | None = None) -> list[str]:
        """Make an alarm of a phrase, one for each host where it is about hosts; their names. Raises UsageError."""
        made = []
        for host in self._hosts(phrase):
            what = name or phrase.text
            if host is not None and phrase.host is None:
                what += f" on {host}"
            made.append(alarm_name(self._job, what))
            ask(
                self._client,
                "PutMetricAlarm",
                {
                    "AlarmName": made[-1],
                    "AlarmActions": list(actions),
                    "Tags": [{"Key": JOB_TAG, "Value": self._job}],
                    **metric_alarm(phrase, self._job, host),
                },
            )
        return made

    def all(self) -> list[dict[str, Any]]:
        """The alarms as DescribeAlarms tells them, by name."""
        asked = {"AlarmNamePrefix": f"{self._job}/", "AlarmTypes": KINDS}
        found = [
            alarm
            for page in pages(self._client, "DescribeAlarms", asked)
            for alarm in page["CompositeAlarms"] + page["MetricAlarms"]
        ]
        return sorted(found, key=lambda alarm: str(alarm["AlarmName"]))

    def delete(self, names: Sequence[str]) -> list[str]:
        """Delete alarms, each named in full or without the job's name; their names in full. Raises UsageError."""
        known = [alarm["AlarmName"] for alarm in self.all()]
        wanted = [name if name in known else alarm_name(self._job, name) for name in names]
        for name, full in zip(names, wanted, strict=True):
            if full not in known:
                raise UsageError(
                    f"{self._job} has no alarm '{name}'", f"`epochwatch alarm {self._job}` lists its alarms"
                )
        ask(self._client, "DeleteAlarms", {"AlarmNames": wanted})
        return wanted

    def history(self, since: float) -> Iterator[dict[str, Any]]:
        """What happened to the job's alarms since a time (Unix seconds), deleted ones included, the newest first."""
        for page in pages(self._client, "DescribeAlarmHistory", {"AlarmTypes": KINDS, "StartDate": since}):
            for item in page["AlarmHistoryItems"]:
                if item["AlarmName"].startswith(f"{self._job}/"):
                    yield item

    def _hosts(self, phrase: Phrase) -> list[str | None]:
        """The hosts that a phrase is about; [None] where it is about a metric of the training."""
        if phrase.host is not None:
            return [phrase.host]
        known = [metric for metric in self._metrics() if metric["MetricName"] == phrase.metric]
        if any(OWN_DIMENSION in metric["of"] for metric in known):
            return [None]
        return sorted({metric["of"][HOST].partition("/")[2] for metric in known}) or [None]

    def unknown(self, metric: str) -> list[str] | None:
        """Names near that of a metric of which the job has no values yet; None where it has some."""
        names = {logged_metric(known["MetricName"], known["of"]) for known in self._metrics()}
        return None if metric in names else difflib.get_close_matches(metric, names, 3)

    def _metrics(self) -> Iterator[dict[str, Any]]:
        """The metrics of the job and its hosts; ``of`` has their dimensions."""
        for page in pages(self._client, "ListMetrics", {"Namespace": TRAINING_JOBS_NAMESPACE}):
            for metric in page["Metrics"]:
                of = {one["Name"]: one["Value"] for one in metric["Dimensions"]}
                if of.get(OWN_DIMENSION) == self._job or of.get(HOST, "").startswith(f"{self._job}/"):
                    yield metric | {"of": of}
