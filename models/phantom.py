"""Write a DICOM MR series of the numerical phantom with artifacts planted where one says.

    python -m models.phantom --out DIR [--slices 20 --rows 256 --columns 256 --seed 1]
                             [--plant NAME:FIRST-LAST:SEVERITY ...]

Instance numbers count from 1; a severity is 0.8 (subtle) to 3.4 (gross). Without `--plant` a series with several
artifacts is written, `--clean` writes one without. The patient is invented; the same words give the same bytes.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, FileMetaDataset, dcmwrite
from pydicom.uid import UID, ExplicitVRLittleEndian, MRImageStorage, generate_uid

from models.classes import CLASSES
from models.head import draw_anatomy, head_slice
from models.simulate import Plan, Planted, simulate
from models.visibility import Image

FIELD_OF_VIEW_MM = 240.0
SLICE_MM = 5.0
FULL_SCALE = 1400  # stored value of magnitude 1
DATE, TIME = "20260105", "093000"


@dataclass(frozen=True, slots=True)
class Wish:
    """An artifact on a run of slices."""

    name: str
    first: int  # instance numbers, both included
    last: int
    severity: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "motion:8-10:3.2" or "spike:4:2.5". Raises ValueError on anything else."""
        name, slices, severity = text.split(":")
        first, _, last = slices.partition("-")
        if name not in CLASSES:
            raise ValueError(f"no artifact is called {name}")
        return cls(name, int(first), int(last or first), float(severity))

    def __str__(self) -> str:
        return f"{self.name}:{self.first}-{self.last}:{self.severity:g}"


def shown(slices: int) -> tuple[Wish, ...]:
    """Return what the demonstration plants: a patient who moved for a while, and a few other things."""

    def at(share: float) -> int:
        return min(slices, max(1, round(share * slices)))

    return (
        Wish("spike", at(0.20), at(0.20), 2.6),
        Wish("motion", at(0.35), at(0.60), 3.2),
        Wish("ghost", at(0.45), at(0.55), 2.8),
        Wish("wrap", at(0.70), at(0.75), 1.6),
        Wish("noise", at(0.90), at(0.90), 3.0),
    )


@dataclass(frozen=True, slots=True)
class Series:
    """What to write."""

    slices: int = 20
    rows: int = 256
    columns: int = 256
    seed: int = 1
    wishes: tuple[Wish, ...] = ()

    def plan(self, number: int) -> Plan:
        """Return what is planted on the slice with this instance number."""
        planted = (Planted(w.name, w.severity) for w in self.wishes if w.first <= number <= w.last)
        return Plan(tuple(planted), benign=False)

    def uid(self, *words: object) -> str:
        """Return a UID that the words, and all that the series is made of, determine."""
        return generate_uid(entropy_srcs=[repr(self), *map(str, words)])


def magnitudes(series: Series) -> NDArray[np.uint16]:
    """Return the stored values (slices, rows, columns), phase encoding along the column (y)."""
    anatomy = draw_anatomy(np.random.default_rng(series.seed))
    size = min(series.rows, series.columns)
    volume = np.zeros((series.slices, series.rows, series.columns), dtype=np.uint16)
    for k, height in enumerate(np.linspace(-0.55, 0.6, series.slices)):
        clean = _in_air(head_slice(anatomy, float(height), size), series)
        sample = simulate(np.random.default_rng([series.seed, k]), clean, series.plan(k + 1))
        volume[k] = np.clip(sample.image * FULL_SCALE + 0.5, 0, 65535).astype(np.uint16)
    return volume


def _in_air(head: Image, series: Series) -> Image:
    down, right = series.rows - head.shape[0], series.columns - head.shape[1]
    return np.pad(head, ((down // 2, down - down // 2), (right // 2, right - right // 2)))


def write(series: Series, folder: Path) -> list[Path]:
    """Write one file a slice and return their paths, in order."""
    folder.mkdir(parents=True, exist_ok=True)
    volume = magnitudes(series)
    paths = [folder / f"IM{number:04d}.dcm" for number in range(1, series.slices + 1)]
    for number, (path, pixels) in enumerate(zip(paths, volume, strict=True), start=1):
        dcmwrite(path, instance(series, number, pixels), enforce_file_format=True)
    return paths


def instance(series: Series, number: int, pixels: NDArray[np.uint16]) -> Dataset:
    """Return one MR Image Storage instance."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = MRImageStorage
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = UID(series.uid("instance", number))
    _patient_and_study(ds, series)
    _scanner(ds)
    _protocol(ds, series)
    _geometry(ds, series, number)
    _pixels(ds, pixels)
    return ds


def _patient_and_study(ds: Dataset, series: Series) -> None:
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.PatientName, ds.PatientID = "PHANTOM^DEMO", f"PHANTOM-{series.seed}"
    ds.PatientBirthDate, ds.PatientSex, ds.PatientAge, ds.PatientWeight = "19700101", "O", "056Y", 70
    ds.StudyInstanceUID, ds.SeriesInstanceUID = series.uid("study"), series.uid("series")
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = DATE
    ds.StudyTime = ds.SeriesTime = ds.AcquisitionTime = ds.ContentTime = TIME
    ds.StudyID, ds.AccessionNumber, ds.ReferringPhysicianName = "1", "DEMO", ""
    ds.StudyDescription, ds.SeriesDescription = "Phantom", "T2 TSE of a numerical phantom"
    ds.Modality, ds.SeriesNumber, ds.BodyPartExamined, ds.PatientPosition = "MR", 1, "HEAD", "HFS"
    ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = series.uid("frame"), ""
    ds.InstanceCreationDate, ds.InstanceCreationTime = DATE, TIME


def _scanner(ds: Dataset) -> None:
    ds.Manufacturer, ds.ManufacturerModelName = "Scanside", "Numerical phantom"
    ds.DeviceSerialNumber, ds.SoftwareVersions, ds.StationName = "0", "1", "PHANTOM"
    ds.InstitutionName = "Nowhere"
    ds.MagneticFieldStrength, ds.ImagingFrequency, ds.ImagedNucleus = 3.0, 127.7, "1H"


def _protocol(ds: Dataset, series: Series) -> None:
    ds.ImageType = ["ORIGINAL", "PRIMARY", "M"]
    ds.ScanningSequence, ds.SequenceVariant, ds.ScanOptions = "SE", "SK", ""
    ds.MRAcquisitionType, ds.SequenceName, ds.ProtocolName = "2D", "tse2d1_12", "t2_tse_tra"
    ds.RepetitionTime, ds.EchoTime, ds.EchoTrainLength, ds.FlipAngle = 4000.0, 96.0, 12, 150
    ds.NumberOfAverages, ds.PercentSampling, ds.PercentPhaseFieldOfView = 1, 100, 100
    ds.SliceThickness, ds.SpacingBetweenSlices = SLICE_MM, SLICE_MM
    ds.AcquisitionMatrix = [0, series.columns, series.rows, 0]  # frequency along x, phase along y
    ds.InPlanePhaseEncodingDirection = "COL"
    ds.AcquisitionNumber, ds.ImagesInAcquisition = 1, series.slices


def _geometry(ds: Dataset, series: Series, number: int) -> None:
    mm = FIELD_OF_VIEW_MM / min(series.rows, series.columns)
    height = SLICE_MM * (number - 1 - (series.slices - 1) / 2)
    ds.InstanceNumber, ds.SliceLocation = number, round(height, 3)
    ds.PixelSpacing = [round(mm, 6), round(mm, 6)]
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    corner = (-mm * (series.columns - 1) / 2, -mm * (series.rows - 1) / 2, height)
    ds.ImagePositionPatient = [round(value, 4) for value in corner]


def _pixels(ds: Dataset, pixels: NDArray[np.uint16]) -> None:
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = pixels.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 0
    ds.SmallestImagePixelValue, ds.LargestImagePixelValue = int(pixels.min()), int(pixels.max())
    ds.WindowCenter, ds.WindowWidth = FULL_SCALE / 2, FULL_SCALE
    ds.PixelData = pixels.astype("<u2").tobytes()


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the series that the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    for name, default in (("slices", 20), ("rows", 256), ("columns", 256), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    planting = parser.add_mutually_exclusive_group()
    planting.add_argument("--plant", type=Wish.parse, nargs="+", metavar="NAME:FIRST-LAST:SEVERITY")
    planting.add_argument("--clean", action="store_true", help="plant nothing")
    chosen = parser.parse_args(arguments)
    wishes = () if chosen.clean else tuple(chosen.plant or shown(chosen.slices))
    series = Series(chosen.slices, chosen.rows, chosen.columns, chosen.seed, wishes)
    paths = write(series, chosen.out)
    print(f"{len(paths)} slices -> {chosen.out}: {' '.join(map(str, wishes)) or 'clean'}")


if __name__ == "__main__":
    main()
