"""Experiments, trials, components and tuning jobs as records: the same on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from epochwatch.model.tenant import Tenant
from epochwatch.store.state import StateStore
from epochwatch.store.state.resources import EXPERIMENT, TRIAL, TUNING_JOB, ResourceStore

NOW = 1_795_200_000.0


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ResourceStore]:
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    else:
        url = f"sqlite:///{tmp_path_factory.mktemp('state') / 'state.db'}"
    opened = StateStore.open(url)
    yield opened.resources
    opened.close()


def names(store: ResourceStore, tenant: Tenant, kind: str = EXPERIMENT, **filters: object) -> list[str]:
    return [found.name for found in store.list(tenant, kind, **filters)[0]]


def test_a_resource_is_made_once_and_changes(store: ResourceStore, tenant: Tenant) -> None:
    assert store.create(tenant, EXPERIMENT, "e", {"a": [1]}, NOW, tags={"t": "1"})
    assert not store.create(tenant, EXPERIMENT, "e", {}, NOW)
    assert store.create(tenant, TRIAL, "e", {}, NOW, parent="e")
    changed = store.change(tenant, EXPERIMENT, "e", lambda known: {**known, "b": 2}, NOW + 1, "Busy")
    tagged = store.change_tags(tenant, EXPERIMENT, "e", lambda tags: {**tags, "u": "2"})
    assert changed is not None
    assert tagged is not None
    assert (tagged.record, tagged.status, tagged.updated) == ({"a": [1], "b": 2}, "Busy", NOW + 1)
    assert tagged.tags == {"t": "1", "u": "2"}
    assert store.get(tenant, EXPERIMENT, "e") == tagged
    assert store.change(tenant, EXPERIMENT, "none", lambda known: known, NOW) is None
    assert store.delete(tenant, EXPERIMENT, "e")
    assert not store.delete(tenant, EXPERIMENT, "e")
    assert names(store, tenant, TRIAL) == ["e"]


def test_resources_are_filtered_sorted_and_paged(store: ResourceStore, tenant: Tenant) -> None:
    for number, name in enumerate(("b", "A", "c", "a")):
        store.create(tenant, EXPERIMENT, name, {}, NOW + number, status="s" if name in "ab" else "", parent=name)
    assert names(store, tenant) == ["a", "c", "A", "b"]
    assert names(store, tenant, sort="name", descending=False) == ["A", "a", "b", "c"]
    assert names(store, tenant, status="s") == ["a", "b"]
    assert names(store, tenant, parent="c") == names(store, tenant, names=["c", "none"]) == ["c"]
    assert names(store, tenant, search="A") == ["a", "A"]
    assert names(store, tenant, created_after=NOW, created_before=NOW + 3) == ["c", "A"]
    assert store.list(tenant, EXPERIMENT, limit=2, offset=3) == (store.list(tenant, EXPERIMENT)[0][3:], 4)


def test_what_is_active_is_found_for_all_tenants(store: ResourceStore, tenant: Tenant) -> None:
    other = Tenant(tenant.account, "eu-west-1")
    for owner, status in ((tenant, "InProgress"), (other, "Stopping")):
        store.create(owner, TUNING_JOB, "t", {}, NOW, status=status)
    store.create(tenant, TUNING_JOB, "done", {}, NOW, status="Completed")
    found = store.everywhere(TUNING_JOB, ["InProgress", "Stopping"])
    assert [one.tenant for one in found if one.tenant.account == tenant.account] == [tenant, other]


def test_a_component_belongs_to_trials(store: ResourceStore, tenant: Tenant) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: store.associate(tenant, "t1", "c"), range(4)))
    store.associate(tenant, "t2", "c")
    store.associate(tenant, "t2", "d")
    assert store.memberships(tenant, component="c") == [("t1", "c"), ("t2", "c")]
    assert store.memberships(tenant, trials=["t2"]) == [("t2", "c"), ("t2", "d")]
    assert store.disassociate(tenant, "t1", "c")
    assert not store.disassociate(tenant, "t1", "c")
    assert store.memberships(tenant) == [("t2", "c"), ("t2", "d")]
