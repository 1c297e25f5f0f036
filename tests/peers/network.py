"""A host of its own for a peer: a network namespace joined to this one by a cable that can be pulled."""

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
    our_address: str  # ours, as seen from the peer
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
    token = secrets.token_hex(3)
    third, fourth = 128 + secrets.randbelow(127), 4 * secrets.randbelow(63)
    made = Host(
        namespace=f"scanside-{token}",
        address=f"10.213.{third}.{fourth + 2}",
        our_address=f"10.213.{third}.{fourth + 1}",
        link=f"ss{token}b",
    )
    try:
        _join(made, near=f"ss{token}a")
        yield made
    finally:
        subprocess.run([program("ip"), "netns", "del", made.namespace], check=False, capture_output=True)


def _join(made: Host, *, near: str) -> None:
    try:
        _ip("netns", "add", made.namespace)
        _ip("link", "add", near, "type", "veth", "peer", "name", made.link, "netns", made.namespace)
        _ip("addr", "add", f"{made.our_address}/30", "dev", near)
        _ip("link", "set", near, "up")
        _ip("-n", made.namespace, "addr", "add", f"{made.address}/30", "dev", made.link)
        _ip("-n", made.namespace, "link", "set", made.link, "up")
        _ip("-n", made.namespace, "link", "set", "lo", "up")
    except subprocess.CalledProcessError as error:
        give_up(f"no network namespace: {error.stderr.strip()}")


def _ip(*words: str) -> None:
    subprocess.run([program("ip"), *words], check=True, capture_output=True, text=True)
