"""Synthetic MR series: a head-like phantom under headers as Siemens, GE and Philips write them.

Everything is made from keywords alone (no randomness but the seeded kind), so that two calls with the same
words give the same UIDs and the same bytes. The classic and the Enhanced objects pass dciodvfy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydicom import Dataset, FileMetaDataset, dcmwrite
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

Vendor = Literal["siemens", "ge", "philips"]
Volume = npt.NDArray[np.uint16]

FIELD_OF_VIEW_MM = 240.0
SLICE_MM = 5.0
FULL_SCALE = 1200  # stored value of the brightest tissue


@dataclass(frozen=True, slots=True)
class Patient:
    """Who lies in the scanner: tokens that no other text holds, so that a search for them tells a leak."""

    name: str = "Quastenflosser^Wilhelmine"
    id: str = "PID-7731904"
    issuer: str = "KLINIKUM-XQ"
    birth_date: str = "19610412"
    sex: str = "F"
    age: str = "065Y"
    weight: float = 71.0
    accession: str = "ACC-5520917"
    institution: str = "Zwiebelstadt Hospital"
    physician: str = "Oberkofler^Ignaz"
    character_set: str = "ISO_IR 100"

    def tokens(self) -> tuple[str, ...]:
        """The words that must not be found where nobody is to be identified."""
        names = [*self.name.split("^"), *self.physician.split("^"), *self.institution.split()[:1]]
        return (*names, self.id, self.issuer, self.accession, self.birth_date)


@dataclass(frozen=True, slots=True)
class Scanner:
    """What a vendor writes about the machine and how it counts pixels."""

    manufacturer: str
    model: str
    software: str
    slope: float | None = None  # rescale slope, where the vendor writes one
    intercept: float = 0.0
    serial: str = "SN-990017"
    station: str = "STATION-MRX4"


SCANNERS: dict[Vendor, Scanner] = {
    "siemens": Scanner("SIEMENS", "Skyra", "syngo MR E11"),
    "ge": Scanner("GE MEDICAL SYSTEMS", "SIGNA Premier", "RX29.1"),
    "philips": Scanner("Philips Medical Systems", "Ingenia", "5.7.1", slope=2.5, intercept=0.0),
}


def head(slices: int = 8, rows: int = 64, columns: int = 64, *, seed: int = 1) -> Volume:
    """Draw a head with skull, brain, ventricles and texture; (slices, rows, columns), noise outside too."""
    rng = np.random.default_rng(seed)
    y, x = np.meshgrid(np.linspace(-1, 1, rows), np.linspace(-1, 1, columns), indexing="ij")
    texture = sum(
        np.sin(f * np.pi * (x * np.cos(a) + y * np.sin(a)) + p)
        for f, a, p in zip(
            rng.uniform(4, 24, 8), rng.uniform(0, np.pi, 8), rng.uniform(0, 6.3, 8), strict=True
        )
    )
    volume = np.empty((slices, rows, columns), np.float32)
    for n, z in enumerate(np.linspace(-0.55, 0.55, slices) if slices > 1 else [0.0]):
        size = np.sqrt(1 - z * z)
        scalp, skull, brain = (((x / (w * size)) ** 2 + (y / (h * size)) ** 2) < 1 for w, h in _SHELLS)
        ventricles = ((np.abs(x) - 0.1) / 0.07) ** 2 + ((y + 0.05) / (0.25 * size)) ** 2 < 1
        image = 0.9 * scalp - 0.8 * skull + brain * (0.55 + 0.04 * texture)
        volume[n] = np.where(ventricles & brain & (abs(z) < 0.4), 0.95, image)
    noise = rng.normal(0, 0.012, (2, *volume.shape)).astype(np.float32)
    magnitude = np.hypot(volume + noise[0], noise[1])  # Rician, as a magnitude image is
    volume = np.clip(magnitude * FULL_SCALE, 0, 4095)
    return np.asarray(volume, np.uint16)


_SHELLS = ((0.72, 0.92), (0.67, 0.87), (0.62, 0.82))  # half axes (x, y): skin, inner table, brain


def mr_series(
    *,
    slices: int = 8,
    rows: int = 64,
    columns: int = 64,
    vendor: Vendor = "siemens",
    enhanced: bool = False,
    patient: Patient | None = None,
    images_in_acquisition: int | None = None,
    key: str = "a",
    study: str = "study",
    series_number: int = 3,
    description: str = "T2w TSE ax",
    pixels: Volume | None = None,
    phase_encoding: str = "COL",
) -> list[Dataset]:
    """Build one series: a dataset a slice, or a single multi-frame one where ``enhanced``.

    Args:
        slices, rows, columns: its size where no ``pixels`` (slices, rows, columns) are given.
        vendor: whose header it carries, private groups included.
        enhanced: an Enhanced MR object in place of classic ones.
        patient: who it is of; the usual one by default.
        images_in_acquisition: (0020,1002), left out by default.
        key, study: other words give other series and studies of the same patient.
        series_number, description: as the scanner names it.
        pixels: stored values, uint16.
        phase_encoding: ``COL`` or ``ROW``; an Enhanced object says ``COLUMN``.

    """
    volume = head(slices, rows, columns) if pixels is None else pixels
    common = _header(patient or Patient(), SCANNERS[vendor], key=key, study=study)
    common.SeriesNumber = series_number
    common.SeriesDescription = description
    common.ProtocolName = (
        f"{description} {(patient or Patient()).name.split('^')[0]}"  # technologists do that
    )
    if enhanced:
        from tests.enhanced import enhanced_mr  # noqa: PLC0415  # that module builds on this one

        return [enhanced_mr(common, volume, key=key, phase_encoding=phase_encoding)]
    if images_in_acquisition is not None:
        common.ImagesInAcquisition = images_in_acquisition
    return [
        _slice(common, volume, n, vendor=vendor, key=key, phase_encoding=phase_encoding)
        for n in range(len(volume))
    ]


def write_series(folder: Path, datasets: Sequence[Dataset]) -> list[Path]:
    """Write Part 10 files ``IM0001.dcm``... in order and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"IM{n:04d}.dcm" for n in range(1, len(datasets) + 1)]
    for path, dataset in zip(paths, datasets, strict=True):
        dcmwrite(path, dataset, enforce_file_format=True)
    return paths


def uid(*words: object) -> str:
    """Make a UID that hangs on the words alone."""
    return str(generate_uid(prefix="1.2.826.0.1.3680043.10.1538.", entropy_srcs=[str(w) for w in words]))


def _header(patient: Patient, scanner: Scanner, *, key: str, study: str) -> Dataset:
    """What all instances of a series share."""
    ds = Dataset()
    ds.SpecificCharacterSet = patient.character_set
    ds.PatientName = patient.name
    ds.PatientID = patient.id
    ds.IssuerOfPatientID = patient.issuer
    ds.PatientBirthDate = patient.birth_date
    ds.PatientSex = patient.sex
    ds.PatientAge = patient.age
    ds.PatientWeight = patient.weight
    ds.StudyInstanceUID = uid(patient.id, study)
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = "20261104"
    ds.StudyTime = "101500"
    ds.SeriesTime = ds.AcquisitionTime = ds.ContentTime = "102000.5"
    ds.StudyID = "4711"
    ds.StudyDescription = f"Head {patient.name.split('^')[0]}"
    ds.AccessionNumber = patient.accession
    ds.ReferringPhysicianName = patient.physician
    ds.InstitutionName = patient.institution
    ds.Modality = "MR"
    ds.SeriesInstanceUID = uid(patient.id, study, key)
    ds.FrameOfReferenceUID = uid(patient.id, study, "frame of reference")
    ds.PositionReferenceIndicator = ""
    ds.PatientPosition = "HFS"
    ds.BodyPartExamined = "HEAD"
    ds.Manufacturer = scanner.manufacturer
    ds.ManufacturerModelName = scanner.model
    ds.SoftwareVersions = scanner.software
    ds.DeviceSerialNumber = scanner.serial
    ds.StationName = scanner.station
    return ds


def _slice(
    common: Dataset, volume: Volume, n: int, *, vendor: Vendor, key: str, phase_encoding: str
) -> Dataset:
    """Slice ``n`` (0-based) as a classic MR Image."""
    ds = Dataset()
    ds.update(common)
    scanner = SCANNERS[vendor]
    ds.SOPClassUID = MRImageStorage
    ds.SOPInstanceUID = uid(common.SeriesInstanceUID, key, n)
    ds.InstanceNumber = n + 1
    ds.AcquisitionNumber = 1
    ds.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
    _physics(ds, phase_encoding)
    _plane(ds, volume, n)
    _pixels(ds, volume[n])
    if scanner.slope is not None:
        ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType = scanner.slope, scanner.intercept, "US"
    _private(ds, vendor, len(volume))
    return with_meta(ds)


def with_meta(ds: Dataset) -> Dataset:
    """Add the file meta information of an Explicit VR Little Endian object."""
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return ds


def _physics(ds: Dataset, phase_encoding: str) -> None:
    ds.ScanningSequence = "SE"
    ds.SequenceVariant = "SK"
    ds.ScanOptions = ""
    ds.MRAcquisitionType = "2D"
    ds.SequenceName = "*tse2d1_15"
    ds.RepetitionTime = 4200.0
    ds.EchoTime = 96.0
    ds.EchoTrainLength = 15
    ds.FlipAngle = 150.0
    ds.NumberOfAverages = 1.0
    ds.MagneticFieldStrength = 3.0
    ds.ImagingFrequency = 123.25
    ds.ImagedNucleus = "1H"
    ds.EchoNumbers = 1
    ds.PixelBandwidth = 220.0
    ds.PercentSampling = 80.0
    ds.InPlanePhaseEncodingDirection = phase_encoding
    ds.ReceiveCoilName = "HeadNeck_20"
    ds.TransmitCoilName = "Body"


def _plane(ds: Dataset, volume: Volume, n: int) -> None:
    spacing = FIELD_OF_VIEW_MM / max(volume.shape[1:])
    ds.PixelSpacing = [spacing, spacing]
    ds.SliceThickness = SLICE_MM
    ds.SpacingBetweenSlices = SLICE_MM
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ds.ImagePositionPatient = position(volume, n)
    ds.SliceLocation = ds.ImagePositionPatient[2]


def position(volume: Volume, n: int) -> list[float]:
    """Where the first voxel of slice ``n`` lies, mm."""
    half = FIELD_OF_VIEW_MM / 2
    return [-half, -half, round(-40.0 + SLICE_MM * n, 3)]


def _pixels(ds: Dataset, image: Volume) -> None:
    ds.Rows, ds.Columns = image.shape[-2:]
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 12, 11
    ds.PixelRepresentation = 0
    ds.WindowCenter, ds.WindowWidth = 500, 1000
    ds.SmallestImagePixelValue, ds.LargestImagePixelValue = int(image.min()), int(image.max())
    ds.PixelData = image.astype("<u2").tobytes()
    ds["PixelData"].VR = "OW"


def _private(ds: Dataset, vendor: Vendor, n_slices: int) -> None:
    """A few private elements of each vendor, a name in one of them as scanners do write."""
    bait = f"<PatientName>{ds.PatientName}</PatientName>".encode("latin-1", "replace")
    if vendor == "siemens":
        block = ds.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
        block.add_new(0x10, "OB", b"SV10\x04\x03\x02\x01" + bait + bytes(len(bait) % 2))
        ds.private_block(0x0051, "SIEMENS MR HEADER", create=True).add_new(0x0F, "LO", "HE1-4")
    elif vendor == "ge":
        ds.private_block(0x0025, "GEMS_SERS_01", create=True).add_new(0x07, "SL", n_slices)
        ds.private_block(0x0043, "GEMS_PARM_01", create=True).add_new(0x2F, "SS", 0)
        ds.private_block(0x0009, "GEMS_IDEN_01", create=True).add_new(0x02, "SH", str(ds.PatientID))
    else:
        ds.private_block(0x2001, "Philips Imaging DD 001", create=True).add_new(0x18, "SL", n_slices)
        inner = Dataset()
        inner.private_block(0x2005, "Philips MR Imaging DD 005", create=True).add_new(
            0x32, "LO", str(ds.PatientName)
        )
        ds.private_block(0x2005, "Philips MR Imaging DD 001", create=True).add_new(0x83, "SQ", Items([inner]))
