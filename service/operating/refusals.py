"""Who was turned away at the door, why, and what would let them in."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

from service.operating.node_views import Call
from service.settings_tables import Allow

AWAY = frozenset({"rejected", "refused_address", "refused_too_many"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that was turned away."""

    call: Call
    why: str
    let_in_now: bool
    network: str = ""  # what to let in, of addresses
    settings: str = ""  # the lines of the settings file that let it in


def refusals(calls: Sequence[Call], allow: Allow) -> list[Refusal]:
    """Say it of every call that was turned away, held against who is let in now."""
    return [_refusal(call, allow) for call in calls if call.result in AWAY]


def _refusal(call: Call, allow: Allow) -> Refusal:
    if call.result == "refused_address":
        network = str(ip_network(_plain(call.address)))
        there = not allow.networks or any(
            ip_address(_plain(call.address)) in ip_network(one) for one in allow.networks
        )
        told = _lines("networks", (*allow.networks, network))
        return Refusal(
            call, "no connection is let in from its address", there, network, "" if there else told
        )
    if call.result == "refused_too_many":
        why = "it had more connections open than max_associations_per_peer, or all had more than max_associations"
        return Refusal(call, why, let_in_now=True)
    if not allow.ae_titles or call.ae_title in allow.ae_titles:
        return Refusal(
            call, "its AE title was not let in, or too many associations were open", let_in_now=True
        )
    told = _lines("ae_titles", (*allow.ae_titles, call.ae_title))
    return Refusal(call, "its AE title is not let in", let_in_now=False, settings=told)


def _lines(name: str, values: Sequence[str]) -> str:
    return f"[allow]\n{name} = {json.dumps(list(values))}"


def _plain(address: str) -> str:
    found = ip_address(address.partition("%")[0])
    return str((found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found)
