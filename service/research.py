"""Research export: a scored series without identity and without a face, with its quality label and a manifest.

Only what went through the text detector and has a score leaves. A series counts as one of a head unless its header says
that it is of another part of the body; of a head nothing leaves unless the face could be taken out.
"""

import hashlib
import json
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

from pydicom import dcmread
from pydicom.dataset import Dataset

from dicom_scp.cleaning import Acted
from dicom_scp.dates import shifted
from dicom_scp.identity import KeyRing, WrongKey
from dicom_scp.private import GROUP
from dicom_scp.profile import METHOD, Action, Profile
from dicom_scp.ps3_15 import CODES, Option
from dicom_scp.spool import Spool
from inference.decoding import decompress
from inference.defacing import NoFaceFound, Plane
from inference.header import BROKEN
from inference.image import UnreadableImage, number_of_frames
from service.delivery import file_name
from service.faces import cut_of, deface, plane_of
from service.forms import Form, SendWhen
from service.ledger import InstanceRow, Parcel, ScoredRow, SliceState
from service.operating.deid_log import Tell
from service.report.encoding import encode
from service.report.objects import item
from service.report.result import Result, Source, SourceInstance
from service.report.sr import build_report
from service.report.uids import derive

RANKS = {"SR": 0, "IMAGE": 1, "MANIFEST": 2}
LABEL = Form(kinds=frozenset({"SR"}))  # how a report goes with the images: no segmentations beside it
DONE = frozenset({Option.CLEAN_PIXEL_DATA})  # the text detector ran
NARROWED = frozenset(  # codes of what the export itself takes out
    CODES[option][0] for option in (Option.RETAIN_PATIENT_CHARACTERISTICS, Option.RETAIN_SAFE_PRIVATE)
)
_PIXELS = 0x7FE00000
SHARED_DATES = frozenset(
    {"StudyDate", "StudyTime", "SeriesDate", "SeriesTime"}
)  # the same for all of a series
_STATEMENT_GROUP = 0x0012
_STATEMENTS = frozenset({0x00280301, 0x00280302, 0x00280303})
NO_TIME = datetime(2000, 1, 1, tzinfo=UTC)
_OTHER_PARTS = (  # Body Part Examined (PS3.16, annex L)
    "ABDOMEN ABDOMENPELVIS ADRENAL ANKLE ANUS AORTA ARM BILEDUCT BLADDER BREAST BRONCHUS BUTTOCK CALCANEUS CALF "
    "CHEST CHESTABDOMEN CHESTABDPELVIS COCCYX COLON DUODENUM ELBOW EXTREMITY FEMUR FINGER FOOT FOREARM GALLBLADDER "
    "HAND HEART HIP HUMERUS ILIUM KIDNEY KNEE LEG LIVER LOWERLEG LSPINE LUNG MEDIASTINUM OVARY PANCREAS PATELLA "
    "PELVIS PENIS PHANTOM PROSTATE RADIUS RECTUM RENAL SACRUM SCROTUM SHOULDER SIJOINT SPLEEN SSPINE STOMACH "
    "TESTIS THIGH THUMB TIBIA TOE TSPINE ULNA UPPERARM UTERUS VAGINA WRIST"
)
NOT_A_HEAD = frozenset(_OTHER_PARTS.split())  # all else counts as a head, and where nothing is said

log = logging.getLogger(__name__)


class NotExported(Exception):
    """The series does not leave; the message says why and holds no value."""


@dataclass(frozen=True, slots=True)
class Repository:
    """What one research destination wants."""

    destination: str
    profile: Profile
    send: SendWhen = "always"


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """One clean object on its way out."""

    row: InstanceRow
    dataset: Dataset


@dataclass(frozen=True, slots=True, eq=False)
class Reported:
    """A series whose results are built."""

    uid: str  # keyed
    patient: str  # pseudonym
    result: Result  # under the original identity
    rows: Sequence[ScoredRow]  # every slice
    instances: Sequence[InstanceRow]  # as in the result's source

    @property
    def originals(self) -> Mapping[int, SourceInstance]:
        """What the result says of each instance, by its row."""
        return {row.id: one for row, one in zip(self.instances, self.result.source.instances, strict=True)}


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One file that leaves."""

    kind: str
    uid: str
    content: bytes
    told: Mapping[str, Any]  # what the manifest says of it besides

    @property
    def digest(self) -> str:
        """SHA-256 of the file, hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class Curator:
    """Makes what research destinations get."""

    keyring: KeyRing
    spool: Spool
    outbox: Spool
    tell: Tell  # what was done to the attributes of each image that leaves

    def parcels(self, repository: Repository, series: Reported, known: Collection[str]) -> list[Parcel]:
        """Build a series for a repository, without the images that it knows; nothing, and a line in the log, if not."""
        try:
            entries = self._entries(repository.profile, series, known)
        except (NotExported, NoFaceFound, UnreadableImage) as reason:
            told = str(reason)
        except (FileNotFoundError, WrongKey):
            told = "its images are gone"
        except BROKEN:
            told = "its header does not hold together"
        else:
            return [self._sealed(repository, entry) for entry in entries]
        log.warning("a series is not exported", extra={"series": series.uid, "reason": told})
        return []

    def _entries(self, profile: Profile, series: Reported, known: Collection[str]) -> list[Entry]:
        images = self._images(scored_instances(series.rows, series.instances))
        first = images[0].dataset
        _check(first, profile)
        is_head = counts_as_head(first)
        done = DONE | {Option.CLEAN_VISUAL_FEATURES} if is_head else DONE
        cut = cut_of([image.dataset for image in images]) if is_head else None
        originals = series.originals
        acted: dict[str, set[Acted]] = {}
        for image in images:
            decompress(image.dataset)  # beside a compressed picture there is room for words
            dates = self._dates(profile, series, originals[image.row.id])
            acted[image.row.sop_instance_uid] = {
                *_narrow(image.dataset, profile),
                *((int(one.tag), Action.SHIFT) for one in dates),
            }
            image.dataset.update(dates)
            _state(image.dataset, profile, done)
            if cut is not None:
                deface(image.dataset, cut)
        label = build_report(self._labelled(series, profile, images), LABEL)
        entries = [Entry("SR", str(label.SOPInstanceUID), encode(label), {})]
        indices = _indices(series.rows)
        entries += [
            Entry(
                "IMAGE", image.row.sop_instance_uid, encode(image.dataset), {"indices": indices[image.row.id]}
            )
            for image in images
            if image.row.sop_instance_uid not in known
        ]
        for uid in acted.keys() - known:
            self.tell(profile.name, acted[uid])
        return [*entries, _manifest(entries, first, series.result, profile, done)]

    def _images(self, rows: Sequence[InstanceRow]) -> list[Image]:
        images = [Image(row, dcmread(BytesIO(self.spool.read(row.digest)))) for row in rows]
        if not images:
            raise NotExported("none of its images has a score")
        return images

    def _dates(self, profile: Profile, series: Reported, of: SourceInstance) -> Dataset:
        """Give the dates that the profile lets stay, shifted: those of a multi-frame object, else of the series.

        The vault keeps no header of the other images of a series: what may differ between them is not given.
        """
        original = series.result.source.header if of.header is None else of.header
        days, out = self.keyring.days(series.patient), Dataset()
        for rule in profile.rules.values():
            shared = of.header is not None or rule.keyword in SHARED_DATES
            if rule.action is not Action.SHIFT or rule.tag not in original or not shared:
                continue
            value = str(original[rule.tag].value or "")
            moved = shifted(rule.vrs[0], value, days) if value else None
            if moved is not None:
                out.add_new(rule.tag, rule.vrs[0].decode(), moved)
        return out

    def _labelled(self, series: Reported, profile: Profile, images: Sequence[Image]) -> Result:
        """Give the same result about the clean images: its report names nobody."""
        places = {image.row.id: place for place, image in enumerate(images)}
        scored = [row for row in series.rows if row.score is not None]
        result, head = series.result, Dataset()
        head.update({element.tag: element for element in images[0].dataset if element.tag < _PIXELS})
        days = timedelta(self.keyring.days(series.patient))
        return replace(
            result,
            source=Source(head, tuple(_source_instance(image, n) for n, image in enumerate(images, 1))),
            slices=tuple(
                replace(one, position=places[row.instance_id])
                for one, row in zip(result.slices, scored, strict=True)
            ),
            created=result.created + days if profile.dates == "MODIFIED" else NO_TIME,
            picture=None,
        )

    def _sealed(self, repository: Repository, entry: Entry) -> Parcel:
        name = self.outbox.write(entry.content, entry.digest)
        return Parcel(repository.destination, entry.kind, RANKS[entry.kind], entry.uid, name)


def counts_as_head(dataset: Dataset) -> bool:
    """Tell whether a series has to be treated as one of a head: it is said to be one, or nothing is said."""
    marked = str(dataset.get("RecognizableVisualFeatures") or "") == "YES"
    return marked or str(dataset.get("BodyPartExamined") or "").strip().upper() not in NOT_A_HEAD


def scored_instances(rows: Sequence[ScoredRow], instances: Sequence[InstanceRow]) -> list[InstanceRow]:
    """Give the instances all of whose frames have a score. Raises NotExported."""
    having = {row.instance_id for row in rows if row.state is SliceState.SCORED}
    if having & {row.instance_id for row in rows if row.state is not SliceState.SCORED}:
        raise NotExported("some frames of an object have a score and some have not")
    if any(row.tile for row in rows):
        raise NotExported("a mosaic has no volume from which a face could be taken off")
    return [row for row in instances if row.id in having]


def _indices(rows: Sequence[ScoredRow]) -> dict[int, list[float]]:
    """Give the index of each frame, in their order, by instance."""
    found: dict[int, list[float]] = {}
    for row in rows:
        if row.score is not None:
            found.setdefault(row.instance_id, []).append(float(row.score["index"]))
    return found


def _check(clean: Dataset, profile: Profile) -> None:
    """Make sure that the live copy keeps nothing that the profile does not let stay. Raises NotExported."""
    method = clean.get("DeidentificationMethod")
    if clean.get("PatientIdentityRemoved") != "YES" or method is None or METHOD not in str(method):
        raise NotExported("its live copy is not de-identified")
    stated = {str(code.CodeValue) for code in clean.get("DeidentificationMethodCodeSequence", ())}
    if not stated <= {code for code, _ in profile.codes(Option)} | NARROWED:
        raise NotExported("the profile of its scanner retains more than the export's")


def _narrow(dataset: Dataset, profile: Profile) -> set[Acted]:
    """Take out what the live copy holds and the profile does not let stay, at every depth; gives what was done."""
    acted: set[Acted] = set()
    for element in list(dataset):
        tag, rule = element.tag, profile.rules.get(element.tag)
        if tag.group in {GROUP, _STATEMENT_GROUP} or tag in _STATEMENTS:
            continue
        stays = Option.RETAIN_SAFE_PRIVATE in profile.options if tag.is_private else rule is not None
        if not stays:
            acted.add((int(tag), Action.DROP))
            del dataset[tag]
        elif rule is not None and rule.action is Action.EMPTY:
            if not element.is_empty:  # else the door has done so
                acted.add((int(tag), Action.EMPTY))
                element.value = None
        elif rule is not None and rule.action is Action.WALK:
            for nested in element.value:
                acted |= _narrow(nested, profile)
    return acted


def _state(dataset: Dataset, profile: Profile, done: Collection[Option]) -> None:
    """State what was done (PS3.15, E.1.1; PS3.3, C.7.1.1, C.12.1.1 and C.7.6.1)."""
    dataset.DeidentificationMethodCodeSequence = [
        item(CodeValue=code, CodingSchemeDesignator="DCM", CodeMeaning=meaning)
        for code, meaning in profile.codes(done)
    ]
    dataset.LongitudinalTemporalInformationModified = profile.dates
    if Option.CLEAN_VISUAL_FEATURES in done:
        dataset.RecognizableVisualFeatures = "NO"


def _source_instance(image: Image, number: int) -> SourceInstance:
    dataset = image.dataset
    frames = number_of_frames(dataset)
    plane: Plane | None = None
    header: Dataset | None = None
    if frames > 1 or "PerFrameFunctionalGroupsSequence" in dataset:
        header = dataset
    else:
        plane = plane_of(dataset, 1)
    return SourceInstance(
        sop_class_uid=str(dataset.SOPClassUID),
        sop_instance_uid=str(dataset.SOPInstanceUID),
        instance_number=int(dataset.get("InstanceNumber") or number),
        frames=frames,
        rows=int(dataset.Rows),
        columns=int(dataset.Columns),
        position=None if plane is None else plane.corner,
        orientation=None if plane is None else (*plane.along_row, *plane.along_column),
        spacing=None if plane is None else plane.spacing,
        header=header,
    )


def _manifest(
    entries: Sequence[Entry], dataset: Dataset, result: Result, profile: Profile, done: Collection[Option]
) -> Entry:
    """Write a line for each file (JSON Lines): where it belongs, its hash, how it was made clean, its label."""
    series = str(dataset.SeriesInstanceUID)
    label = {
        "patient": str(dataset.PatientID),
        "study": str(dataset.StudyInstanceUID),
        "series": series,
        "generation": result.generation,
        "profile": profile.name,
        "deidentification": [code for code, _ in profile.codes(done)],
        "dates": profile.dates,
        "defaced": Option.CLEAN_VISUAL_FEATURES in done,
        "verdict": result.verdict,
        "reason": result.reason,
        "index": result.quality.index,
        "suitability": result.quality.suitability,
        "findings": [
            {
                "artifact": one.artifact,
                "present": one.present,
                "probability": one.probability,
                "severity": one.severity,
            }
            for one in result.quality.findings
        ],
        "model": f"{result.product.model_name} {result.product.algorithm_version}",
    }
    lines = [
        json.dumps({"file": file_name(one.kind, one.uid), "sha256": one.digest, **label, **one.told})
        for one in entries
    ]
    uid = derive("manifest", series, str(result.generation), profile.name)
    return Entry("MANIFEST", uid, "".join(f"{line}\n" for line in lines).encode(), {})
