"""Records of jobs, keys, log groups and trial components: the same on SQLite and on PostgreSQL."""

import dataclasses
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from epochwatch.errors import EpochwatchError, UsageError
from epochwatch.model.batch import Definition, DefinitionHealth, Progress, Registration
from epochwatch.model.job import NAME_LIMIT
from epochwatch.model.metric_filter import MetricFilterDefinition
from epochwatch.model.tenant import Tenant
from epochwatch.store.state import StateStore
from epochwatch.store.state.database import Database
from epochwatch.store.state.tables import ACCESS_KEYS

NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
NOW = 1_795_200_000.0


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_url")
    return f"sqlite:///{tmp_path_factory.mktemp('state') / 'state.db'}"


@pytest.fixture(scope="module")
def state(url: str) -> Iterator[StateStore]:
    opened = StateStore.open(url)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def fresh_tenant() -> Callable[[], Tenant]:
    numbers = iter(range(300_000_000_001, 300_001_000_000))
    return lambda: Tenant(str(next(numbers)))


@pytest.fixture
def tenant(fresh_tenant: Callable[[], Tenant]) -> Tenant:
    return fresh_tenant()


def _run_id(number: int) -> str:
    return f"{number:032x}"


def _register(state: StateStore, tenant: Tenant, number: int, name: str = "job", now: float = NOW) -> str:
    return state.jobs.register(tenant, Registration(_run_id(number), name, started=now - 1), now).job


def _progress(status: str = "InProgress", time: float = NOW + 10, **more: object) -> Progress:
    return Progress(run_id=_run_id(1), status=status, time=time, **more)


# Registration


def test_a_run_that_registers_again_gets_the_same_place(state: StateStore, tenant: Tenant) -> None:
    registration = Registration(_run_id(1), "resnet", started=NOW, host="algo-2")
    first = state.jobs.register(tenant, registration, NOW + 1)
    assert state.jobs.register(tenant, registration, NOW + 99) == first
    renamed = Registration(_run_id(1), "other", started=NOW + 5)
    assert state.jobs.register(tenant, renamed, NOW + 99) == first == state.jobs.run(tenant, _run_id(1))
    assert (first.job, first.host) == ("resnet", "algo-2")
    assert first.log_group == "/aws/sagemaker/TrainingJobs"
    assert first.log_stream == f"resnet/algo-2-{int(NOW)}"
    assert state.jobs.list(tenant)[1] == 1
    assert state.jobs.log_streams(tenant, "resnet") == [first.log_stream]
    assert state.log_groups.stream(tenant, first.log_group, first.log_stream) is not None


def test_names_that_are_taken_get_a_number(state: StateStore, tenant: Tenant) -> None:
    assert [_register(state, tenant, n) for n in (1, 2, 3)] == ["job", "job-2", "job-3"]
    assert _register(state, tenant, 4, "job-2") == "job-2-2"
    longest = "x" * NAME_LIMIT
    names = [_register(state, tenant, n, longest) for n in range(10, 21)]
    assert names[0] == longest
    assert names[1] == "x" * (NAME_LIMIT - 2) + "-2"
    assert names[10] == "x" * (NAME_LIMIT - 3) + "-11"


def test_threads_that_register_one_name_at_once_get_names_apart(state: StateStore, tenant: Tenant) -> None:
    together = threading.Barrier(16)

    def register(number: int) -> str:
        together.wait()
        return _register(state, tenant, number)

    with ThreadPoolExecutor(16) as pool:
        names = list(pool.map(register, range(16)))
    assert sorted(names) == sorted(["job", *(f"job-{n}" for n in range(2, 17))])


def test_threads_that_register_one_run_at_once_get_one_place(state: StateStore, tenant: Tenant) -> None:
    together = threading.Barrier(16)

    def register(_: int) -> str:
        together.wait()
        return _register(state, tenant, 1)

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(register, range(16))) == {"job"}
    assert state.jobs.list(tenant)[1] == 1


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80))
@example("")
@example("-")
@example("a" * 62 + "-b")
@example("Ünïcode train/π.py --lr=0.1")
@example("x' OR 1=1; --%s%(name)s\\\0")
def test_any_wanted_name_becomes_a_legal_one(
    state: StateStore, fresh_tenant: Callable[[], Tenant], wanted: str
) -> None:
    tenant = fresh_tenant()
    names = [_register(state, tenant, number, wanted) for number in range(3)]
    assert len(set(names)) == 3
    for name in names:
        assert NAME.fullmatch(name), name
        assert len(name) <= NAME_LIMIT
        assert state.jobs.get(tenant, name) is not None
    if NAME.fullmatch(wanted) and len(wanted) <= NAME_LIMIT:
        assert names[0] == wanted


def test_a_record_holds_what_the_run_said(state: StateStore, tenant: Tenant) -> None:
    config = {"lr": 0.1, "note": "π ' \" \\ %s \0", "deep": {"list": [1, None, True]}}
    registration = Registration(
        _run_id(1),
        "job",
        started=NOW,
        command=["python", "train.py", "--name=ü'%"],
        working_directory="/work",
        hostname="box",
        user="ada",
        definitions=[Definition("loss", "loss=([0-9.]+)", "flag")],
        tags={"team": "näme"},
        config=config,
    )
    state.jobs.register(tenant, registration, NOW + 1)
    job = state.jobs.get(tenant, "job")
    assert job is not None
    assert (job.created, job.started, job.ended) == (NOW + 1, NOW, None)
    assert (job.command, job.config, job.tags) == (registration.command, config, registration.tags)
    assert (job.working_directory, job.hostname, job.user) == ("/work", "box", "ada")
    assert job.definitions == registration.definitions
    assert [t.status for t in job.transitions] == ["Starting"]


# Progress


@pytest.mark.parametrize(
    ("statuses", "status", "secondary", "passed"),
    [
        (["InProgress"], "InProgress", "Training", ["Starting", "Training"]),
        (["InProgress", "InProgress"], "InProgress", "Training", ["Starting", "Training"]),
        (["InProgress", "Completed"], "Completed", "Completed", ["Starting", "Training", "Completed"]),
        (["Completed"], "Completed", "Completed", ["Starting", "Training", "Completed"]),
        (["InProgress", "Failed"], "Failed", "Failed", ["Starting", "Training", "Failed"]),
        (["Stopped"], "Stopped", "Stopped", ["Starting", "Training", "Stopped"]),
        (["Completed", "InProgress"], "Completed", "Completed", ["Starting", "Training", "Completed"]),
        (["Completed", "Failed"], "Completed", "Completed", ["Starting", "Training", "Completed"]),
        (["Failed", "Completed"], "Failed", "Failed", ["Starting", "Training", "Failed"]),
        (["Failed", "Failed"], "Failed", "Failed", ["Starting", "Training", "Failed"]),
        (["Stopped", "InProgress", "Completed"], "Stopped", "Stopped", ["Starting", "Training", "Stopped"]),
    ],
)
def test_progress_moves_a_job_on_and_never_out_of_an_end(
    state: StateStore, tenant: Tenant, statuses: list[str], status: str, secondary: str, passed: list[str]
) -> None:
    _register(state, tenant, 1)
    for step, said in enumerate(statuses, 1):
        answered = state.jobs.progress(tenant, _progress(said, NOW + 10 * step, exit_code=step), NOW + 10 * step)
    job = state.jobs.get(tenant, "job")
    assert job == answered
    assert (job.status, job.secondary_status) == (status, secondary)
    assert [t.status for t in job.transitions] == passed
    assert all(a.end == b.start for a, b in zip(job.transitions, job.transitions[1:], strict=False))
    if status == "InProgress":
        assert (job.ended, job.exit_code, job.transitions[-1].end) == (None, None, None)
    else:
        ended = 1 + next(n for n, said in enumerate(statuses) if said != "InProgress")
        assert job.exit_code == ended
        assert job.ended == job.transitions[-1].end == NOW + 10 * ended
    assert job.updated == NOW + 10 * len(statuses)


def test_progress_takes_what_the_run_says_of_itself(state: StateStore, tenant: Tenant) -> None:
    _register(state, tenant, 1)
    state.jobs.progress(tenant, _progress(config={"lr": 1}, tags={"a": "1"}, summary={"best": 1}), NOW)
    health = [DefinitionHealth("loss", matched=3)]
    said = _progress("Failed", failure_reason="r" * 3000, config={"wd": 2}, tags={"b": "2"}, health=health)
    state.jobs.progress(tenant, said, NOW)
    job = state.jobs.progress(tenant, _progress(summary={"after": True}), NOW)
    assert (job.config, job.tags) == ({"lr": 1, "wd": 2}, {"a": "1", "b": "2"})
    assert (job.summary, job.health) == ({"best": 1, "after": True}, health)
    assert job.failure_reason == "r" * 1024


def test_a_clock_that_went_back_ends_no_state_before_it_began(state: StateStore, tenant: Tenant) -> None:
    _register(state, tenant, 1)
    job = state.jobs.progress(tenant, _progress("Completed", time=5.0), NOW)
    assert job.ended is not None
    assert job.ended >= job.started
    assert all(t.end is not None and t.end >= t.start for t in job.transitions)


def test_progress_of_unknown_runs_and_states_is_refused(state: StateStore, tenant: Tenant) -> None:
    with pytest.raises(ValueError, match="not registered"):
        state.jobs.progress(tenant, _progress(), NOW)
    _register(state, tenant, 1)
    with pytest.raises(ValueError, match="status must be one of"):
        state.jobs.progress(tenant, _progress("Dreaming"), NOW)


def test_progress_from_many_threads_loses_nothing(state: StateStore, tenant: Tenant) -> None:
    _register(state, tenant, 1)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: state.jobs.progress(tenant, _progress(tags={f"k{n}": "v"}), NOW + n), range(32)))
    job = state.jobs.get(tenant, "job")
    assert job is not None
    assert set(job.tags) == {f"k{n}" for n in range(32)}
    assert job.updated == NOW + 31


# Lists


@pytest.fixture(scope="module")
def listed(state: StateStore, fresh_tenant: Callable[[], Tenant]) -> Tenant:
    """Six jobs: created and named in different orders, in all states."""
    tenant = fresh_tenant()
    for number, name in enumerate(("beta", "Alpha", "gamma-100", "delta", "Beta-x", "alpha"), 1):
        _register(state, tenant, number, name, NOW + number)
    for number, status in ((2, "Completed"), (3, "Failed"), (4, "Stopped"), (6, "Completed")):
        state.jobs.progress(tenant, Progress(_run_id(number), status, NOW + 50), NOW + 100 - number)
    return tenant


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({}, ["alpha", "Beta-x", "delta", "gamma-100", "Alpha", "beta"]),
        ({"descending": False}, ["beta", "Alpha", "gamma-100", "delta", "Beta-x", "alpha"]),
        ({"sort": "name", "descending": False}, ["Alpha", "Beta-x", "alpha", "beta", "delta", "gamma-100"]),
        ({"sort": "name"}, ["gamma-100", "delta", "beta", "alpha", "Beta-x", "Alpha"]),
        ({"sort": "updated"}, ["Alpha", "gamma-100", "delta", "alpha", "Beta-x", "beta"]),
        (
            {"sort": "status", "descending": False},
            ["Alpha", "alpha", "gamma-100", "Beta-x", "beta", "delta"],
        ),
        ({"search": "BETA"}, ["Beta-x", "beta"]),
        ({"search": "-1"}, ["gamma-100"]),
        ({"search": "%"}, []),
        ({"search": "_"}, []),
        ({"search": "' OR 1=1 --"}, []),
        ({"status": "Completed"}, ["alpha", "Alpha"]),
        ({"status": "Completed", "search": "x"}, []),
        ({"created_after": NOW + 4}, ["alpha", "Beta-x"]),
        ({"created_before": NOW + 2}, ["beta"]),
        ({"created_after": NOW + 1, "created_before": NOW + 3}, ["Alpha"]),
        ({"updated_after": NOW + 97}, ["Alpha"]),
        ({"updated_before": NOW + 6, "updated_after": NOW + 1}, ["Beta-x"]),
    ],
)
def test_a_list_filters_and_sorts(
    state: StateStore, listed: Tenant, filters: dict[str, object], names: list[str]
) -> None:
    jobs, total = state.jobs.list(listed, **filters)
    assert [job.name for job in jobs] == names
    assert total == len(names)


@pytest.mark.parametrize("size", [1, 2, 4, 6, 7])
@pytest.mark.parametrize("sort", ["created", "name", "status", "updated"])
def test_pages_of_a_list_make_up_the_list(state: StateStore, listed: Tenant, size: int, sort: str) -> None:
    whole, total = state.jobs.list(listed, sort=sort)
    paged = []
    for offset in range(0, total + size, size):
        page, count = state.jobs.list(listed, sort=sort, limit=size, offset=offset)
        assert count == total
        paged += page
    assert paged == whole


# Log groups and streams


def test_a_group_and_a_stream_are_made_once(state: StateStore, tenant: Tenant) -> None:
    groups = state.log_groups
    assert groups.create_group(tenant, "app", 5, log_group_class="INFREQUENT_ACCESS", kms_key="k", tags={"ü": "'"})
    assert not groups.create_group(tenant, "app", 6)
    found = groups.group(tenant, "app")
    assert found is not None
    assert dataclasses.astuple(found) == ("app", 5, None, "INFREQUENT_ACCESS", "k", {"ü": "'"}, False)
    assert groups.group(tenant, "App") is None
    assert groups.create_stream(tenant, "app", "one", 7)
    assert not groups.create_stream(tenant, "app", "one", 8)
    assert groups.create_stream(tenant, "other", "one", 9)
    stream = groups.stream(tenant, "app", "one")
    assert stream is not None
    assert dataclasses.astuple(stream) == ("app", "one", 7)


def test_groups_are_listed_by_bytes_of_their_names_and_filtered(state: StateStore, tenant: Tenant) -> None:
    names = ["/aws/b", "/aws/B", "/aws/a", "zeta", "Zeta", "100%", "a_b", "axb", "é"]
    for name in names:
        state.log_groups.create_group(
            tenant, name, 1, log_group_class="DELIVERY" if name == "zeta" else "STANDARD"
        )

    def listed(**filters: object) -> list[str]:
        return [group.name for group in state.log_groups.groups(tenant, **filters)]

    assert listed() == sorted(names)
    assert listed(prefix="/aws/") == ["/aws/B", "/aws/a", "/aws/b"]
    assert listed(prefix="a_") == listed(pattern="_") == ["a_b"]
    assert listed(pattern="%") == ["100%"]
    assert listed(pattern="eta") == ["Zeta", "zeta"]
    assert listed(pattern="ETA") == []
    assert listed(log_group_class="DELIVERY") == ["zeta"]
    assert listed(names=["é", "zeta", "none"]) == ["zeta", "é"]
    assert listed(names=[]) == []
    paged: list[str] = []
    while page := listed(limit=2, after=paged[-1] if paged else None):
        paged += page
    assert paged == sorted(names)


def test_streams_are_listed_by_bytes_of_their_names_and_by_prefix(state: StateStore, tenant: Tenant) -> None:
    names = ["b", "B", "a%", "a_", "ab", "é"]
    for name in names:
        state.log_groups.create_stream(tenant, "app", name, 1)
    state.log_groups.create_stream(tenant, "other", "elsewhere", 1)

    def listed(prefix: str | None = None) -> list[str]:
        return [stream.name for stream in state.log_groups.streams(tenant, "app", prefix)]

    assert listed() == sorted(names)
    assert listed("a_") == ["a_"]
    assert listed("a%") == ["a%"]
    assert listed("a") == ["a%", "a_", "ab"]
    assert state.log_groups.stream(tenant, "app", "c") is None


# Keys and trial components


def test_keys_are_found_replaced_and_listed(state: StateStore) -> None:
    assert state.keys.get("AKIANONE") is None
    state.keys.put("AKIAONE", "se'cret%", "111111111111")
    key = state.keys.get("AKIAONE")
    assert key is not None
    assert (key.secret_access_key, key.account) == ("se'cret%", "111111111111")
    assert "se'cret%" not in repr(key)
    state.keys.put("AKIAONE", "new", "222222222222")
    key = state.keys.get("AKIAONE")
    assert key is not None
    assert (key.secret_access_key, key.account) == ("new", "222222222222")
    assert [k.access_key_id for k in state.keys.all() if k.access_key_id == "AKIAONE"] == ["AKIAONE"]


def test_a_trial_component_exists_once_it_was_named(state: StateStore, tenant: Tenant) -> None:
    assert not state.trial_components.exists(tenant, "trial")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: state.trial_components.ensure(tenant, "trial", NOW), range(8)))
    assert state.trial_components.exists(tenant, "trial")
    assert not state.trial_components.exists(dataclasses.replace(tenant, region="eu-west-1"), "trial")


# Tenants


@pytest.mark.parametrize("other", [Tenant("999999999999"), Tenant(region="eu-west-1")])
def test_tenants_do_not_see_each_other(
    state: StateStore, fresh_tenant: Callable[[], Tenant], other: Tenant
) -> None:
    mine = fresh_tenant()
    other = dataclasses.replace(
        mine, **({"region": other.region} if other.region != mine.region else {"account": "9" * 12})
    )
    _register(state, mine, 1)
    state.log_groups.create_group(mine, "app", 1)
    assert state.jobs.get(other, "job") is None
    assert state.jobs.run(other, _run_id(1)) is None
    assert state.jobs.list(other) == ([], 0)
    assert state.jobs.log_streams(other, "job") == []
    assert state.log_groups.groups(other) == []
    assert state.log_groups.streams(other, "/aws/sagemaker/TrainingJobs") == []
    with pytest.raises(ValueError, match="not registered"):
        state.jobs.progress(other, _progress("Failed"), NOW)
    assert _register(state, other, 1) == "job"
    assert state.jobs.progress(other, _progress("Failed"), NOW).status == "Failed"
    job = state.jobs.get(mine, "job")
    assert job is not None
    assert job.status == "InProgress"


# Opening


def test_opening_again_keeps_what_is_there(state: StateStore, url: str, tenant: Tenant) -> None:
    _register(state, tenant, 1)
    again = StateStore.open(url)
    try:
        assert again.jobs.get(tenant, "job") == state.jobs.get(tenant, "job")
        assert _register(again, tenant, 2) == "job-2"
    finally:
        again.close()


def test_servers_that_open_a_new_database_together_all_get_it(
    tmp_path: Path, request: pytest.FixtureRequest, url: str
) -> None:
    if url.startswith("sqlite"):
        target = f"sqlite:///{tmp_path / 'new.db'}"
    else:
        admin = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(sa.text("DROP DATABASE IF EXISTS together"))
            connection.execute(sa.text("CREATE DATABASE together"))
        admin.dispose()
        target = url.replace("/postgres?", "/together?")
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: StateStore.open(target), range(4)))
    try:
        _register(opened[0], Tenant(), 1)
        assert all(state.jobs.get(Tenant(), "job") is not None for state in opened)
        opened[1].clear()
        assert all(state.jobs.list(Tenant()) == ([], 0) for state in opened)
    finally:
        for state in opened:
            state.close()


def test_a_database_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    target = f"sqlite:///{tmp_path / 'state.db'}"
    StateStore.open(target).close()
    engine = sa.create_engine(target)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(EpochwatchError, match="cannot open the state store"):
        StateStore.open(target)


@pytest.mark.parametrize("wrong", ["mysql://u:secret@h/d", "nonsense:secret", "", "sqlite://"])
def test_other_places_are_refused_without_telling_the_password(wrong: str) -> None:
    with pytest.raises(UsageError) as refusal:
        StateStore.open(wrong)
    assert "secret" not in str(refusal.value)


def test_a_server_that_does_not_answer_is_said_without_the_password() -> None:
    with pytest.raises(EpochwatchError, match="cannot open the state store at") as refusal:
        StateStore.open("postgresql://someone:secret@/db?host=/nonexistent")
    assert "secret" not in str(refusal.value)


def test_a_groups_record_changes_and_goes_with_what_belongs_to_it(state: StateStore, tenant: Tenant) -> None:
    groups = state.log_groups
    for name in ("kept", "gone"):
        groups.create_group(tenant, name, 5, tags={"a": "1"}, deletion_protected=name == "kept")
        groups.create_stream(tenant, name, "s", 5)
        assert groups.retention(tenant, name) is None
        assert groups.set_retention(tenant, name, 7)
        assert groups.retention(tenant, name) == 7
        assert state.metric_filters.put(tenant, name, _filter("f"), 5, 100)
    assert groups.retentions()[tenant.account, tenant.region, "gone"] == 7
    assert groups.protect(tenant, "gone", True)
    assert groups.change_tags(tenant, "gone", lambda tags: {**tags, "b": "2"})
    found = groups.group(tenant, "gone")
    assert found is not None
    assert (found.deletion_protected, found.tags) == (True, {"a": "1", "b": "2"})
    groups.delete_group(tenant, "gone")
    assert groups.group(tenant, "gone") is groups.stream(tenant, "gone", "s") is None
    assert groups.retention(tenant, "gone") is None
    assert not groups.set_retention(tenant, "gone", 7)
    assert not groups.protect(tenant, "gone", False)
    assert not groups.change_tags(tenant, "gone", lambda tags: tags)
    assert state.metric_filters.acting(tenant, "gone") == []
    assert state.metric_filters.counts(tenant, ["kept", "gone"]) == {"kept": 1}
    assert groups.stream(tenant, "kept", "s") is not None


# Metric filters


def _filter(name: str, pattern: str = "x", default: float | None = None) -> MetricFilterDefinition:
    return MetricFilterDefinition(
        name=name, pattern=pattern, metric_name="m", namespace="n", value="1", default=default
    )


def test_metric_filters_are_put_anew_counted_and_taken_away(state: StateStore, tenant: Tenant) -> None:
    filters = state.metric_filters
    assert filters.put(tenant, "g", _filter("a"), 5, 2)
    assert filters.put(tenant, "g", _filter("B"), 6, 2)
    assert not filters.put(tenant, "g", _filter("c"), 7, 2)
    assert filters.put(tenant, "g", _filter("a", "y"), 8, 2)
    found = [(one.created, one.definition) for one in filters.select(tenant, "g")]
    assert found == [(6, _filter("B")), (5, _filter("a", "y"))]
    assert [one.matches("y") for one in filters.acting(tenant, "g")] == [False, True]
    assert filters.delete(tenant, "g", "a")
    assert not filters.delete(tenant, "g", "a")
    assert [one.definition.name for one in filters.acting(tenant, "g")] == ["B"]
    assert filters.acting(tenant, "other") == []


def test_a_minute_has_matched_when_any_event_of_it_has(state: StateStore, tenant: Tenant) -> None:
    filters = state.metric_filters
    for minute, matched in ((5, False), (5, True), (5, False), (6, False), (7, True), (9, False)):
        filters.note(tenant, "g", minute, {"f": matched})
        filters.forget()  # as another server would note it
    found = [one for one in filters.minutes(9) if one.tenant == tenant]
    assert [(one.minute, one.matched) for one in found] == [(5, True), (6, False), (7, True)]
    filters.forget_minutes(found)
    assert [one.minute for one in filters.minutes(100) if one.tenant == tenant] == [9]
    filters.put(tenant, "g", _filter("f", default=1.0), 5, 100)
    assert [one for one in filters.minutes(100) if one.tenant == tenant] == []


def test_readers_wait_for_no_writer(url: str) -> None:
    database = Database.open(url)
    try:
        with database.begin() as writing, ThreadPoolExecutor(4) as pool:
            writing.execute(ACCESS_KEYS.insert().values(id="AKIAWRITER", secret="s", account="1"))

            def known(_: int) -> int:
                with database.read() as reading:
                    query = sa.select(ACCESS_KEYS).where(ACCESS_KEYS.c.id == "AKIAWRITER")
                    return len(reading.execute(query).all())

            assert list(pool.map(known, range(8))) == [0] * 8
            writing.rollback()
    finally:
        database.close()
