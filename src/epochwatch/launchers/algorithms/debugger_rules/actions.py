"""SageMaker's built-in actions of a rule: stop the training, tell somebody by mail or SMS."""

import html
import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from epochwatch.client.http import Client
from epochwatch.debugger.exceptions import SMDebugValueError
from epochwatch.debugger.rule import Rule
from epochwatch.errors import EpochwatchError
from epochwatch.launchers.algorithms.debugger_rules.task import ACTIONS, Task

TOPIC: Final = "SMDebugRules"
_STOP: Final = "stoptraining"
_FILTERS: Final = {"email": "email", "sms": "phone_num"}
"""By which attribute of a message each protocol's subscribers are chosen."""
_SNS_VERSION: Final = "2010-03-31"
_LOG = logging.getLogger("epochwatch.rules")

Action = Mapping[str, Any]


def parsed_actions(text: str) -> list[Action]:
    """Of ``action_json``: one action or a list. The SDK sends it with its quotation marks escaped. Raises
    SMDebugValueError.
    """
    if not text.strip():
        return []
    try:
        found = json.loads(text.replace('\\"', '"'))
    except ValueError as error:
        raise SMDebugValueError(f"{ACTIONS} is no JSON: {error}") from error
    actions = found if isinstance(found, list) else [found]
    for action in actions:
        name = action.get("name") if isinstance(action, dict) else None
        if name != _STOP and name not in _FILTERS:
            raise SMDebugValueError(f"{ACTIONS} has an action that is none of {_STOP}, email and sms: {action}")
        if name in _FILTERS and not action.get("endpoint"):
            raise SMDebugValueError(f"the action {name} of {ACTIONS} lacks an endpoint")
    return actions


class Actions:
    """Those of a rule. One that does not succeed is told in the log: what the rule found stands."""

    def __init__(self, task: Task, actions: Sequence[Action], client: Client) -> None:
        self._task = task
        self._actions = actions
        self._client = client

    @classmethod
    def of(cls, task: Task, client: Client) -> "Actions":
        """Raises SMDebugValueError for actions that there are not."""
        return cls(task, parsed_actions(task.given.get(ACTIONS, "")), client)

    def subscribe(self) -> None:
        """Ask those who are to be told, so that they can confirm in time."""
        for action in self._actions:
            if action["name"] in _FILTERS:
                self._try("subscribe", partial(self._subscribe, action["name"], action["endpoint"]))

    def perform(self, message: str, rule: Rule | None = None) -> None:
        """The condition was met of a rule, or of a profiler rule (None), which asks for nothing by itself. The training
        is stopped last: its rules are stopped with it.
        """
        for action in self._actions:
            if action["name"] in _FILTERS:
                self._try("tell", partial(self._tell, action["name"], action["endpoint"], message))
        for prefix in self._prefixes(rule):
            self._try("stop", partial(self._stop, prefix))

    def _prefixes(self, rule: Rule | None) -> list[str]:
        found = [
            action.get("training_job_prefix") or self._task.training_job
            for action in self._actions
            if action["name"] == _STOP
        ]
        if getattr(rule, "stop_training_on_fire", False):
            found.append(getattr(rule, "training_job_name_prefix", None) or self._task.training_job)
        return list(dict.fromkeys(found))

    def _stop(self, prefix: str) -> None:
        """Only where the prefix means one job that runs, as SageMaker has it."""
        names, token = list[str](), ""
        while True:
            asked = {"NameContains": prefix, "StatusEquals": "InProgress", "MaxResults": 100}
            page = self._call("ListTrainingJobs", asked | ({"NextToken": token} if token else {}))
            names += [job["TrainingJobName"] for job in page["TrainingJobSummaries"]]
            token = page.get("NextToken", "")
            if not token:
                break
        names = [name for name in names if name.startswith(prefix)]
        if len(names) != 1:
            _LOG.warning("no job is stopped: %d that run have names that begin with %s", len(names), prefix)
            return
        self._call("StopTrainingJob", {"TrainingJobName": names[0]})
        _LOG.info("stopped the training job %s", names[0])

    def _call(self, operation: str, request: Mapping[str, Any]) -> Any:
        return self._client.call("sagemaker", f"SageMaker.{operation}", request)

    def _subscribe(self, protocol: str, endpoint: str) -> None:
        """Who has been asked is not asked again by the next job."""
        topic = self._topic()
        if (protocol, endpoint) in self._subscribers(topic):
            return
        self._ask(
            "Subscribe",
            {
                "TopicArn": topic,
                "Protocol": protocol,
                "Endpoint": endpoint,
                "Attributes.entry.1.key": "FilterPolicy",
                "Attributes.entry.1.value": json.dumps({_FILTERS[protocol]: [endpoint]}),
            },
        )

    def _tell(self, protocol: str, endpoint: str, message: str) -> None:
        self._ask(
            "Publish",
            {
                "TopicArn": self._topic(),
                "Subject": f"Rule {self._task.name} of {self._task.training_job}"[:100],
                "Message": f"SMDebugRule:{self._task.name} fired for {self._task.training_job}. {message}",
                "MessageAttributes.entry.1.Name": _FILTERS[protocol],
                "MessageAttributes.entry.1.Value.DataType": "String",
                "MessageAttributes.entry.1.Value.StringValue": endpoint,
            },
        )
        _LOG.info("told %s by the topic %s", endpoint, TOPIC)

    def _subscribers(self, topic: str) -> set[tuple[str, str]]:
        """Protocol and endpoint of each, confirmed or not."""
        found, token = set[tuple[str, str]](), ""
        while True:
            asked = {"TopicArn": topic} | ({"NextToken": token} if token else {})
            page = self._ask("ListSubscriptionsByTopic", asked)
            for member in page.split("<member>")[1:]:
                found.add((_element("Protocol", member), _element("Endpoint", member)))
            token = _element("NextToken", page)
            if not token:
                return found

    def _topic(self) -> str:
        return _element("TopicArn", self._ask("CreateTopic", {"Name": TOPIC}))

    def _ask(self, action: str, members: Mapping[str, str]) -> str:
        """The XML that an operation of SNS answers."""
        asked = {"Action": action, "Version": _SNS_VERSION, **members}
        return self._client.post_form("/", asked, "sns").decode()

    def _try(self, what: str, do: Callable[[], None]) -> None:
        try:
            do()
        except EpochwatchError as error:
            _LOG.error("an action failed (%s): %s", what, error)


def _element(name: str, xml: str) -> str:
    """The text of the first element of a name; empty without one."""
    found = re.search(f"<{name}>([^<]*)</{name}>", xml)
    return html.unescape(found[1]) if found else ""
