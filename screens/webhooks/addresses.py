"""Which addresses may be posted to: public ones, and those that the configuration allows.

A webhook's URL is somebody's input. Resolved here at every connection, so that a
name that turns to a private address later (DNS rebinding) is refused as well.
"""

import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

Address: TypeAlias = IPv4Address | IPv6Address
Allowed: TypeAlias = Sequence[str]

_NAT64: Final = IPv6Network("64:ff9b::/96")  # RFC 6052: the IPv4 address is in its last 32 bits


class AddressRefusedError(OSError):
    """The URL leads to an address that may not be posted to."""


def is_allowed(address: str, allowed: Allowed) -> bool:
    """Return whether an address may be posted to.

    Args:
        address: In text.
        allowed: Networks in CIDR notation that may be, although they are not public.
    """
    given = ip_address(address.partition("%")[0])
    inner = _inner(given)
    named = any(
        one in network
        for network in map(ip_network, allowed)
        for one in {given, inner}
        if one.version == network.version
    )
    return named or (inner.is_global and not inner.is_multicast and not inner.is_reserved)


def _inner(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address stands for, or the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)


def is_literal(host: str) -> bool:
    """Return whether a host is taken as an address, so that no resolver sees it.

    As aiohttp has it: digits and dots are one too (`2130706433` is 127.0.0.1).
    """
    return ":" in host or host.replace(".", "").isdigit()


class GuardedResolver(AbstractResolver):
    """Resolves names to allowed addresses only."""

    def __init__(self, allowed: Allowed) -> None:
        self._allowed = allowed
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of `host`.

        Raises:
            AddressRefusedError: One of them may not be posted to. All must be
                allowed: which one is taken is not decided here.
        """
        found = await self._resolver.resolve(host, port, family)
        for one in found:
            check(one["host"], self._allowed, host)
        return found

    async def close(self) -> None:
        """Release the resolver."""
        await self._resolver.close()


def check(address: str, allowed: Allowed, host: str) -> None:
    """Raise AddressRefusedError when an address may not be posted to."""
    if not is_allowed(address, allowed):
        raise AddressRefusedError(f"{host} leads to {address}, which is not a public address")
