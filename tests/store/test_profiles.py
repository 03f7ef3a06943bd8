"""Profiles in the object store: what agents sent is what is read, however it was put together meanwhile."""

import math
import struct
from pathlib import Path

import pyarrow as pa
import pytest

from epochwatch.model.batch import Registration
from epochwatch.model.host_rows import Column, HostMinute, Layout, Row
from epochwatch.model.job import Run
from epochwatch.model.profile_file import ProfileFile
from epochwatch.model.tenant import Tenant
from epochwatch.profiler.phases import Phase
from epochwatch.profiler.steps import step_table
from epochwatch.profiler.store.rows import Header
from epochwatch.profiler.store.writer import EventWriter
from epochwatch.store.host_samples import HostPlace, keep_minute
from epochwatch.store.profiles import (
    ProfilePlace,
    delete_profile,
    keep_profile_file,
    profile_of,
    seal,
    seal_due,
)
from epochwatch.store.stores import Stores

HOUR = 1_700_002_800
"""The beginning of one."""
S = 1_000_000


@pytest.fixture
def run(stores: Stores, tenant: Tenant) -> Run:
    return stores.state.jobs.register(tenant, Registration("ab" * 16, "digits", float(HOUR)), float(HOUR))


def event_file(directory: Path, begin: int, steps: range, process: int = 7, length: int = S) -> ProfileFile:
    """Steps of so many microseconds each, the first at ``begin``; the training says another node than the agent."""
    directory.mkdir(exist_ok=True)
    writer = EventWriter(directory, Header("another", 0, process), lambda: begin * 1000)
    for number, step in enumerate(steps):
        start = begin + number * length
        writer.add(Phase.STEP, start, length, step)
        writer.add(Phase.FORWARD, start, length // 2, step, name="Net")
    writer.flush()
    writer.close()
    path = max(directory.glob(f"*-{process}.ewe"))
    return ProfileFile("ab" * 16, path.name, path.read_bytes())


def cut(file: ProfileFile, steps: int) -> ProfileFile:
    """As it was when it had so many steps, and a torn row."""
    rows = 2 * steps + 1 + (1 if steps else 0)  # a row for the name
    start = 12 + struct.unpack_from("<I", file.content, 8)[0]
    return ProfileFile(file.run_id, file.name, file.content[: start + 48 * rows - 5])


def everything(stores: Stores, tenant: Tenant) -> list[tuple[str, str, int, int]]:
    profile = profile_of(stores, tenant, "digits")
    tables = list(profile.events(profile.span()))
    rows = pa.concat_tables(tables).to_pylist() if tables else []
    return [(row["node"], row["name"], row["step"], row["start"]) for row in rows]


def test_a_file_reads_back_under_the_name_of_its_host(
    stores: Stores, tenant: Tenant, run: Run, tmp_path: Path
) -> None:
    keep_profile_file(stores.objects, tenant, run, event_file(tmp_path / "e", HOUR * S, range(2)))
    found = everything(stores, tenant)
    assert found == [
        ("algo-1", "step", 0, HOUR * S), ("algo-1", "Net", 0, HOUR * S),
        ("algo-1", "step", 1, (HOUR + 1) * S), ("algo-1", "Net", 1, (HOUR + 1) * S),
    ]  # fmt: skip
    profile = profile_of(stores, tenant, "digits")
    assert profile.span() == (HOUR * S, (HOUR + 2) * S + 1)
    assert profile.nodes() == ["algo-1"]
    assert not profile.ended()


def test_a_file_that_grows_replaces_itself(stores: Stores, tenant: Tenant, run: Run, tmp_path: Path) -> None:
    file = event_file(tmp_path / "e", HOUR * S, range(3))
    for sent in (cut(file, 1), cut(file, 2), file, file):
        keep_profile_file(stores.objects, tenant, run, sent)
    assert [step for _, name, step, _ in everything(stores, tenant) if name == "step"] == [0, 1, 2]


def test_sealing_changes_the_files_and_not_what_is_read(
    stores: Stores, tenant: Tenant, run: Run, tmp_path: Path
) -> None:
    for process in (7, 9):
        for part in range(3):
            begin = (HOUR + 100 * part) * S
            file = event_file(tmp_path / f"{process}{part}", begin, range(part * 10, part * 10 + 10), process)
            keep_profile_file(stores.objects, tenant, run, file)
    before = sorted(everything(stores, tenant))
    place = ProfilePlace(tenant, "training-job", "digits", "algo-1")
    seal(stores.objects, place, HOUR)
    assert [key.rpartition("/")[2] for key, _ in stores.objects.list(place.folder)] == ["hour.parquet"]
    assert sorted(everything(stores, tenant)) == before
    profile = profile_of(stores, tenant, "digits")
    assert len(step_table(profile, profile.span())) == 60


def test_a_sealed_file_that_is_sent_again_or_goes_on_is_there_once(
    stores: Stores, tenant: Tenant, run: Run, tmp_path: Path
) -> None:
    file = event_file(tmp_path / "e", HOUR * S, range(5))
    place = ProfilePlace(tenant, "training-job", "digits", "algo-1")
    keep_profile_file(stores.objects, tenant, run, cut(file, 2))
    seal(stores.objects, place, HOUR)
    for _ in range(2):
        keep_profile_file(stores.objects, tenant, run, cut(file, 2))
        assert [step for _, name, step, _ in everything(stores, tenant) if name == "step"] == [0, 1]
        seal(stores.objects, place, HOUR)
    keep_profile_file(stores.objects, tenant, run, file)
    expected = [0, 1, 2, 3, 4]
    assert [step for _, name, step, _ in everything(stores, tenant) if name == "step"] == expected
    seal(stores.objects, place, HOUR)
    assert [step for _, name, step, _ in everything(stores, tenant) if name == "step"] == expected


def test_sealing_that_was_interrupted_leaves_what_reads_the_same(
    stores: Stores, tenant: Tenant, run: Run, tmp_path: Path
) -> None:
    file = event_file(tmp_path / "e", HOUR * S, range(5))
    keep_profile_file(stores.objects, tenant, run, file)
    place = ProfilePlace(tenant, "training-job", "digits", "algo-1")
    before = everything(stores, tenant)
    seal(stores.objects, place, HOUR)
    stores.objects.put(f"{place.hour(HOUR)}/{file.name}", file.content)  # it was not deleted yet
    assert everything(stores, tenant) == before


def test_hours_are_sealed_once_they_are_over(stores: Stores, tenant: Tenant, run: Run, tmp_path: Path) -> None:
    keep_profile_file(stores.objects, tenant, run, event_file(tmp_path / "e", HOUR * S, range(5)))
    seal_due(stores.objects, HOUR + 3600 + 299)
    folder = ProfilePlace(tenant, "training-job", "digits", "algo-1").hour(HOUR)
    assert stores.objects.get(f"{folder}/hour.parquet") is None
    seal_due(stores.objects, HOUR + 3600 + 300)
    assert stores.objects.get(f"{folder}/hour.parquet") is not None
    assert not [key for key, _ in stores.objects.list("profiles-due") if tenant.account in key]


def test_only_hours_that_can_matter_are_read(stores: Stores, tenant: Tenant, run: Run, tmp_path: Path) -> None:
    for hour in range(4):
        begin = (HOUR + 3600 * hour) * S
        keep_profile_file(
            stores.objects, tenant, run, event_file(tmp_path / f"{hour}", begin, range(hour, hour + 1))
        )
    profile = profile_of(stores, tenant, "digits")
    span = ((HOUR + 3600) * S, (HOUR + 3601) * S)
    assert [step for table in profile.events(span, [Phase.STEP]) for step in table["step"].to_pylist()] == [1]
    assert profile.span() == (HOUR * S, (HOUR + 3 * 3600 + 1) * S + 1)


def test_samples_of_the_hosts_are_part_of_it(stores: Stores, tenant: Tenant, run: Run) -> None:
    layout = Layout((Column("cpu.0.busy", "Percent"),))
    rows = b"".join(layout.pack(Row((HOUR + 1) * S + number * 100_000, 0.1, (50.0,))) for number in range(10))
    place = HostPlace(tenant, "training-job", "digits", "algo-1")
    keep_minute(stores.objects, place, HostMinute("ab" * 16, "a", HOUR, list(layout.columns), rows))
    profile = profile_of(stores, tenant, "digits")
    span = profile.span()
    assert span == ((HOUR + 1) * S, (HOUR + 1) * S + 900_001)
    assert profile.system("algo-1", span).values["cpu.0.busy"].tolist() == [50.0] * 10
    assert profile.system("algo-1", span, seconds=1).values["cpu.0.busy.mean"].tolist() == [50.0]
    assert list(profile.events(span)) == []


def test_windows_and_their_traces_are_read(stores: Stores, tenant: Tenant, run: Run) -> None:
    record = (
        b'{"node": "x", "rank": 0, "first_step": 5, "last_step": 9, "span": [1, 2], "cost": null,'
        b' "path": "windows/w.json.gz"}'
    )
    for name, content in (("windows/w.json.gz", b"trace"), ("windows/w.json", record)):
        keep_profile_file(stores.objects, tenant, run, ProfileFile("ab" * 16, name, content))
    profile = profile_of(stores, tenant, "digits")
    (window,) = profile.windows()
    assert (window.node, window.first_step, math.isnan(window.cost)) == ("algo-1", 5, True)
    assert profile.read(window.path) == b"trace"
    for path in ("algo-1/windows/none.json.gz", "../another-job/algo-1/windows/w.json"):
        with pytest.raises(FileNotFoundError):
            profile.read(path)


def test_a_job_without_a_profile_has_an_empty_one(stores: Stores, tenant: Tenant, run: Run) -> None:
    profile = profile_of(stores, tenant, "digits")
    assert profile.span() == (0, 0)
    assert profile.nodes() == profile.windows() == []
    with pytest.raises(KeyError):
        profile_of(stores, tenant, "no-such-job")


def test_a_deleted_job_leaves_nothing(stores: Stores, tenant: Tenant, run: Run, tmp_path: Path) -> None:
    keep_profile_file(stores.objects, tenant, run, event_file(tmp_path / "e", HOUR * S, range(5)))
    delete_profile(stores.objects, tenant, "training-job", "digits")
    assert not list(stores.objects.list(f"profiles/{tenant.account}"))
    seal_due(stores.objects, HOUR + 10_000)  # what was due is no more
    assert not list(stores.objects.list(f"profiles/{tenant.account}"))


@pytest.mark.parametrize("name", ["events-1.ewe", "../x", "windows/../x.json", "windows/.json", "hour.parquet"])
def test_other_files_are_refused(stores: Stores, tenant: Tenant, run: Run, name: str) -> None:
    with pytest.raises(ValueError, match="no file"):
        keep_profile_file(stores.objects, tenant, run, ProfileFile("ab" * 16, name, b""))
    with pytest.raises(ValueError, match="events"):
        keep_profile_file(
            stores.objects, tenant, run, ProfileFile("ab" * 16, "events-0000000000000001-1.ewe", b"something")
        )
    with pytest.raises(ValueError, match="no window"):
        keep_profile_file(stores.objects, tenant, run, ProfileFile("ab" * 16, "windows/x.json", b"{}"))
