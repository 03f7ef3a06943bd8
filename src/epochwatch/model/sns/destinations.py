"""Which addresses messages may be brought to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

_Address = IPv4Address | IPv6Address
_KINDS: Final[Mapping[str, Callable[[_Address], bool]]] = {
    "loopback": lambda address: address.is_loopback,
    "private": lambda address: (
        address.is_private
        and not (address.is_loopback or address.is_link_local or address.is_unspecified or address.is_reserved)
    ),
    "public": lambda address: address.is_global and not address.is_multicast,
}
_OF_NO_KIND: Final = frozenset(map(ip_address, ("fd00:ec2::254", "168.63.129.16", "100.100.100.200")))
"""Addresses at which clouds serve their machines' credentials, beside the link-local one."""


class InvalidDestinations(Exception):
    """What says nothing about addresses; the message says why."""


@dataclass(frozen=True, slots=True)
class Destinations:
    """Kinds of addresses, and networks, that may be called. Link-local addresses, and others at which clouds serve the
    credentials of their machines, are of no kind: they must be named as a network.
    """

    kinds: tuple[str, ...]
    networks: tuple[IPv4Network | IPv6Network, ...]

    @classmethod
    def parse(cls, text: str) -> "Destinations":
        """By a list such as ``public, 10.0.0.0/8``. Raises InvalidDestinations."""
        kinds, networks = [], []
        for word in filter(None, (part.strip() for part in text.split(","))):
            if word in _KINDS:
                kinds.append(word)
                continue
            try:
                networks.append(ip_network(word))
            except ValueError as error:
                known = ", ".join(_KINDS)
                raise InvalidDestinations(f"{word!r} is neither a network nor one of {known}") from error
        return cls(tuple(kinds), tuple(networks))

    def allow(self, address: str) -> bool:
        """Whether an address, as text, may be called."""
        found = ip_address(address.partition("%")[0])
        if isinstance(found, IPv6Address):
            found = found.ipv4_mapped or found
        of_kind = found not in _OF_NO_KIND and any(_KINDS[kind](found) for kind in self.kinds)
        return of_kind or any(found in one for one in self.networks)
