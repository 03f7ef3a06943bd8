"""``epochwatch alarm``: alarms of a training job, in one line each."""

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from epochwatch.client.http import Client

STATE_STYLES = {"OK": "green", "ALARM": "bold red", "INSUFFICIENT_DATA": "yellow"}
HISTORY = 100
"""The most lines of history."""


@click.command("alarm")
@click.argument("job")
@click.argument("phrase", required=False)
@click.option("--name", metavar="NAME", help="Name of the alarm, behind JOB/. Default: the phrase.")
@click.option(
    "--stop-job", is_flag=True, help="Stop the job, which CreateTrainingJob made, when the alarm goes off."
)
@click.option(
    "--notify", "targets", multiple=True, metavar="TARGET", help="Tell this topic, URL or address; repeatable."
)
@click.option("--delete", "deleted", multiple=True, metavar="NAME", help="Delete this alarm of JOB; repeatable.")
@click.option("--history", is_flag=True, help="Show what happened to JOB's alarms.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def alarm_command(
    job: str,
    phrase: str | None,
    name: str | None,
    stop_job: bool,
    targets: tuple[str, ...],
    deleted: tuple[str, ...],
    history: bool,
    as_json: bool,
) -> None:
    """Make an alarm of JOB by a PHRASE such as 'validation:loss > 2 for 3 of 5', 'loss is NaN', 'loss is missing for
    10m' or 'GPUUtilization < 5% for 10m on algo-1'. Without one, list the job's alarms.
    """
    from epochwatch.cli.job import job_path
    from epochwatch.client.alarms import JobAlarms, parsed
    from epochwatch.client.http import Client
    from epochwatch.client.topics import Topics
    from epochwatch.errors import UsageError
    from epochwatch.settings import load

    if sum((phrase is not None, bool(deleted), history)) > 1:
        raise UsageError("a phrase, --delete and --history are for three commands", "give one of them")
    if phrase is None and (name or stop_job or targets):
        raise UsageError("--name, --stop-job and --notify are for a new alarm", "give its phrase, too")
    client = Client(load())
    record = client.get_json(job_path(job))
    alarms = JobAlarms(client, job)
    if phrase is not None:
        wanted, topics = parsed(phrase), Topics(client)
        _require_running(record)
        stop = [_stop_action(client, record)] if stop_job else []
        actions = [topics.action(target) for target in targets] + stop
        for made in alarms.put(wanted, actions, name):
            click.echo(made)
        _remark(alarms.unknown(wanted.metric), topics.pending, job)
    elif deleted:
        for gone in alarms.delete(deleted):
            click.echo(f"deleted {gone}", err=True)
    elif history:
        _print_history(alarms.history(record["created"]), as_json)
    else:
        _print_alarms(alarms.all(), job, as_json)
    client.close()


def _require_running(record: dict[str, Any]) -> None:
    from epochwatch.errors import EpochwatchError

    if record["ended"] is not None:
        raise EpochwatchError(f"{record['name']} has ended ({record['status']}): its alarms went with it")


def _stop_action(client: "Client", record: dict[str, Any]) -> str:
    """The ARN of the action that stops the job. Raises UsageError where that cannot be."""
    from epochwatch.errors import UsageError

    asked = {"TrainingJobName": record["name"]}
    if "RoleArn" not in client.call("sagemaker", "SageMaker.DescribeTrainingJob", asked):  # no run has a role
        raise UsageError(
            f"{record['name']} was not made by CreateTrainingJob: the server cannot stop it",
            "leave --stop-job away, and be told by --notify",
        )
    arn: str = record["arn"]
    return arn.replace(":sagemaker:", ":epochwatch:", 1).replace(":training-job/", ":stop-training-job/", 1)


def _remark(near: list[str] | None, pending: list[str], job: str) -> None:
    """What the names of the alarms do not say, on standard error."""
    for target in pending:
        click.echo(f"{target} was asked to confirm; nothing is told there before", err=True)
    if near is not None:
        proposed = f"; it has {', '.join(near)}" if near else ""
        click.echo(f"warning: {job} has no values of that metric yet{proposed}", err=True)


def _print_alarms(alarms: list[dict[str, Any]], job: str, as_json: bool) -> None:
    from rich.text import Text

    from epochwatch.cli.output import console, moment, print_json, table

    if as_json:
        print_json(alarms)
    elif not alarms:
        click.echo(f"no alarms; `epochwatch alarm {job} 'loss is NaN'` makes one", err=True)
    else:
        rows = [
            (
                alarm["AlarmName"].removeprefix(f"{job}/"),
                Text(alarm["StateValue"], STATE_STYLES.get(alarm["StateValue"], "")),
                moment(alarm["StateTransitionedTimestamp"]),
                alarm["StateReason"],
            )
            for alarm in alarms
        ]
        console().print(table(("ALARM", "STATE", "SINCE", "REASON"), rows))


def _print_history(items: Iterator[dict[str, Any]], as_json: bool) -> None:
    from epochwatch.cli.output import console, moment, print_json, table

    shown = list(itertools.islice(items, HISTORY))
    if as_json:
        print_json(shown)
        return
    rows = [(moment(item["Timestamp"]), item["AlarmName"], item["HistorySummary"]) for item in shown]
    if rows:
        console().print(table(("WHEN", "ALARM", "WHAT HAPPENED"), rows))
    else:
        click.echo("nothing happened to its alarms", err=True)
