"""The spool: durable, sealed, named by content, and honest when the disk is full."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dicom_scp.identity import Damaged, KeyRing, Vault
from dicom_scp.spool import NoSpace, Spool
from tests.peers import give_up, program

VAULT = Vault(KeyRing(bytes(range(32))))
CONTENT = b"Wilhelmine" * 5000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool", VAULT)


def test_what_is_written_is_read_again_also_by_the_next_process(spool: Spool, tmp_path: Path) -> None:
    name = spool.write(CONTENT, DIGEST)
    assert Spool(tmp_path / "spool", VAULT).read(name) == CONTENT
    assert list(spool.names()) == [name]


def test_nothing_on_the_disk_is_readable(spool: Spool, tmp_path: Path) -> None:
    spool.write(CONTENT, DIGEST)
    files = [path for path in (tmp_path / "spool").rglob("*") if path.is_file()]
    assert len(files) == 1
    assert b"Wilhelmine" not in files[0].read_bytes()
    assert files[0].stat().st_mode & 0o077 == 0


def test_the_same_content_twice_is_one_file(spool: Spool) -> None:
    assert spool.write(CONTENT, DIGEST) == spool.write(CONTENT, DIGEST)
    assert len(list(spool.names())) == 1


def test_what_is_deleted_is_gone_and_may_be_deleted_again(spool: Spool) -> None:
    name = spool.write(CONTENT, DIGEST)
    spool.delete(name)
    spool.delete(name)
    with pytest.raises(FileNotFoundError):
        spool.read(name)


def test_a_file_under_another_name_does_not_open(spool: Spool, tmp_path: Path) -> None:
    spool.write(CONTENT, DIGEST)
    other = hashlib.sha256(b"other").hexdigest()
    (tmp_path / "spool" / DIGEST[:2] / DIGEST).rename(tmp_path / "spool" / other[:2] / other)
    with pytest.raises(Damaged):
        spool.read(other)


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "a" * 63, "A" * 64, "1.2.840.10008.1.1"])
def test_a_name_is_a_digest_and_nothing_else(spool: Spool, name: str) -> None:
    with pytest.raises(ValueError, match="hexadecimal"):
        spool.read(name)


def test_the_files_of_the_dead_are_swept_and_those_of_the_living_stay(spool: Spool, tmp_path: Path) -> None:
    folder = tmp_path / "spool" / "new"
    (folder / "left-behind").write_bytes(b"half")
    hold = (
        "import fcntl,sys,time;f=open(sys.argv[1],'wb');fcntl.flock(f,2);print(1,flush=True);time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", hold, folder / "in-use"], stdout=subprocess.PIPE) as living:
        assert living.stdout is not None
        living.stdout.readline()
        Spool(tmp_path / "spool", VAULT)
        left = [path.name for path in folder.iterdir()]
        living.kill()
    assert left == ["in-use"]


def test_the_file_is_safe_before_its_name_and_the_name_before_the_answer(tmp_path: Path) -> None:
    strace = program("strace")
    say = (
        "import hashlib;from pathlib import Path;from dicom_scp.spool import Spool;"
        "from dicom_scp.identity import KeyRing, Vault;"
        f"s=Spool(Path({str(tmp_path / 's')!r}), Vault(KeyRing.ephemeral()));"
        "print('BEGIN', flush=True); s.write(b'x'*9, hashlib.sha256(b'x'*9).hexdigest()); print('END', flush=True)"
    )
    trace = tmp_path / "trace"
    calls = "trace=write,rename,renameat,renameat2,fsync,fdatasync"
    subprocess.run(
        [strace, "-f", "-e", calls, "-o", trace, sys.executable, "-c", say], check=True, capture_output=True
    )
    said = trace.read_text()
    ours = said[said.index("BEGIN") : said.index("END")]
    order = [ours.index(call) for call in ("fdatasync(", "rename", " fsync(")]
    assert order == sorted(order)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        give_up("mounting needs root")
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        [program("mount"), "-t", "tmpfs", "-o", "size=2m", "none", folder], capture_output=True, check=False
    )
    if done.returncode:
        give_up("tmpfs cannot be mounted")
    try:
        yield folder
    finally:
        subprocess.run([program("umount"), folder], check=True)


def test_a_full_disk_is_told_and_leaves_nothing_behind(small_disk: Path) -> None:
    spool = Spool(small_disk / "spool", VAULT)
    kept = spool.write(CONTENT, DIGEST)
    big = bytes(4 << 20)
    with pytest.raises(NoSpace):
        spool.write(big, hashlib.sha256(big).hexdigest())
    assert list(spool.names()) == [kept]
    assert not list((small_disk / "spool" / "new").iterdir())
    assert spool.free_bytes() > 0
    spool.write(b"small", hashlib.sha256(b"small").hexdigest())
