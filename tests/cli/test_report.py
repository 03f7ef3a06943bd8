"""``epochwatch report`` of files: the page, the JSON beside it, and what the terminal says."""

import json
from pathlib import Path

import pytest

from epochwatch.profiler.smdebug.export import write_end, write_pevents, write_system_files
from tests.cli.commands import epochwatch
from tests.profiler.report.made import whole_job


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A job's ``profiler-output`` as SageMaker Debugger writes it."""
    directory = tmp_path_factory.mktemp("profiles") / "digits" / "profiler-output"
    profile = whole_job()
    write_pevents(profile.events(profile.span()), str(directory))
    for node, samples in profile.samples.items():
        write_system_files(samples, str(directory), node)
    write_end(str(directory))
    return directory


def test_a_directory_makes_a_page_and_its_numbers_beside_it(output: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done = epochwatch(tmp_path / "home", "report", str(output), "--out", str(page))
    assert done.returncode == 0, done.stderr
    assert "<title>Profile of digits</title>" in page.read_text()
    found = json.loads((tmp_path / "page.json").read_text())
    assert found["job"] == "digits"
    assert found["complete"]
    assert found["training"]["phases"]["data_loading"] == pytest.approx(18, rel=0.01)
    assert [one["node"] for one in found["nodes"]] == ["algo-1", "algo-2"]
    assert {one["rule"] for one in found["rules"]} >= {"LowGPUUtilization", "StepOutlier", "CPUBottleneck"}


def test_json_goes_to_standard_output_and_leaves_no_file(output: Path, tmp_path: Path) -> None:
    done = epochwatch(tmp_path / "home", "report", str(output), "--json")
    assert json.loads(done.stdout)["job"] == "digits"
    assert list(tmp_path.glob("*.html")) == []


def test_a_directory_without_a_profile_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = epochwatch(tmp_path / "home", "report", str(tmp_path / "empty"))
    assert done.returncode == 2
    assert "holds no profile of a training" in done.stderr


def test_a_job_needs_a_server(tmp_path: Path) -> None:
    done = epochwatch(tmp_path / "home", "report", "no-such-job")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
