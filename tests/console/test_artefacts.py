"""What jobs left behind, over the console's API."""

import json
from typing import Any
from urllib.parse import quote

import pytest

pytestmark = pytest.mark.xdist_group("console")

MODEL = "s3://results/out/made/output/model.tar.gz"


def got(console: Any, path: str, **headers: str) -> tuple[int, bytes]:
    return console.get(f"/_/api/jobs/{path}", **({"Authorization": f"Bearer {console.tuner}"} | headers))


def places(console: Any, job: str) -> dict[str, Any]:
    status, body = got(console, f"{job}/artefacts")
    assert status == 200, body
    return {place["kind"]: place for place in json.loads(body)["places"]}


def test_what_is_in_our_s3_is_listed_with_its_size(console: Any) -> None:
    found = places(console, "made")
    [model] = found["output"]["objects"]
    assert (model["name"], model["uri"], model["size"]) == ("model.tar.gz", MODEL, 7000)
    assert [(one["name"], one["size"]) for one in found["checkpoints"]["objects"]] == [("step 1.pt", 10)]
    assert (found["tensors"]["uri"], found["tensors"]["objects"]) == ("s3://results/tensors/made/debug-output", [])
    assert found["rules"]["uri"] == "s3://results/out/made/rule-output"
    assert "directory" not in found


def test_a_run_names_its_directory(console: Any) -> None:
    assert places(console, "noted") == {
        "directory": {"kind": "directory", "uri": "/home/me/work", "objects": None, "more": False, "problem": ""}
    }


def test_an_object_is_handed_out_as_a_file(console: Any) -> None:
    path = f"/_/api/jobs/made/artefacts/object?uri={quote('s3://results/checkpoints/made/step 1.pt')}"
    with console.request(path, Authorization=f"Bearer {console.tuner}") as answer:
        assert (answer.status, answer.read()) == (200, b"1" * 10)
        assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''step%201.pt"
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "uri",
    [
        "s3://results/out/other/secret.txt",
        "s3://results/out/made/output/../../other/secret.txt",
        "s3://results/out/made/output-of-another",
        "s3://results/out/made/output",
        "s3://results/out/made/output/none",
        "/etc/passwd",
        "",
    ],
)
def test_what_is_not_the_jobs_is_not_handed_out(console: Any, uri: str) -> None:
    status, body = got(console, f"made/artefacts/object?uri={quote(uri)}")
    assert status in (400, 404)
    assert b"of another job" not in body


def test_another_account_sees_nothing(console: Any) -> None:
    other = {"Authorization": f"Bearer {console.token}"}
    assert got(console, "made/artefacts", **other)[0] == 404
    assert got(console, f"made/artefacts/object?uri={quote(MODEL)}", **other)[0] == 404
