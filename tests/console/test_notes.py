"""Notes on jobs over the console's API."""

import json
from typing import Any

import pytest

pytestmark = pytest.mark.xdist_group("console")

JOB = "/_/api/jobs/noted"


def put(console: Any, body: Any, path: str = f"{JOB}/note", **headers: str) -> tuple[int, Any]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"content_type": "application/json", "Authorization": f"Bearer {console.tuner}"} | headers
    with console.request(path, content, method="PUT", **given) as answer:
        return answer.status, json.loads(answer.read())


def got(console: Any, path: str) -> Any:
    return json.loads(console.get(f"/_/api{path}", Authorization=f"Bearer {console.tuner}")[1])


def test_a_note_is_kept_as_it_was_written(console: Any) -> None:
    text = "# Öfter\n\n* the <b>loss</b> explodes\n"
    assert put(console, {"note": text}) == (200, {"note": text})
    assert got(console, "/jobs/noted")["note"] == text
    [listed] = got(console, "/jobs?search=noted")["jobs"]
    assert "note" not in listed  # the list stays small
    assert put(console, {"note": ""}) == (200, {"note": ""})


def test_who_was_slower_is_told(console: Any) -> None:
    put(console, {"note": "first"})
    assert put(console, {"note": "mine", "before": "something else"})[0] == 409
    assert got(console, "/jobs/noted")["note"] == "first"
    assert put(console, {"note": "second", "before": "first"})[0] == 200


def test_a_note_has_a_limit_in_bytes(console: Any) -> None:
    assert put(console, {"note": "ä" * 32_768})[0] == 200
    status, refusal = put(console, {"note": "ä" * 32_769})
    assert (status, refusal["message"]) == (413, "A note may have 65,536 bytes, this one has 65,538.")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"note": 3}', b"{}", b'{"note": "x", "other": 1}', b'{"note": "\\ud800"}', b'"\xff"'],
)
def test_what_is_no_note_is_refused(console: Any, body: bytes) -> None:
    assert put(console, body)[0] == 400


def test_only_json_of_who_is_signed_in_is_taken(console: Any) -> None:
    assert put(console, {"note": "x"}, content_type="text/plain")[0] == 400
    assert put(console, b"note=x", content_type="application/x-www-form-urlencoded")[0] == 400
    assert put(console, {"note": "x"}, Authorization="")[0] == 401
    assert put(console, {"note": "x"}, sec_fetch_site="cross-site")[0] == 403
    assert put(console, {"note": "x"}, Authorization=f"Bearer {console.stranger}")[0] == 404
    assert put(console, {"note": "x"}, path="/_/api/jobs/nobody/note")[0] == 404
