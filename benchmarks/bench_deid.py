"""What de-identification leaves behind, breaks and costs: ours beside dicom-anonymizer, dicognito, deid and Orthanc.

    python -m benchmarks.bench_deid

Three inputs, the same for everybody:

- places: Siemens-like objects with a token in every text and sequence of PS3.6 that is not of our own list, in private
  blocks, curves, overlays, behind the pixels and in the preamble: how many places leak, of objects that gave a result;
- spellings: objects whose device and protocol texts hold the patient in some spelling: in how many one is left;
- a plain series of 384 x 512, whose slices refer to each other: references that still agree, errors that dciodvfy did
  not find before, and the time from bytes to bytes (processor time; Orthanc: wall clock, by its REST interface).

The peers run with their default profiles in an environment of their own, `.venv-peers`, made on the first run.
"""

import json
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from pydicom import Dataset, dcmread
from pydicom.datadict import keyword_for_tag
from pydicom.uid import ExplicitVRLittleEndian

from dicom_scp.deidentify import Deidentifier, deidentify_file
from dicom_scp.identity import KeyRing
from dicom_scp.part10 import file_head, opened
from dicom_scp.ps3_15 import table
from tests.enhanced import items
from tests.peers import orthanc
from tests.peers.programs import program
from tests.series import mr_series
from tests.unit.dicom_scp import planting
from tests.unit.dicom_scp.encodings import as_file, encoded
from tests.unit.dicom_scp.planting import SPELLINGS, Planter

PINNED = ("dicom-anonymizer==2.1.0", "dicognito==0.19.0", "deid==0.4.13", "pydicom==3.0.2")
ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv-peers"
SLICES, ROUNDS, CHUNK = 16, 5, 100
LIMIT_MS = 2.0

Work = Callable[[Path, Path, int], float]  # files of one folder into another, so many rounds; gives ms a file


@dataclass(frozen=True, slots=True)
class Row:
    """What came out for one de-identifier."""

    name: str
    places: int
    named: int  # of these places, those that PS3.15 table E.1-1 names
    spellings: int
    references: int
    errors: int
    ms: float
    lost: int  # objects that it gave no result for


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="bench-deid-") as folder:
        room = Path(folder)
        planter = Planter()
        write(room / "places", {f"{n:03}": content for n, content in enumerate(places(planter))})
        write(room / "spellings", {f"{n:02}": spelt(n, one) for n, one in enumerate(SPELLINGS)})
        series = [as_file(ds) for ds in referring(mr_series(slices=SLICES, rows=384, columns=512))]
        write(room / "series", {f"{n:02}": content for n, content in enumerate(series)})
        rows = []
        for name, work in workers():
            rows.append(measured(name, work, room, planter))
            show(rows[-1], planter)
    ours, others = rows[0], {row.name: row.ms for row in rows[1:]}
    factors = {name: others[name] / ours.ms for name in ("dicom-anonymizer", "dicognito") if name in others}
    told = ", ".join(f"{factor:.1f} x {name}" for name, factor in factors.items())
    print(f"deid: {ours.ms:.2f} ms an instance of 384 x 512 (at most {LIMIT_MS}); speed {told} (at least 2)")
    good = ours.ms <= LIMIT_MS and all(factor >= 2 for factor in factors.values())
    return 0 if good and not ours.places and not ours.spellings else 1


def in_the_table(places: Iterable[str]) -> set[str]:
    """Give the places that are attributes of PS3.15 table E.1-1, or stand inside of them."""
    named = {keyword_for_tag(tag) for tag in table()}
    return {place for place in places if place.partition(".")[0] in named}


def show(row: Row, planter: Planter) -> None:
    print(
        f"deid: {row.name:<17} leaks {row.places:>4} of {len(planter.planted)} places, "
        f"{row.named:>4} of the {len(in_the_table(planter.planted))} that PS3.15 names, "
        f"{row.spellings:>2} of {len(SPELLINGS)} spellings; "
        f"references kept {row.references} of {len(REFERENCES)}; new dciodvfy errors {row.errors}; "
        f"{row.ms:.2f} ms; without result {row.lost}",
        flush=True,
    )


def measured(name: str, work: Work, room: Path, planter: Planter) -> Row:
    """Let one de-identifier do all three inputs, and look at what comes out."""
    out = {part: room / f"{part} by {name}" for part in ("places", "spellings", "series")}
    for folder in out.values():
        folder.mkdir()
    work(room / "places", out["places"], 1)
    work(room / "spellings", out["spellings"], 1)
    ms = work(room / "series", out["series"], ROUNDS)
    clean = {part: [path.read_bytes() for path in sorted(folder.iterdir())] for part, folder in out.items()}
    leaked = {place for content in clean["places"] for place in planter.leaks(content)}
    given = sum(len(list((room / part).iterdir())) for part in out)
    return Row(
        name=name,
        places=len(leaked),
        named=len(in_the_table(leaked)),
        spellings=sum(bool(planting.marks_in(content)) for content in clean["spellings"]),
        references=references_kept(room / "series", clean["series"]),
        errors=new_errors(room / "series", out["series"]),
        ms=ms,
        lost=given - sum(len(contents) for contents in clean.values()),
    )


def places(planter: Planter) -> Iterator[bytes]:
    """Plant everywhere, some hundred elements an object, so that what a peer stumbles over costs it little."""
    full = planting.everywhere(planter, vendor="siemens", enhanced=False)
    plain = mr_series(slices=1, rows=16, columns=16)[0]
    planted = [element for element in full if element != plain.get(element.tag)]
    private = [element for element in planted if element.tag.is_private]
    public = [element for element in planted if not element.tag.is_private]
    chunks = [public[at : at + CHUNK] for at in range(0, len(public), CHUNK)]
    for number, chunk in enumerate([private, *chunks]):
        ds = deepcopy(plain)
        ds.SOPInstanceUID = f"2.25.{1000 + number}"
        for element in chunk:
            ds[element.tag] = element
        data = encoded(ds)
        head = bytearray(file_head(str(ds.SOPClassUID), str(ds.SOPInstanceUID), ExplicitVRLittleEndian))
        if not number:
            data = planting.with_tails(data, planter, explicit=True)
            token = planter.token("preamble").encode()
            head[: len(token)] = token
        yield bytes(head) + data


def spelt(number: int, spelling: str) -> bytes:
    ds = planting.misused(spelling, enhanced=False)[0]
    ds.SOPInstanceUID = f"2.25.{2000 + number}"
    return as_file(ds)


def referring(series: list[Dataset]) -> list[Dataset]:
    """Let every slice refer to the first one."""
    for ds in series:
        for keyword in ("ReferencedImageSequence", "SourceImageSequence"):
            setattr(
                ds,
                keyword,
                items(
                    ReferencedSOPClassUID=series[0].SOPClassUID,
                    ReferencedSOPInstanceUID=series[0].SOPInstanceUID,
                ),
            )
    return series


def write(folder: Path, contents: dict[str, bytes]) -> None:
    folder.mkdir()
    for name, content in contents.items():
        (folder / f"{name}.dcm").write_bytes(content)


REFERENCES: dict[str, Callable[[Dataset, Dataset], bool]] = {  # a slice and the first one, both clean
    "study": lambda ds, first: ds.StudyInstanceUID == first.StudyInstanceUID,
    "series": lambda ds, first: ds.SeriesInstanceUID == first.SeriesInstanceUID,
    "frame of reference": lambda ds, first: ds.FrameOfReferenceUID == first.FrameOfReferenceUID,
    "patient": lambda ds, first: bool(ds.PatientID) and ds.PatientID == first.PatientID,
    "file meta": lambda ds, _: ds.file_meta.MediaStorageSOPInstanceUID == ds.SOPInstanceUID,
    "referenced image": lambda ds, first: refers(ds, "ReferencedImageSequence", first),
    "source image": lambda ds, first: refers(ds, "SourceImageSequence", first),
}


def refers(ds: Dataset, keyword: str, first: Dataset) -> bool:
    return bool(ds[keyword].value[0].ReferencedSOPInstanceUID == first.SOPInstanceUID)


def references_kept(before: Path, contents: list[bytes]) -> int:
    """Count the kinds of reference that hold in every slice, under UIDs that are new."""
    clean = [dcmread(BytesIO(content)) for content in contents]
    originals = {str(dcmread(path, stop_before_pixels=True).SOPInstanceUID) for path in before.iterdir()}
    if len(clean) != len(originals) or any(str(ds.get("SOPInstanceUID")) in originals for ds in clean):
        return 0
    # Orthanc renames its files: the first slice is known by its number
    first = min(clean, key=lambda ds: int(ds.get("InstanceNumber") or 1))
    return sum(all(held(holds, ds, first) for ds in clean) for holds in REFERENCES.values())


def held(holds: Callable[[Dataset, Dataset], bool], ds: Dataset, first: Dataset) -> bool:
    try:
        return holds(ds, first)
    except (AttributeError, KeyError, IndexError, TypeError):
        return False


def new_errors(before: Path, after: Path) -> int:
    known = {line for path in list(before.iterdir())[:3] for line in complaints(path)}
    return len({line for path in list(after.iterdir())[:3] for line in complaints(path)} - known)


def complaints(path: Path) -> set[str]:
    done = subprocess.run([program("dciodvfy"), "-new", path], capture_output=True, check=False)
    lines = (done.stdout + done.stderr).decode("latin-1").splitlines()
    return {line for line in lines if line.startswith("Error")}


def workers() -> Iterator[tuple[str, Work]]:
    yield "scanside", ours
    python = peers_environment()
    for name in ("dicom-anonymizer", "dicognito", "deid"):
        yield name, peer(python, name)
    with orthanc() as pacs:
        yield "Orthanc 1.10", lambda source, target, _rounds: by_orthanc(pacs.url, source, target)


def ours(source: Path, target: Path, rounds: int) -> float:
    """Do what `scanside deid` does, from bytes to bytes."""
    deidentify = Deidentifier(KeyRing.ephemeral())
    files = {path.name: opened(path.read_bytes()) for path in sorted(source.iterdir())}
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        for file in files.values():
            deidentify(file.encoded, file.transfer_syntax)
        best = min(best, time.process_time() - start)
    for path in sorted(source.iterdir()):
        (target / path.name).write_bytes(deidentify_file(path, deidentify).content)
    return 1000 * best / len(files)


def peers_environment() -> Path:
    """Give the Python of the peers' own environment, made if there is none."""
    python = VENV / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PINNED], check=True)
    return python


def peer(python: Path, name: str) -> Work:
    def work(source: Path, target: Path, rounds: int) -> float:
        script = ROOT / "benchmarks" / "deid_peers.py"
        done = subprocess.run(
            [python, script, name, source, target, str(rounds)], capture_output=True, check=True, text=True
        )
        return float(json.loads(done.stdout.splitlines()[-1])["ms"])

    return work


def by_orthanc(url: str, source: Path, target: Path) -> float:
    """Anonymise series by series, so that references can agree."""
    for path in source.iterdir():
        with suppress(urllib.error.HTTPError):  # what it does not take is counted as without result
            ask(url, "/instances", path.read_bytes())
    spent, count = 0.0, 0
    for series in json.loads(ask(url, "/series")):
        start = time.perf_counter()
        made = json.loads(ask(url, f"/series/{series}/anonymize", b'{"DicomVersion": "2021b"}'))["ID"]
        spent += time.perf_counter() - start
        for instance in json.loads(ask(url, f"/series/{made}"))["Instances"]:
            (target / f"{count:03}.dcm").write_bytes(ask(url, f"/instances/{instance}/file"))
            count += 1
    for patient in json.loads(ask(url, "/patients")):
        ask(url, f"/patients/{patient}", method="DELETE")
    return 1000 * spent / max(count, 1)


def ask(url: str, path: str, body: bytes | None = None, method: str | None = None) -> bytes:
    request = urllib.request.Request(url + path, data=body, method=method)
    with urllib.request.urlopen(request, timeout=120) as answer:
        return bytes(answer.read())


if __name__ == "__main__":
    sys.exit(main())
