"""Records of dashboards, on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from epochwatch.model.tenant import Tenant
from epochwatch.store.state import StateStore
from epochwatch.store.state.dashboards import Dashboard


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def state(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StateStore]:
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    else:
        url = f"sqlite:///{tmp_path_factory.mktemp('dashboards') / 'state.db'}"
    opened = StateStore.open(url)
    yield opened
    opened.close()


def put(state: StateStore, tenant: Tenant, name: str, body: str = "{}") -> Dashboard:
    made = Dashboard(tenant.account, name, body, 1.5, {"team": "x"})
    state.dashboards.change(tenant.account, name, lambda _: made)
    return made


def names(state: StateStore, tenant: Tenant, **narrowed: str) -> list[str]:
    return [one.name for one in state.dashboards.list(tenant.account, limit=100, **narrowed)]


def test_a_dashboard_is_kept_to_the_letter(state: StateStore, tenant: Tenant):
    made = put(state, tenant, "a", '{ "é": "\\u0000 \\"\' "}')
    assert state.dashboards.get(tenant.account, "a") == made
    assert made.arn == f"arn:aws:cloudwatch::{tenant.account}:dashboard/a"
    assert state.dashboards.get(tenant.account, "b") is None


def test_what_is_made_of_nothing_is_nothing(state: StateStore, tenant: Tenant):
    assert state.dashboards.change(tenant.account, "a", lambda known: known) is None
    assert names(state, tenant) == []


def test_dashboards_are_listed_by_the_bytes_of_their_names(state: StateStore, tenant: Tenant):
    for name in ("b", "a-1", "B", "a_1", "a"):
        put(state, tenant, name)
    assert names(state, tenant) == ["B", "a", "a-1", "a_1", "b"]
    assert names(state, tenant, prefix="a") == ["a", "a-1", "a_1"]
    assert names(state, tenant, prefix="a_") == ["a_1"]
    assert names(state, tenant, after="a-1") == ["a_1", "b"]


def test_those_that_are_there_are_deleted_and_the_others_named(state: StateStore, tenant: Tenant):
    for name in ("a", "b", "c"):
        put(state, tenant, name)
    assert state.dashboards.delete(tenant.account, ["a", "x", "b"]) == ["x"]
    assert names(state, tenant) == ["c"]


def test_no_change_is_lost_among_many_at_once(state: StateStore, tenant: Tenant):
    put(state, tenant, "a")

    def tag(number: int) -> None:
        def tagged(known: Dashboard | None) -> Dashboard:
            assert known is not None
            return replace(known, tags={**known.tags, str(number): ""})

        state.dashboards.change(tenant.account, "a", tagged)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(tag, range(20)))
    found = state.dashboards.get(tenant.account, "a")
    assert found is not None
    assert set(found.tags) == {"team", *map(str, range(20))}
