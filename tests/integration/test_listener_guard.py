"""The guard: who may connect, how much may come and how slowly, while others are served all the same."""

import socket
import struct
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmarks.sender import Sender, associate_request, c_store, p_data
from tests.peers import echoscu, wait_until
from tests.series import mr_series
from tests.unit.dicom_scp.door import open_door
from tests.unit.dicom_scp.encodings import encoded


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def test_a_pdu_that_claims_four_gigabytes_is_closed_at_once_and_costs_no_memory(tmp_path: Path) -> None:
    with open_door(tmp_path) as door:
        before = resident_mb()
        attackers = [Sender.associated("127.0.0.1", door.port, called="SCANSIDE") for _ in range(8)]
        for attacker in attackers:
            attacker.connection.sendall(struct.pack(">BBL", 4, 0, 0xFFFFFFFF) + bytes(100_000))
        began = time.monotonic()
        assert all(attacker.is_closed_within(1) for attacker in attackers)
        assert time.monotonic() - began < 1.5
        assert resident_mb() - before < 64


def test_a_connection_that_trickles_or_says_nothing_is_closed_in_time(tmp_path: Path) -> None:
    with open_door(tmp_path, pdu_deadline_s=1.0) as door, ExitStack() as stack:
        silent = Sender.connected("127.0.0.1", door.port)
        trickling = Sender.connected("127.0.0.1", door.port)
        late = Sender.associated("127.0.0.1", door.port, called="SCANSIDE")
        late.connection.sendall(struct.pack(">BBL", 4, 0, 1000) + b"only this")
        stop = threading.Event()

        def trickle() -> None:
            for byte in associate_request("SCANSIDE", "MR1"):
                try:
                    trickling.connection.sendall(bytes([byte]))
                except OSError:
                    return
                if stop.wait(0.1):
                    return

        thread = threading.Thread(target=trickle)
        thread.start()
        stack.callback(thread.join)
        stack.callback(stop.set)
        assert echoscu("127.0.0.1", door.port)
        assert silent.is_closed_within(4)
        assert late.is_closed_within(4)
        stop.set()
        assert trickling.is_closed_within(4)


def test_an_association_that_falls_silent_is_aborted(tmp_path: Path) -> None:
    with open_door(tmp_path, idle_s=0.5) as door:
        idle = Sender.associated("127.0.0.1", door.port, called="SCANSIDE")
        assert idle.is_closed_within(3)
        wait_until(lambda: door.associations == ["accepted", "aborted"], what="the end of the association")


def test_a_stranger_is_closed_before_a_byte_is_read(tmp_path: Path) -> None:
    with open_door(tmp_path, networks=("192.0.2.0/24", "2001:db8::/32")) as door:
        stranger = Sender.connected("127.0.0.1", door.port)
        assert stranger.is_closed_within(1)
        assert not echoscu("127.0.0.1", door.port)
        wait_until(lambda: len(door.associations) == 2, what="the second stranger")
        assert set(door.associations) == {"refused_address"}


def test_one_of_an_allowed_network_is_let_in(tmp_path: Path) -> None:
    with open_door(tmp_path, networks=("10.0.0.0/8", "127.0.0.0/8")) as door:
        assert echoscu("127.0.0.1", door.port)


def test_an_unknown_calling_title_is_rejected_in_dicoms_words(tmp_path: Path) -> None:
    with open_door(tmp_path, ae_titles=("MR1", "MR2")) as door:
        assert echoscu("127.0.0.1", door.port, calling="MR2")
        stranger = Sender.connected("127.0.0.1", door.port)
        stranger.connection.sendall(associate_request("SCANSIDE", "STRANGER"))
        kind, body = stranger.pdu()
        stranger.connection.close()
        assert (kind, body[1:4]) == (3, bytes((1, 1, 3)))  # A-ASSOCIATE-RJ: calling AE title not recognised
        wait_until(lambda: "rejected" in door.associations, what="the rejection")


def test_too_many_of_one_peer_are_closed_and_places_become_free_again(tmp_path: Path) -> None:
    with open_door(tmp_path, max_associations_per_peer=3) as door:
        three = [Sender.associated("127.0.0.1", door.port, called="SCANSIDE") for _ in range(3)]
        fourth = Sender.connected("127.0.0.1", door.port)
        assert fourth.is_closed_within(1)
        assert door.associations[-1] == "refused_too_many"
        for sender in three:
            sender.release()
        wait_until(lambda: echoscu("127.0.0.1", door.port), what="a free place")


def test_too_many_in_all_are_told_so(tmp_path: Path) -> None:
    with open_door(tmp_path, max_associations=2) as door:
        two = [Sender.associated("127.0.0.1", door.port, called="SCANSIDE") for _ in range(2)]
        third = Sender.connected("127.0.0.1", door.port)
        third.connection.sendall(associate_request("SCANSIDE", "MR1"))
        kind, body = third.pdu()
        third.connection.close()
        assert (kind, body[1:4]) == (3, bytes((2, 3, 2)))  # transient: local limit exceeded
        for sender in two:
            sender.release()


def test_an_object_without_end_is_cut_off_and_told(tmp_path: Path) -> None:
    with open_door(tmp_path, max_instance_bytes=1 << 20) as door:
        sender = Sender.associated("127.0.0.1", door.port, called="SCANSIDE")
        sender.connection.sendall(_endless())
        assert sender.is_closed_within(5)
        wait_until(lambda: door.refused, what="the refusal")
        assert "larger" in door.refused[0].reason
        assert door.refused[0].size > 1 << 20
        assert echoscu("127.0.0.1", door.port)


def _endless() -> bytes:
    """A request whose data set goes on for 3 MB without a last fragment."""
    (ds,) = mr_series(slices=1)
    whole = c_store(str(ds.SOPInstanceUID), encoded(ds)[:1000], 1)
    command = whole[: 6 + struct.unpack(">L", whole[2:6])[0]]
    return command + p_data(bytes(100_000), 0x00) * 30


def test_sixty_idle_connections_do_not_keep_a_series_out(tmp_path: Path) -> None:
    with open_door(tmp_path, max_associations=64, max_associations_per_peer=100, pdu_deadline_s=3.0) as door:
        attackers = [socket.create_connection(("127.0.0.1", door.port)) for _ in range(60)]
        began = time.monotonic()
        assert echoscu("127.0.0.1", door.port)
        assert time.monotonic() - began < 2
        for attacker in attackers:
            attacker.close()


@pytest.mark.parametrize("event_waits", [True, False])
def test_no_thread_is_left_when_all_are_gone(tmp_path: Path, event_waits: bool) -> None:
    before = threading.active_count()
    with open_door(tmp_path, event_waits=event_waits) as door:
        for _ in range(5):
            Sender.associated("127.0.0.1", door.port, called="SCANSIDE").release()
            Sender.associated("127.0.0.1", door.port, called="SCANSIDE").connection.close()
            Sender.connected("127.0.0.1", door.port).connection.close()
        wait_until(
            lambda: threading.active_count() <= before + 1 and sum(door.active) == 0,
            what="the end of all threads",
        )


def test_small_packets_are_not_held_back_on_either_side(tmp_path: Path) -> None:
    with open_door(tmp_path) as door:
        requests = [
            c_store(str(ds.SOPInstanceUID), encoded(ds), n)
            for n, ds in enumerate(mr_series(slices=20), start=1)
        ]
        sender = Sender.associated("127.0.0.1", door.port, called="SCANSIDE")
        sender.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)  # as most senders are
        took = []
        for request in requests:
            began = time.monotonic()
            command = request[: 6 + struct.unpack(">L", request[2:6])[0]]
            sender.connection.sendall(command)
            assert sender.store(request[len(command) :]) == 0
            took.append(time.monotonic() - began)
        sender.release()
        assert sorted(took)[10] < 0.035  # a delayed acknowledgement alone takes 40 ms
