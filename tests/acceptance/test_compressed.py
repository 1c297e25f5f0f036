"""Compressed series go the whole way, and what kills a decoder costs one slice and nothing else."""

import os
import signal
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from pydicom import Dataset
from pydicom.uid import JPEGLSLossless

from tests.compressed import LOSSLESS, LOSSY, compressed, frames_of, with_frames
from tests.peers import House, scanside, wait_until
from tests.peers.house import run
from tests.series import mr_series, write_series

SLICES, SIDE = 4, 96


def decoders(house: House) -> list[int]:
    """Find the processes of a running service that decode; it leads a session of its own."""
    return [int(entry.name) for entry in Path("/proc").iterdir() if _decodes(entry, house.process.pid)]


def _decodes(entry: Path, session: int) -> bool:
    with suppress(OSError):
        told = (entry / "cmdline").read_bytes() if entry.name.isdecimal() else b""
        return b"decoder_child.py" in told and os.getsid(int(entry.name)) == session
    return False


def slices(house: House) -> list[tuple[str, str, str]]:
    """Read series, state and reason of every slice out of the ledger."""
    with closing(sqlite3.connect(f"file:{house.state_dir / 'scanside.sqlite'}?mode=ro", uri=True)) as ledger:
        return ledger.execute("SELECT series_uid, state, reason FROM slice ORDER BY id").fetchall()


def settled(house: House, count: int) -> list[tuple[str, str, str]]:
    """Wait until so many slices wait no more, and give them."""
    wait_until(
        lambda: (
            [state for _, state, _ in slices(house)].count("waiting") == 0 and len(slices(house)) == count
        ),
        within_s=120.0,
        process=house.process,
        log=house.log,
        what="scores",
    )
    return slices(house)


def spoilt(ds: Dataset) -> Dataset:
    """Give an object that the door takes for whole, and no decoder understands."""
    (frame,) = frames_of(compressed(ds, JPEGLSLossless))
    rubbish = bytes(range(0x7F)) * 40
    return with_frames(ds, JPEGLSLossless, [frame[:25] + rubbish[: len(frame) - 60] + b"\xff\xd9"])


def test_series_in_every_coding_are_scored_whatever_becomes_of_a_decoder(tmp_path: Path) -> None:
    for syntax in (*LOSSLESS, *LOSSY):
        series = mr_series(
            slices=SLICES, rows=SIDE, columns=SIDE, key=str(syntax), description=syntax.keyword
        )
        write_series(tmp_path / "sound" / syntax.keyword, [compressed(ds, syntax) for ds in series])
    hostile = mr_series(slices=SLICES, rows=SIDE, columns=SIDE, key="hostile", description="hostile")
    write_series(tmp_path / "hostile", [*hostile[:2], spoilt(hostile[2]), *hostile[3:]])
    with scanside(quiet_s=0.6) as house:
        to = ("--to", f"127.0.0.1:{house.dicom_port}")
        sent = run("send", str(tmp_path / "hostile"), *to)
        assert sent.returncode == 0, sent.stderr
        told = settled(house, SLICES)
        assert [state for _, state, _ in told] == ["scored", "scored", "unreadable", "scored"]
        assert "cannot be decoded" in told[2][2]
        for pid in decoders(house):
            os.kill(pid, signal.SIGKILL)
        sent = run("send", str(tmp_path / "sound"), *to)
        assert sent.returncode == 0, sent.stderr
        told = settled(house, SLICES * (1 + len(LOSSLESS) + len(LOSSY)))
        assert {state for _, state, _ in told[SLICES:]} == {"scored"}
        pids = decoders(house)
        assert pids
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_a_series_that_comes_again_compressed_waits_for_nobody(tmp_path: Path) -> None:
    plain = mr_series(slices=SLICES, rows=SIDE, columns=SIDE)
    out = {"name": "out", "kind": "folder", "folder": str(tmp_path / "out")}
    with scanside(state_dir=tmp_path / "state", quiet_s=2.0, destination=[out]) as house:
        for name, datasets in (("plain", plain), ("again", [compressed(ds, JPEGLSLossless) for ds in plain])):
            paths = write_series(tmp_path / name, datasets)
            assert run("send", *map(str, paths), "--to", f"127.0.0.1:{house.dicom_port}").returncode == 0

        def delivered() -> bool:
            items = house.get("/api/v1/series")["items"]
            return {(one["state"], one["held"], one["conflict"]) for one in items} == {
                ("delivered", False, False)
            }

        wait_until(delivered, within_s=180.0, process=house.process, log=house.log, what="delivery")
        assert house.said().count("the same image in another encoding") == SLICES
