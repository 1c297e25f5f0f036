"""Whatever becomes of the process that decodes, the next frame is decoded, and nothing else is harmed."""

import os
import resource
import signal
import struct
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from inference.codestream import Codestream, UnreadableImage, read_codestream
from inference.decoder import MOST_CHILDREN, PROGRAM, Decoder, NoDecoder
from tests.compressed import compressed, frames_of
from tests.series import mr_series

SAID = Codestream("rle", 64, 64, 16)
STAND_IN = f"""
import os, signal, socket, sys, time, importlib.util
spec = importlib.util.spec_from_file_location("child", {str(PROGRAM)!r})
child = importlib.util.module_from_spec(spec)
spec.loader.exec_module(child)
def tried(act):
    try:
        act()
    except BaseException as error:
        return type(error).__name__.encode()
    return b"done"
def decode(frame, rows, columns, precision, process):
    {{}}
child._decoders = lambda: {{{{"rle": decode}}}}
channel = socket.socket(fileno=int(sys.argv[1]))
child.serve(channel)
"""


@pytest.fixture
def frame() -> bytes:
    (ds,) = mr_series(slices=1, rows=64, columns=64)
    return frames_of(compressed(ds, "1.2.840.10008.1.2.5"))[0]


@pytest.fixture
def decode() -> Iterator[Decoder]:
    decoder = Decoder(seconds=2, patience_s=2.0)
    yield decoder
    decoder.close()


@pytest.fixture
def behaving(tmp_path: Path) -> Iterator[object]:
    """Give a decoder whose process does in place of decoding what a line of Python says."""
    made: list[Decoder] = []

    def make(line: str) -> Decoder:
        program = tmp_path / "stand_in.py"
        program.write_text(STAND_IN.format(line))
        made.append(Decoder(program=program, seconds=1, patience_s=5.0))
        return made[-1]

    yield make
    for decoder in made:
        decoder.close()


def children(decoder: Decoder) -> list[int]:
    return [child.process.pid for child in decoder._idle]


def ended(pid: int) -> bool:
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists():
            return True
        time.sleep(0.02)
    return False


def test_one_process_serves_many_frames(decode: Decoder, frame: bytes) -> None:
    decode(frame, SAID)
    (first,) = children(decode)
    for _ in range(20):
        decode(frame, SAID)
    assert children(decode) == [first]


def test_a_process_that_was_killed_meanwhile_costs_no_frame(decode: Decoder, frame: bytes) -> None:
    decode(frame, SAID)
    (first,) = children(decode)
    os.kill(first, signal.SIGKILL)
    assert len(decode(frame, SAID)) == 2 * 64 * 64
    assert children(decode) != [first]


def test_a_process_that_stops_is_replaced(decode: Decoder, frame: bytes) -> None:
    decode(frame, SAID)
    (first,) = children(decode)
    os.kill(first, signal.SIGSTOP)
    began = time.monotonic()
    with pytest.raises(UnreadableImage, match="too long"):
        decode(frame, SAID)
    assert time.monotonic() - began < 4
    assert ended(first)
    decode(frame, SAID)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "decoder ended"),
        ("os._exit(0)", "decoder ended"),
        ("channel.close(), os.close(int(sys.argv[1])), time.sleep(9)", "decoder ended"),
        ("time.sleep(9)", "too long"),
        ("while True: pass", "too long"),
        ("return bytes(2 * 63 * 64)", "announced matrix"),
        ("return bytes(1 << 24)", "decoder ended"),
        ("raise ValueError('Quastenflosser')", r"decoded \(ValueError\)$"),
        ("raise type('Quasten flosser', (Exception,), {})", r"decoded \(no reason\)$"),
        ("return bytes(1 << 32)", r"decoded \(MemoryError\)$"),
        ("return bytes([0] * (1 << 28))", r"decoded \(MemoryError\)$"),
    ],
)
def test_what_a_decoder_may_do_costs_its_frame_alone(
    behaving: object, line: str, reason: str, frame: bytes
) -> None:
    decoder: Decoder = behaving(line)  # type: ignore[operator]
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UnreadableImage, match=reason):
        decoder(frame, SAID)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - grown < 64 << 10  # KiB


@pytest.mark.parametrize(
    ("act", "outcome"),
    [
        ("open('/etc/hostname')", b"OSError"),
        ("open('/tmp/scanside-decoder-was-here', 'w')", b"OSError"),
        ("socket.socket()", b"OSError"),
        ("socket.create_connection(('127.0.0.1', 9))", b"OSError"),
        ("os.pipe()", b"OSError"),
    ],
)
def test_a_decoder_opens_nothing(behaving: object, act: str, outcome: bytes, frame: bytes) -> None:
    decoder: Decoder = behaving(f"return tried(lambda: {act}).ljust(2 * 64 * 64)")  # type: ignore[operator]
    assert decoder(frame, SAID).strip() == outcome
    assert not Path("/tmp/scanside-decoder-was-here").exists()


def test_a_program_that_does_not_start_is_no_fault_of_the_pixels(tmp_path: Path, frame: bytes) -> None:
    with pytest.raises(NoDecoder):
        Decoder(program=tmp_path / "missing.py")(frame, SAID)


def test_a_bomb_of_a_huge_tile_grid_is_disarmed(decode: Decoder) -> None:
    (ds,) = mr_series(slices=1)
    (frame,) = frames_of(compressed(ds, "1.2.840.10008.1.2.4.90"))
    said = read_codestream(frame)
    sizes = struct.pack(">8L", 60_000, 60_000, 0, 0, 60_000, 60_000, 0, 0)
    bomb = frame[:8] + sizes + frame[8 + len(sizes) :]
    assert read_codestream(bomb).rows == 60_000  # a caller who compares would not even ask
    with pytest.raises(UnreadableImage):
        decode(bomb, said)
    assert decode(frame, said)


def test_the_signals_that_stop_a_service_do_not_stop_its_decoder(decode: Decoder, frame: bytes) -> None:
    decode(frame, SAID)
    (pid,) = children(decode)
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(pid, number)
    decode(frame, SAID)
    assert children(decode) == [pid]


def test_a_decoder_ends_with_whoever_asked_it(frame: bytes) -> None:
    decoder = Decoder()
    decoder(frame, SAID)
    (pid,) = children(decoder)
    decoder._idle[0].channel.close()  # as when this process is killed
    for _ in range(100):
        if decoder._idle[0].process.poll() is not None:
            break
        time.sleep(0.02)
    assert ended(pid)


def test_a_decoder_knows_no_secret(monkeypatch: pytest.MonkeyPatch, decode: Decoder, frame: bytes) -> None:
    monkeypatch.setenv("SCANSIDE_KEY", "Quastenflosser")
    decode(frame, SAID)
    (pid,) = children(decode)
    assert b"Quastenflosser" not in Path(f"/proc/{pid}/environ").read_bytes()
    limits = Path(f"/proc/{pid}/limits").read_text()
    for name in ("Max open files", "Max file size", "Max core file size", "Max processes"):
        (line,) = (line for line in limits.splitlines() if line.startswith(name))
        assert line.removeprefix(name).split()[:2] == ["0", "0"]
    (space,) = (line for line in limits.splitlines() if line.startswith("Max address space"))
    assert int(space.split()[3]) < 2 << 30


def test_many_threads_share_few_processes(decode: Decoder, frame: bytes) -> None:
    with ThreadPoolExecutor(8) as pool:
        results = set(pool.map(lambda _: decode(frame, SAID), range(40)))
    assert len(results) == 1
    assert 1 <= len(children(decode)) <= MOST_CHILDREN


def test_a_closed_decoder_leaves_no_process(decode: Decoder, frame: bytes) -> None:
    decode(frame, SAID)
    pids = children(decode)
    decode.close()
    with suppress(ChildProcessError):
        os.waitpid(pids[0], os.WNOHANG)
    assert ended(pids[0])
