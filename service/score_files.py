"""`scanside score`: the eye alone, on files and folders; the identity comes off as it does at the door."""

import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import dcmread

from dicom_scp.deidentify import Deidentifier, deidentify_file
from dicom_scp.errors import Refused, Skipped
from dicom_scp.instance import Facts, Instance, parse_reference
from inference.artifacts import CATALOGUE
from inference.eye import Examined, Eye
from inference.guard import unsuited
from inference.image import Slice, UnreadableImage, number_of_frames
from inference.score import QualityScore, not_scored, summarise
from inference.segmenter import ModelFailed
from service.rules import Thresholds, circumstances, decide

BATCH = 16  # slices held in memory at a time


@dataclass(frozen=True, slots=True)
class Seen:
    """One slice that the network saw."""

    sop_instance_uid: str  # as in the input
    instance_number: int | None
    position: float | None
    frame: int
    shape: tuple[int, int]  # rows, columns
    examined: Examined

    @property
    def place(self) -> tuple[bool, float, int, int]:
        """Where it stands in the series: by position, else by instance number, then by frame."""
        return (self.position is None, self.position or 0.0, self.instance_number or 0, self.frame)


@dataclass(slots=True)
class Group:
    """The files of one series, and what became of their slices."""

    facts: Facts
    paths: list[Path] = field(default_factory=list)
    digests: set[str] = field(default_factory=set)
    reasons: list[str] = field(default_factory=list)  # why slices were not scored
    n_slices: int = 0


@dataclass(frozen=True, slots=True)
class FileScorer:
    """Scores files with what it is handed."""

    eye: Eye
    deidentifier: Deidentifier
    thresholds: Thresholds
    masks: Path | None  # folder for one .npz a series
    note: Callable[[str], None]  # hears of files that are left out
    progress: Callable[[int, int], None] = lambda _done, _all: None

    def score(self, paths: Iterable[Path]) -> Iterator[dict[str, Any]]:
        """Give one result a series, as plain values."""
        groups = self._groups(sorted(_files(paths)))
        for number, (series, group) in enumerate(groups.items()):
            self.progress(number, len(groups))
            yield self._series(series, group)
        self.progress(len(groups), len(groups))

    def _groups(self, files: Sequence[Path]) -> dict[str, Group]:
        groups: dict[str, Group] = {}
        for path in files:
            try:
                instance = deidentify_file(path, self.deidentifier)
            except Skipped as skipped:
                self.note(f"{path}: left out: {skipped}")
                continue
            except (Refused, OSError) as error:
                self.note(f"{path}: left out: {error if isinstance(error, Refused) else 'cannot be read'}")
                continue
            group = groups.setdefault(instance.series_instance_uid, Group(instance.facts))
            if instance.digest not in group.digests:
                group.digests.add(instance.digest)
                group.paths.append(path)
        return groups

    def _series(self, series: str, group: Group) -> dict[str, Any]:
        began = time.perf_counter()
        suited: list[Seen] = []
        others: list[Seen] = []
        for path in group.paths:
            reason, seen = self._instance(deidentify_file(path, self.deidentifier), group)
            (others if reason else suited).extend(seen)
        suited.sort(key=lambda seen: seen.place)
        quality = _quality(suited, group)
        if self.masks is not None:
            _write_masks(
                self.masks / f"{series}.npz", sorted([*suited, *others], key=lambda seen: seen.place)
            )
        return self._result(series, group, suited, quality, time.perf_counter() - began)

    def _instance(self, instance: Instance, group: Group) -> tuple[str, list[Seen]]:
        """Examine the frames of one file; a kind that is not scored is seen only where masks are asked for."""
        dataset = dcmread(BytesIO(instance.content))
        reason = unsuited(dataset)
        frames = number_of_frames(dataset)
        group.n_slices += frames
        if reason:
            group.reasons.append(reason)
            if self.masks is None:
                return reason, []
        seen: list[Seen] = []
        for start in range(1, frames + 1, BATCH):
            numbers = range(start, min(start + BATCH, frames + 1))
            try:
                slices = [Slice.from_dataset(dataset, number) for number in numbers]
                examined = self.eye.examine(slices)
            except (UnreadableImage, ModelFailed) as error:
                group.reasons.append(str(error))
                continue
            original = parse_reference(instance.identity.reference).sop_instance_uid
            seen += [
                Seen(
                    original,
                    instance.facts.instance_number,
                    image.position,
                    number,
                    image.pixels.shape,
                    found,
                )
                for number, image, found in zip(numbers, slices, examined, strict=True)
            ]
        return reason, seen

    def _result(
        self, series: str, group: Group, seen: Sequence[Seen], quality: QualityScore, seconds: float
    ) -> dict[str, Any]:
        around = circumstances(group.facts.to_json(), incomplete=False, conflict=False)
        decision = decide(quality, around, self.thresholds)
        return {
            "series": series,
            "source_paths": [str(path) for path in group.paths],
            "modality_text": f"{group.facts.modality} {group.facts.description}".strip(),
            "n_slices": group.n_slices,
            "verdict": decision.verdict,
            "index": quality.index,
            "suitability": quality.suitability,
            "artifacts": [
                {
                    "name": artifact.name,
                    "code": artifact.coded,
                    "probability": finding.probability,
                    "severity": finding.severity,
                    "slices": [_number(seen, position) for position in finding.slices],
                }
                for artifact, finding in zip(CATALOGUE, quality.findings, strict=False)
            ],
            "slices": [_slice(seen, position) for position in range(len(seen))] if quality.scored else [],
            "scored": quality.scored,
            "reason": decision.reason,
            "model": self.eye.card.title,
            "provider": self.eye.provider,
            "seconds": round(seconds, 3),
        }


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from (file for file in path.rglob("*") if file.is_file() and file.name != "DICOMDIR")
        else:
            yield path


def _quality(suited: Sequence[Seen], group: Group) -> QualityScore:
    if suited:
        return summarise([seen.examined.score for seen in suited])
    reason = max(set(group.reasons), key=group.reasons.count) if group.reasons else "no image could be read"
    return not_scored(reason, n_slices=group.n_slices)


def _number(seen: Sequence[Seen], position: int) -> int:
    """Name a slice by its instance number; where there is none, by its place in the series."""
    number = seen[position].instance_number
    return position + 1 if number is None else number


def _slice(seen: Sequence[Seen], position: int) -> dict[str, Any]:
    score = seen[position].examined.score
    return {
        "instance_number": _number(seen, position),
        "frame": score.frame,
        "index": score.index,
        "suitability": score.suitability,
        "artifacts": [
            {"name": found.artifact, "probability": found.probability, "severity": found.severity}
            for found in score.findings
            if found.present
        ],
    }


def _write_masks(path: Path, seen: Sequence[Seen]) -> None:
    """Write the masks of a series, slice by slice: a long one does not fit into memory.

    Slices of different matrices lie in the upper left corner of the largest.
    """
    if not seen:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    rows, columns = (max(one.shape[axis] for one in seen) for axis in (0, 1))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("probabilities.npy", "w", force_zip64=True) as file:
            shape = (len(seen), len(CATALOGUE), rows, columns)
            header = {"descr": "|u1", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
            for one in seen:
                padded = np.zeros(shape[1:], np.uint8)
                padded[:, : one.shape[0], : one.shape[1]] = one.examined.masks.to_matrix(*one.shape)
                file.write(padded.tobytes())
        for name, values in {
            "classes": np.array([artifact.name for artifact in CATALOGUE]),
            "sop_instance_uids": np.array([one.sop_instance_uid for one in seen]),
            "frame_numbers": np.array([one.frame for one in seen], np.int32),
        }.items():
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, values, allow_pickle=False)
