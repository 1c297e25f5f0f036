"""The series that a replay sends, and what the door should keep of each."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset, dcmread

from dicom_scp.deidentify import Deidentifier, deidentify_file
from dicom_scp.errors import Refused, Skipped
from dicom_scp.identity import KeyRing


@dataclass(frozen=True, slots=True)
class Case:
    """One series of the data."""

    name: str  # where it lies
    uid: str  # Series Instance UID
    paths: tuple[Path, ...]  # in the order of their instance numbers
    taken: frozenset[str]  # SOP Instance UIDs that the door should keep
    why: str  # what the door says of those that it should not keep


def cases_in(root: Path, limit: int | None, only: str) -> list[Case]:
    """Find the series of the data, and ask the door's own code what should become of their instances."""
    door = Deidentifier(KeyRing.ephemeral())
    found: dict[str, list[tuple[int, Path, str, str]]] = {}
    for path in sorted(path for part in ("e2e", "train") for path in (root / part).rglob("*")):
        if not path.is_file():
            continue
        try:
            ds = dcmread(path, force=True)
            uid, sop = str(ds.SeriesInstanceUID), str(ds.SOPInstanceUID)
            assert ds.SOPClassUID
            assert ds.file_meta.TransferSyntaxUID
        except Exception:  # noqa: BLE001 - no object that an SCU could send
            continue
        found.setdefault(uid, []).append((_number(ds), path, sop, _why(path, door)))
    cases = [_case(uid, members, root) for uid, members in found.items()]
    return sorted((case for case in cases if only in case.name), key=lambda case: case.name)[:limit]


def _number(ds: Dataset) -> int:
    try:
        return int(ds.get("InstanceNumber") or 0)
    except (TypeError, ValueError):
        return 0


def _why(path: Path, door: Deidentifier) -> str:
    try:
        deidentify_file(path, door)
    except (Skipped, Refused) as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - a file that is none at the door either
        return type(error).__name__
    return ""


def _case(uid: str, members: Sequence[tuple[int, Path, str, str]], root: Path) -> Case:
    members = sorted(members, key=lambda member: (member[0], str(member[1])))
    kept = frozenset(sop for _, _, sop, why in members if not why)
    reasons = Counter(why for *_, why in members if why)
    where = members[0][1].parent.relative_to(root)
    return Case(
        f"{where} {len(members)}", uid, tuple(path for _, path, _, _ in members), kept, "; ".join(reasons)
    )
