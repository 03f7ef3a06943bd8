"""Who is let into the console."""

import pytest

from epochwatch.client.credentials import console_token
from epochwatch.console.session import Access
from epochwatch.model.tenant import Tenant

OWNER = Tenant("111122223333", "eu-west-1")
ACCESS = Access(keys=lambda: [("secret", OWNER), ("other", Tenant())], host_names=frozenset({"watch.example"}))


def test_the_token_of_a_key_opens_its_tenant() -> None:
    assert ACCESS.tenant_of(console_token("secret")) == OWNER
    assert ACCESS.tenant_of(console_token("other")) == Tenant()


@pytest.mark.parametrize("token", ["", "secret", console_token("unknown"), "ü" * 64, "\udc80"])
def test_another_token_opens_nothing(token: str) -> None:
    assert ACCESS.tenant_of(token) is None


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:4600", "LOCALHOST:1", "127.0.0.1:4600", "10.1.2.3", "[::1]:4600", "[::1]", "::1",
     "watch.example:80", "a.localhost:4600"],
)  # fmt: skip
def test_names_of_this_server_are_answered(host: str) -> None:
    assert ACCESS.answers(host)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:4600", "127.0.0.1.evil.example", "localhost.evil.example", "", ":4600"]
)
def test_names_that_a_foreign_page_can_point_here_are_not(host: str) -> None:
    assert not ACCESS.answers(host)
