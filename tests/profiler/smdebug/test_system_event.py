import pytest

from epochwatch.profiler.smdebug.layout import system_file, timeline_file
from epochwatch.profiler.smdebug.system_event import ProfilerSystemEvent, encoded, events_in

THEIRS = (
    b'{"Type":"cpu","Name":"cpu21","Dimension":"CPUUtilization","Value":-19.61,"NodeId":"algo-1","Timestamp":1591748169.25}\n'
    b'{"Type":"network","Dimension":"Platform","Value":0,"NodeId":"algo-1","Timestamp":1591748169.25}\n'
)
READ = [
    ProfilerSystemEvent("cpu", "CPUUtilization", -19.61, "algo-1", 1591748169.25, "cpu21"),
    ProfilerSystemEvent("network", "Platform", 0.0, "algo-1", 1591748169.25),
]


@pytest.mark.parametrize("torn", [b"", b'{"Type":"cpu","Na', b'{"Type":"cpu","Na\n', b"\n\n"])
def test_a_last_line_that_is_damaged_is_left_out(torn: bytes) -> None:
    assert events_in(THEIRS + torn) == READ


def test_nothing_is_no_event() -> None:
    assert events_in(b"") == []


@pytest.mark.parametrize(
    "line", ["{}", "nonsense", "[1]", '{"Type":"cpu","Value":"x","Timestamp":1,"NodeId":"a"}']
)
def test_a_damaged_line_that_is_not_the_last_is_named(line: str) -> None:
    first, second = THEIRS.splitlines(keepends=True)
    with pytest.raises(ValueError, match="line 2"):
        events_in(first + f"{line}\n".encode() + second)


def test_an_event_is_written_as_it_is_read() -> None:
    assert events_in(b"\n".join(map(encoded, READ))) == READ


def test_the_names_of_files_say_their_times_and_whose_they_are() -> None:
    assert system_file("system/incremental/1591748100.algo-2.json") == (
        1591748100_000_000,
        "algo-2",
        "",
        "system/incremental/1591748100.algo-2.json",
    )
    found = timeline_file("a/1594662624718694_905-b88ab1bb8259_model_timeline.json")
    assert found is not None
    assert found[:3] == (1594662624718694, "905-b88ab1bb8259", "model_timeline.json")
    for other in ("system/notes.json", "system/1591748100.algo-2.json.tmp", "1591748100.json"):
        assert (system_file(other), timeline_file(other)) == (None, None)
