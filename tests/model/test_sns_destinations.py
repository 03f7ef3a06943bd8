"""Which addresses the server may bring messages to."""

import pytest

from epochwatch.model.sns.destinations import Destinations, InvalidDestinations

USUAL = "public, private, loopback"


@pytest.mark.parametrize(
    ("setting", "address", "allowed"),
    [
        (USUAL, "127.0.0.1", True),
        (USUAL, "::1", True),
        (USUAL, "10.1.2.3", True),
        (USUAL, "fd00::1", True),
        (USUAL, "93.184.216.34", True),
        (USUAL, "2606:2800:220:1::1", True),
        (USUAL, "169.254.169.254", False),
        (USUAL, "::ffff:169.254.169.254", False),
        (USUAL, "fe80::1%eth0", False),
        (USUAL, "fd00:ec2::254", False),
        (USUAL, "168.63.129.16", False),
        (USUAL, "0.0.0.0", False),
        (USUAL, "::", False),
        (USUAL, "224.0.0.1", False),
        (USUAL, "255.255.255.255", False),
        ("public", "127.0.0.1", False),
        ("public", "::ffff:127.0.0.1", False),
        ("public", "192.168.0.1", False),
        ("public, 192.168.0.0/24", "192.168.0.1", True),
        ("169.254.169.254/32", "169.254.169.254", True),
        ("169.254.169.254/32", "127.0.0.1", False),
        ("", "127.0.0.1", False),
    ],
)
def test_an_address_is_allowed_or_not(setting: str, address: str, allowed: bool):
    assert Destinations.parse(setting).allow(address) is allowed


@pytest.mark.parametrize("setting", ["internet", "10.0.0.1/8", "10.0.0.0/40", "public private"])
def test_what_is_no_address_is_refused(setting: str):
    with pytest.raises(InvalidDestinations, match="is neither a network nor one of loopback, private, public"):
        Destinations.parse(setting)
