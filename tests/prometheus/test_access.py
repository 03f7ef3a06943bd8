"""Who is let in: by HTTP basic, the console's token, a signature, or everybody."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from starlette.requests import Request

from epochwatch.client.credentials import console_token
from epochwatch.model.tenant import Tenant
from epochwatch.prometheus.access import Door
from epochwatch.prometheus.errors import Refusal
from tests.prometheus.client import PrometheusClient, basic
from tests.servers import ServerProcess

LABELS = "/_/prometheus/api/v1/labels"
OWNER = Tenant("111122223333", "eu-west-1")


class Gate:
    """What the console's API goes by, for a server without a network."""

    def __init__(self, open_to: Tenant | None) -> None:
        self.open_to = open_to

    async def tenant(self, request: Request) -> Tenant | None:
        return self.open_to

    def answers(self, host: str) -> bool:
        return host == "localhost"


def entered(authorization: str, *, open_to: Tenant | None = None, **headers: str) -> Tenant:
    keys = {"AKIAOWNER": ("secret", OWNER.account)}
    given = {"host": "localhost", "authorization": authorization} | {
        n.replace("_", "-"): v for n, v in headers.items()
    }
    scope = {"type": "http", "headers": [(n.encode(), v.encode()) for n, v in given.items()]}
    asked = Door(Gate(open_to), keys.get, OWNER.region).tenant(Request(scope))
    with ThreadPoolExecutor(1) as pool:  # the browser's tests leave an event loop in this thread
        return pool.submit(asyncio.run, asked).result()


def test_a_key_opens_its_account() -> None:
    assert entered(basic("AKIAOWNER", "secret")) == OWNER


@pytest.mark.parametrize(
    "authorization",
    ["", "Basic", "Basic !", "Basic gA==", basic("AKIAOWNER", "Secret"), basic("AKIAOWNER", ""),
     basic("AKIAOTHER", "secret"), basic("", ""), "Bearer secret"],
)  # fmt: skip
def test_anything_else_is_refused(authorization: str) -> None:
    with pytest.raises(Refusal) as refused:
        entered(authorization)
    assert refused.value.status == 401


def test_an_open_server_lets_anybody_in_and_takes_an_account_for_the_user() -> None:
    everybody = Tenant()
    assert entered("", open_to=everybody) == everybody
    assert entered("Basic !", open_to=everybody) == everybody
    assert entered(basic("AKIAOWNER", "wrong"), open_to=everybody) == everybody
    assert entered(basic("111122223333", "x"), open_to=everybody) == OWNER


@pytest.mark.parametrize(
    ("headers", "status"), [({"host": "evil.example"}, 421), ({"sec_fetch_site": "cross-site"}, 403)]
)
def test_pages_of_other_sites_are_kept_out(headers: dict[str, str], status: int) -> None:
    with pytest.raises(Refusal) as refused:
        entered(basic("AKIAOWNER", "secret"), **headers)
    assert refused.value.status == status


def test_a_server_without_credentials_tells_how(client: PrometheusClient) -> None:
    answer = client.request(LABELS, authorization=None)
    assert (answer.status, answer.headers["www-authenticate"]) == (401, 'Basic realm="epochwatch"')
    assert answer.json()["errorType"] == "unauthorized"


def test_the_consoles_token_opens(client: PrometheusClient, server: ServerProcess) -> None:
    token = console_token(server.credentials["secret_access_key"])
    assert client.request(LABELS, authorization=f"Bearer {token}").status == 200
    assert client.request(LABELS, authorization=f"Bearer {token}x").status == 401


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_signature_opens(client: PrometheusClient, server: ServerProcess, method: str) -> None:
    keys = server.credentials
    form = urlencode({"limit": "1"}).encode() if method == "POST" else b""
    request = AWSRequest(method, server.url + LABELS, {"content-type": "application/x-www-form-urlencoded"}, form)
    signer = Credentials(keys["access_key_id"], keys["secret_access_key"])
    SigV4Auth(signer, "epochwatch", "us-east-1").add_auth(request)
    headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
    assert client.request(LABELS, form or None, **headers).status == 200
    headers["Authorization"] = headers["Authorization"][:-4] + "0000"
    assert client.request(LABELS, form or None, **headers).status == 401


@pytest.fixture(scope="module")
def open_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusClient]:
    with ServerProcess(tmp_path_factory.mktemp("open"), "--ephemeral", "--auth", "none") as server:
        yield PrometheusClient(server)


def test_accounts_of_an_open_server_see_their_own_only(open_client: PrometheusClient) -> None:
    series = ({"__name__": "mine"}, [(int(time.time()), 1)])
    assert open_client.write(series, authorization=basic("000011112222", "")).status == 204
    query = LABELS + "?" + urlencode({"match[]": "mine"})
    assert open_client.request(query, authorization=basic("000011112222", "")).json()["data"] == [
        "__name__", "namespace"]  # fmt: skip
    assert open_client.request(query, authorization=None).json()["data"] == []
