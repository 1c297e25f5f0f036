"""Behind a proxy: who really asks and by which scheme, told by proxies that are known and by nobody else."""

import ipaddress
from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.types import Scope


class Proxies:
    """The proxies that are believed (X-Forwarded-For, X-Forwarded-Proto)."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks = tuple(ipaddress.ip_network(network) for network in networks)

    def seen_through(self, scope: Scope) -> bool:
        """Put the real client and scheme into the scope; False where no proxy with TLS stands between."""
        client = scope.get("client")
        if client is None or not self._knows(client[0]):
            return False
        headers = Headers(scope=scope)
        if {hop.lower() for hop in _hops(headers, "x-forwarded-proto")} != {"https"}:
            return False
        scope["scheme"] = "https"
        hops = _hops(headers, "x-forwarded-for")
        # The last one was written by the proxy that we know; what stands before may be the client's invention.
        real = next((hop for hop in reversed(hops) if not self._knows(hop)), client[0])
        scope["client"] = (_plain(real), 0)
        return True

    def _knows(self, text: str) -> bool:
        address = _address(text)
        return address is not None and any(address in network for network in self._networks)


def _hops(headers: Headers, name: str) -> list[str]:
    """Give what each hop wrote, in one header line or in several."""
    return [hop.strip() for hop in ",".join(headers.getlist(name)).split(",") if hop.strip()]


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Read an address; on a socket for both families IPv4 comes as ::ffff:192.0.2.7."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _plain(text: str) -> str:
    """Give an address as it is usually written; what is none is not repeated anywhere."""
    address = _address(text)
    return "unknown" if address is None else str(address)
