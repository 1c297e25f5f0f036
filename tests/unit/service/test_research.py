"""What leaves for research and what stays, on real de-identified files."""

import json
import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import RLELossless

from dicom_scp.cleaning import Acted
from dicom_scp.deidentify import Deidentifier
from dicom_scp.identity import KeyRing, Vault
from dicom_scp.profile import EXPORT, LIVE, Profile
from dicom_scp.ps3_15 import Option
from dicom_scp.spool import NoSpace, Spool
from inference.summary import summarise
from service.ledger import InstanceRow, Parcel, ScoredRow, SliceState
from service.operating.deid_log import PRIVATE, attribute
from service.research import Curator, Reported, Repository, counts_as_head
from tests.compressed import compressed, frames_of
from tests.series import Patient, mr_series
from tests.unit.dicom_scp.encodings import encoded
from tests.unit.service.report.results import scored_result

KEYS = KeyRing(bytes(range(32)))
VAULT = Vault(KEYS)


class Desk:
    """A curator with a knee's series on its desk."""

    def __init__(
        self,
        folder: Path,
        datasets: list[Dataset],
        *,
        source_profile: Profile = LIVE,
        plain: list[Dataset] | None = None,  # the same, not compressed
    ) -> None:
        self.told: list[tuple[str, set[tuple[str, str]]]] = []
        self.spool, self.outbox = Spool(folder / "spool", VAULT), Spool(folder / "outbox", VAULT)
        clean = Deidentifier(KEYS, profile=source_profile)
        self.instances = [clean(encoded(ds), str(ds.file_meta.TransferSyntaxUID)) for ds in datasets]
        for one in self.instances:
            self.spool.write(one.content, one.digest)
        result = scored_result(plain or datasets)
        frames = [
            (n, frame) for n, one in enumerate(self.instances) for frame in range(1, one.facts.frames + 1)
        ]
        self.series = Reported(
            uid=self.instances[0].series_instance_uid,
            patient=self.instances[0].patient,
            result=result,
            rows=[
                ScoredRow(
                    position,
                    n,
                    frame,
                    SliceState.SCORED,
                    "",
                    scored.score.to_json(),
                    self.instances[n].digest,
                    n + 1,
                )
                for position, ((n, frame), scored) in enumerate(zip(frames, result.slices, strict=True))
            ],
            instances=[
                InstanceRow(n, one.sop_instance_uid, one.digest, b"") for n, one in enumerate(self.instances)
            ],
        )

    def parcels(self, profile: Profile = EXPORT, known: tuple[str, ...] = ()) -> list[Parcel]:
        repository = Repository("r", profile, send="always")
        return Curator(KEYS, self.spool, self.outbox, self._tell).parcels(repository, self.series, known)

    def _tell(self, profile: str, acted: Iterable[Acted]) -> None:
        self.told.append((profile, {(attribute(tag), str(action)) for tag, action in acted}))

    def sent(self, kind: str, profile: Profile = EXPORT) -> list[bytes]:
        return [self.outbox.read(one.name) for one in self.parcels(profile) if one.kind == kind]

    def images(self, profile: Profile = EXPORT) -> list[Dataset]:
        return [dcmread(BytesIO(content)) for content in self.sent("IMAGE", profile)]


def knees(count: int = 4, **words: object) -> list[Dataset]:
    series = mr_series(slices=count, **words)  # type: ignore[arg-type]
    for ds in series:
        ds.BodyPartExamined = "KNEE"
    return series


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path, knees())


def test_the_report_goes_first_and_the_manifest_last(desk: Desk) -> None:
    kinds = [one.kind for one in sorted(desk.parcels(), key=lambda one: one.rank)]
    assert kinds == ["SR", *["IMAGE"] * 4, "MANIFEST"]


def test_the_manifest_holds_the_label_of_every_file(desk: Desk) -> None:
    (manifest,) = desk.sent("MANIFEST")
    lines = [json.loads(line) for line in manifest.splitlines()]
    assert len(lines) == 5
    assert {(one["verdict"], one["index"], one["defaced"], one["patient"]) for one in lines} == {
        ("Repeat", 2.4, False, desk.series.patient)
    }
    assert {one["artifact"] for one in lines[0]["findings"] if one["present"]} == {"motion", "noise", "wrap"}
    assert all(len(one["indices"]) == 1 for one in lines[1:])
    assert not any(token in manifest.decode() for token in Patient().tokens())


def test_the_log_is_told_what_was_done_to_each_image_that_leaves(desk: Desk) -> None:
    uids = [one.sop_instance_uid for one in desk.parcels() if one.kind == "IMAGE"]
    shifted = {(name, "shift") for name in ("StudyDate", "StudyTime", "SeriesDate", "SeriesTime")}
    assert desk.told == [(EXPORT.name, shifted)] * 4
    desk.told.clear()
    desk.parcels(known=tuple(uids[1:]))  # what the destination has by now is not counted again
    assert len(desk.told) == 1
    desk.told.clear()
    bare = Profile.of("bare", ())
    live, exported = dcmread(BytesIO(desk.instances[0].content)), desk.images(bare)[0]
    gone = {one.keyword for one in live if one.keyword and one.keyword not in exported}
    emptied = {
        one.keyword for one in live if one.keyword in exported and one.value and not exported[one.tag].value
    }
    assert {"PatientAge", "PatientWeight"} <= gone
    assert emptied == {"PatientSex"}
    profile, acted = desk.told[0]
    named = {one for one in acted if one[0] != PRIVATE}
    assert (profile, named) == ("bare", {*((name, "remove") for name in gone), ("PatientSex", "empty")})


def test_dates_of_the_series_are_shifted_as_far_as_those_of_all_of_the_patient(
    desk: Desk, tmp_path: Path
) -> None:
    other = Desk(tmp_path / "other", knees(study="later"))
    moved = {str(one.StudyDate) for one in (*desk.images(), *other.images())}
    (day,) = moved
    assert (date.fromisoformat(day) - date(2026, 11, 4)).days == KEYS.days(desk.series.patient)
    assert {one.SeriesTime for one in desk.images()} == {"102000.5"}
    assert all("AcquisitionTime" not in one for one in desk.images()), "it may differ from image to image"


def test_a_multi_frame_object_keeps_its_own_dates(tmp_path: Path) -> None:
    (one,) = Desk(tmp_path, knees(enhanced=True)).images()
    shifted = date(2026, 11, 4).toordinal() + KEYS.days(Desk(tmp_path / "x", knees()).series.patient)
    assert str(one.AcquisitionDateTime)[:8] == date.fromordinal(shifted).strftime("%Y%m%d")


def test_without_shifted_dates_there_are_none(desk: Desk) -> None:
    for one in desk.images(LIVE):
        assert one.LongitudinalTemporalInformationModified == "REMOVED"
        assert not one.StudyDate
    (report,) = desk.sent("SR", LIVE)
    assert dcmread(BytesIO(report)).ContentDate == "20000101"


def test_a_narrower_profile_takes_out_what_the_live_copy_retains(desk: Desk) -> None:
    basic = Profile.of("basic", ())
    for one in desk.images(basic):
        assert "PatientAge" not in one
        assert not one.PatientSex
        codes = {code.CodeValue for code in one.DeidentificationMethodCodeSequence}
        assert codes == {"113100", "113101"}
        assert not [element for element in one if element.tag.is_private and element.tag.group != 0x0073]


def test_a_narrower_profile_reaches_into_functional_groups(tmp_path: Path) -> None:
    series = knees(enhanced=True)
    group = series[0].PerFrameFunctionalGroupsSequence[0]
    for level in (group, group.FrameContentSequence[0]):
        level.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0C, "IS", "1000")
    desk = Desk(tmp_path, series)

    def safe(profile: Profile) -> int:
        (one,) = desk.images(profile)
        return sum(element.tag.group == 0x0019 for element in one.iterall())

    assert safe(EXPORT) == 4  # two values, each with its creator
    assert safe(Profile.of("basic", ())) == 0


def test_what_a_scanners_own_profile_retains_stays_in_the_house(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wide = Profile.of("wide", (*LIVE.options, Option.RETAIN_INSTITUTION_IDENTITY))
    desk = Desk(tmp_path, knees(), source_profile=wide)
    with caplog.at_level(logging.WARNING):
        assert desk.parcels() == []
    assert caplog.records[-1].reason == "the profile of its scanner retains more than the export's"  # type: ignore[attr-defined]


def test_only_images_with_a_score_leave(desk: Desk) -> None:
    rows = [
        replace(row, state=SliceState.ERASED, score=None) if row.position == 1 else row
        for row in desk.series.rows
    ]
    slices = tuple(one for n, one in enumerate(desk.series.result.slices) if n != 1)
    quality = summarise([one.score for one in slices])
    result = replace(desk.series.result, slices=slices, quality=quality)
    desk.series = replace(desk.series, rows=rows, result=result)
    assert [int(one.InstanceNumber) for one in desk.images()] == [1, 3, 4]


def test_words_beside_a_compressed_picture_stay(tmp_path: Path) -> None:
    plain = knees()
    told = [compressed(ds, RLELossless) for ds in plain]
    for ds in told:
        (frame,) = frames_of(ds)
        ds.PixelData = encapsulate([frame + b"Quastenflosser"])
    desk = Desk(tmp_path, told, plain=plain)
    assert all(b"Quasten" in one.content for one in desk.instances)  # sealed, and not seen by the door
    images = desk.images()
    assert not any(b"Quasten" in content for content in desk.sent("IMAGE"))
    assert [one.PixelData for one in images] == [ds.PixelData for ds in plain]


def test_a_later_generation_sends_only_what_is_new(desk: Desk) -> None:
    known = tuple(one.sop_instance_uid for one in desk.instances[:3])
    kinds = [one.kind for one in desk.parcels(known=known)]
    assert kinds == ["SR", "IMAGE", "MANIFEST"]


def test_images_that_are_gone_are_told(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.spool.delete(desk.instances[0].digest)
    with caplog.at_level(logging.WARNING):
        assert desk.parcels() == []
    assert caplog.records[-1].reason == "its images are gone"  # type: ignore[attr-defined]


def test_a_full_disk_is_no_reason_to_leave_a_series_out(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_content: bytes, _digest: str) -> str:
        raise NoSpace

    monkeypatch.setattr(desk.outbox, "write", full)
    with pytest.raises(NoSpace):
        desk.parcels()


@pytest.mark.parametrize(
    ("part", "marked", "head"),
    [
        ("KNEE", "", False),
        ("KNEE", "YES", True),
        ("", "", True),
        ("NECK", "", True),
        ("CSPINE", "", True),
        ("BRAIN", "YES", True),
        ("WHOLEBODY", "", True),
    ],
)
def test_what_is_not_said_to_be_another_part_counts_as_a_head(part: str, marked: str, head: bool) -> None:
    ds = Dataset()
    ds.BodyPartExamined, ds.RecognizableVisualFeatures = part, marked
    assert counts_as_head(ds) is head
    if not part:
        assert counts_as_head(Dataset())
