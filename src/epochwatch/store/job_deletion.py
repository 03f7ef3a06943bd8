"""What a job has besides its record, its log and its CloudWatch metrics, and what goes with it when it is deleted."""

from typing import Final

from epochwatch.model.job import JobKind
from epochwatch.model.tenant import Tenant
from epochwatch.store.engine import Engine
from epochwatch.store.host_samples import HostPlace
from epochwatch.store.objects import ObjectStore
from epochwatch.store.profiles import delete_profile

_OF_THE_JOB: Final = "account = %(account)s AND region = %(region)s AND owner = %(owner)s AND name = %(name)s"


def delete_job_data(engine: Engine, objects: ObjectStore, tenant: Tenant, kind: JobKind, name: str) -> None:
    """Forget the run points, the hosts' samples and the profile of a job that has ended. They are gone for readers on
    return.

    May be done again where it was cut short. How far the job's sources were stored needs no note: their runs are
    deleted with the job, and nobody else's rows are taken from them.
    """
    parameters = {"account": tenant.account, "region": tenant.region, "owner": kind.resource, "name": name}
    found = engine.query(f"SELECT 1 FROM run_points WHERE {_OF_THE_JOB} LIMIT 1", parameters)
    if found.num_rows:
        engine.command(f"DELETE FROM run_points WHERE {_OF_THE_JOB}", parameters)
    for key, _ in list(objects.list(HostPlace(tenant, kind.resource, name, "").folder)):
        objects.delete(key)
    delete_profile(objects, tenant, kind.resource, name)
