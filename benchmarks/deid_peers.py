"""One of the de-identifiers of others, at work on files. Runs in an environment of its own: see bench_deid.

`python deid_peers.py NAME IN OUT ROUNDS` writes each file of IN de-identified to OUT under its own name, and prints a
JSON object with the milliseconds of processor time that one file took from bytes to bytes, the best of ROUNDS rounds.
"""

import contextlib
import io
import json
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

Peer = Callable[[bytes], bytes]


def dicom_anonymizer() -> Peer:
    from dicomanonymizer.simpledicomanonymizer import anonymize_dataset, initialize_actions  # noqa: PLC0415 - of this peer only
    from pydicom import dcmread  # noqa: PLC0415 - of this peer only

    def work(content: bytes) -> bytes:
        ds = dcmread(io.BytesIO(content))
        anonymize_dataset(ds, base_rules_gen=lambda: initialize_actions("dicomfields_2026c"))
        return written(ds)

    return work


def dicognito() -> Peer:
    from dicognito.anonymizer import Anonymizer  # noqa: PLC0415 - of this peer only
    from pydicom import dcmread  # noqa: PLC0415 - of this peer only

    anonymizer = Anonymizer(seed="benchmark")

    def work(content: bytes) -> bytes:
        ds = dcmread(io.BytesIO(content))
        anonymizer.anonymize(ds)
        return written(ds)

    return work


def deid() -> Peer:
    from deid.config import DeidRecipe  # noqa: PLC0415 - of this peer only
    from deid.dicom import get_identifiers, replace_identifiers  # noqa: PLC0415 - of this peer only

    recipe, folder = DeidRecipe(), tempfile.mkdtemp()

    def work(content: bytes) -> bytes:
        path = Path(folder) / "in.dcm"  # it takes paths only
        path.write_bytes(content)
        with contextlib.redirect_stdout(io.StringIO()):
            known = get_identifiers([str(path)])
            (clean,) = replace_identifiers(
                [str(path)], deid=recipe, ids=known, save=False, remove_private=True
            )
        return written(clean)

    return work


def written(ds: Any) -> bytes:  # noqa: ANN401 - a data set of whichever pydicom is there
    buffer = io.BytesIO()
    ds.save_as(buffer)
    return buffer.getvalue()


def main() -> None:
    warnings.simplefilter("ignore")
    name, source, target, rounds = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
    work = {"dicom-anonymizer": dicom_anonymizer, "dicognito": dicognito, "deid": deid}[name]()
    contents = {path.name: path.read_bytes() for path in sorted(source.iterdir())}
    best, failed = float("inf"), []
    for _ in range(rounds):
        spent = 0.0
        for file, content in contents.items():
            start = time.process_time()
            try:
                clean = work(content)
            except Exception as error:  # noqa: BLE001 - whatever a peer raises is part of the comparison
                failed.append(f"{file}: {type(error).__name__}")
                continue
            spent += time.process_time() - start
            (target / file).write_bytes(clean)
        best = min(best, spent)
    print(json.dumps({"ms": 1000 * best / max(len(contents), 1), "failed": sorted(set(failed))}))


if __name__ == "__main__":
    main()
