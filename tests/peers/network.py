"""A host of its own for a peer: a network namespace joined to this one by a cable that can be pulled.

Our end of the cable has no address of its own, unless this machine has none but loopback. Where the addresses of a
machine change, Chromium drops every request that still waits for a connection (net::ERR_NETWORK_CHANGED), to loopback,
too: a page of another test would be half loaded.
"""

import json
import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.peers.programs import give_up, program


@dataclass(frozen=True, slots=True)
class Host:
    """A namespace with one address, reached from here over a veth pair."""

    namespace: str
    address: str  # the peer's, as seen from here
    our_address: str  # this machine's own, as seen from the peer
    link: str  # the peer's end of the cable

    def command(self, *words: object) -> list[str]:
        """Return the command that runs ``words`` on that host."""
        return [str(program("ip")), "netns", "exec", self.namespace, *map(str, words)]

    def pull_cable(self) -> None:
        """Let packets vanish, as a pulled cable does: no refusal comes back.

        The peer's end goes down, not ours: without our route the packets would leave by another way.
        """
        _ip("-n", self.namespace, "link", "set", self.link, "down")

    def plug_cable(self) -> None:
        """Undo ``pull_cable``."""
        _ip("-n", self.namespace, "link", "set", self.link, "up")


@contextmanager
def host() -> Iterator[Host]:
    """Make a host and take it down again; skips where namespaces cannot be made."""
    program("ip")
    if os.geteuid() != 0:
        give_up("network namespaces need root")
    token, net, last = secrets.token_hex(3), 128 + secrets.randbelow(127), 1 + secrets.randbelow(253)
    own = own_address()
    made = Host(
        namespace=f"scanside-{token}",
        address=f"10.213.{net}.{last}",
        our_address=own or f"10.213.{net}.{last + 1}",
        link=f"ss{token}b",
    )
    try:
        _join(made, near=f"ss{token}a", lent=own is None)
        yield made
    finally:
        subprocess.run([program("ip"), "netns", "del", made.namespace], check=False, capture_output=True)


def _join(made: Host, *, near: str, lent: bool) -> None:
    try:
        _ip("netns", "add", made.namespace)
        _ip("link", "add", near, "type", "veth", "peer", "name", made.link, "netns", made.namespace)
        _ip("link", "set", near, "addrgenmode", "none")
        if lent:
            _ip("addr", "add", made.our_address, "dev", near)
        _ip("link", "set", near, "up")
        _ip("route", "add", made.address, "dev", near, "src", made.our_address)
        _ip("-n", made.namespace, "addr", "add", made.address, "peer", made.our_address, "dev", made.link)
        _ip("-n", made.namespace, "link", "set", made.link, "up")
        _ip("-n", made.namespace, "link", "set", "lo", "up")
    except subprocess.CalledProcessError as error:
        give_up(f"no network namespace: {error.stderr.strip()}")


def own_address() -> str | None:
    """Return an address of this machine that others may reach, None where there is but loopback."""
    links = json.loads(_ip("-json", "-4", "address", "show", "up", "scope", "global"))
    return next((str(one["local"]) for link in links for one in link.get("addr_info", [])), None)


def _ip(*words: str) -> str:
    return subprocess.run([program("ip"), *words], check=True, capture_output=True, text=True).stdout
