"""Gives each running training job the alarms of templates, and takes the alarms of jobs that have ended away."""

import logging
from collections.abc import Sequence
from typing import Final

from epochwatch.model.alarm.phrase import Phrase
from epochwatch.model.alarm.templates import STOP_JOB, Template
from epochwatch.model.alarm.training import JOB_TAG, alarm_name, host_dimension, logged_metric, metric_alarm
from epochwatch.model.aws_error import AwsError
from epochwatch.model.job import IN_PROGRESS, TERMINAL, TrainingJob
from epochwatch.model.metric import TRAINING_JOBS_NAMESPACE
from epochwatch.model.run_series import OWN_DIMENSION
from epochwatch.model.tenant import Tenant
from epochwatch.services.cloudwatch.alarm_observations import call_of
from epochwatch.services.cloudwatch.alarms import delete_alarms, put_metric_alarm
from epochwatch.store.state.alarm_history import CONFIGURATION
from epochwatch.store.state.alarms import METRIC, Alarm
from epochwatch.store.stores import Stores

logger = logging.getLogger(__name__)

MOST_METRICS: Final = 10_000
"""Of a job, that are looked at."""
EVERY_SECONDS: Final = 5.0
"""Between two looks at which jobs run and which metrics they have."""
SETTLED_SECONDS: Final = 120.0
"""So long after a job's start, the metric that suits a template best is there."""


class TemplateAlarms:
    """Makes each template's alarm of each running job as soon as the job has the metric that it is about, and once: one
    that somebody has deleted does not come back.
    """

    def __init__(self, stores: Stores, templates: Sequence[Template], actions: Sequence[str]) -> None:
        self._stores = stores
        self._templates = templates
        self._actions = actions
        self._made: set[tuple[Tenant, str]] = set()
        self._next = 0.0

    def run(self, now: float) -> None:
        """Do what is due."""
        if now < self._next or not self._templates:
            return
        self._next = now + EVERY_SECONDS
        running = self._stores.state.jobs.everywhere(IN_PROGRESS)
        names = {(tenant, job.name) for tenant, job in running}
        self._made = {
            (tenant, alarm) for tenant, alarm in self._made if (tenant, alarm.partition("/")[0]) in names
        }
        for tenant, job in running:
            try:
                self._attach(tenant, job, now)
            except Exception:
                logger.exception("the job %s could not be given its alarms", job.name)

    def _attach(self, tenant: Tenant, job: TrainingJob, now: float) -> None:
        left = [one for one in self._templates if (tenant, alarm_name(job.name, one.name)) not in self._made]
        names = self._logged(tenant, job.name) if left else set()
        settled = now >= job.started + SETTLED_SECONDS
        for template in left:
            metric = template.metric_of(names, settled=settled)
            if metric is not None:
                self._make(tenant, job.name, template.name, template.about(metric), None, now)
                continue
            for host in self._hosts(tenant, job, template):
                self._make(tenant, job.name, f"{template.name} on {host}", template.phrase, host, now)

    def _logged(self, tenant: Tenant, job: str) -> set[str]:
        """The names of a training's own metrics."""
        found, _ = self._stores.metrics.list(
            tenant, TRAINING_JOBS_NAMESPACE, dimensions=[(OWN_DIMENSION, job)], limit=MOST_METRICS
        )
        return {logged_metric(metric.name, dict(metric.dimensions)) for metric in found}

    def _hosts(self, tenant: Tenant, job: TrainingJob, template: Template) -> list[str]:
        """The hosts of a job that have the metric of a template."""
        phrase, index = template.phrase, self._stores.metrics
        return [
            host
            for host in job.hosts
            if phrase.host in (None, host)
            and index.list(
                tenant,
                TRAINING_JOBS_NAMESPACE,
                phrase.metric,
                dimensions=[host_dimension(job.name, host)],
                limit=1,
            )[0]
        ]

    def _make(self, tenant: Tenant, job: str, what: str, phrase: Phrase, host: str | None, now: float) -> None:
        name = alarm_name(job, what)
        if (tenant, name) in self._made:
            return
        alarms = self._stores.state.alarms
        if not alarms.history.list(tenant, kinds=[METRIC], alarm=name, type=CONFIGURATION, limit=1):
            request = {
                "AlarmName": name,
                "AlarmDescription": phrase.text,
                "AlarmActions": [self._action(tenant, job, action) for action in self._actions],
                "Tags": [{"Key": JOB_TAG, "Value": job}],
                **metric_alarm(phrase, job, host),
            }
            put_metric_alarm(call_of(self._stores, tenant, now), request)
        self._made.add((tenant, name))

    def _action(self, tenant: Tenant, job: str, action: str) -> str:
        return tenant.arn("epochwatch", f"stop-training-job/{job}") if action == STOP_JOB else action


def without_ended_jobs(stores: Stores, alarms: Sequence[Alarm], now: float) -> list[Alarm]:
    """The alarms but those of training jobs that have ended: these are deleted, or, where a composite alarm needs them,
    stay as they are.
    """
    of_jobs: dict[Tenant, dict[str, list[Alarm]]] = {}
    for alarm in alarms:
        job = alarm.tags.get(JOB_TAG)
        if job is not None and alarm.name.startswith(f"{job}/"):
            of_jobs.setdefault(alarm.tenant, {}).setdefault(job, []).append(alarm)
    gone: set[str] = set()
    for tenant, by_job in of_jobs.items():
        for name, record in stores.state.jobs.named(tenant, list(by_job)).items():
            if record.status in TERMINAL and not record.lost:
                gone |= {alarm.arn for alarm in by_job[name]}
                _delete(stores, by_job[name], now)
    return [alarm for alarm in alarms if alarm.arn not in gone]


def _delete(stores: Stores, alarms: Sequence[Alarm], now: float) -> None:
    for alarm in alarms:
        try:
            delete_alarms(call_of(stores, alarm.tenant, now), {"AlarmNames": [alarm.name]})
        except AwsError as refusal:
            logger.info("the alarm %s of a job that has ended stays: %s", alarm.arn, refusal)
