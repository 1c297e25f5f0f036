"""`scanside score`: the eye alone, on files and folders; the identity comes off as it does at the door."""

import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset

from dicom_scp.deidentify import Deidentifier, deidentify_file
from dicom_scp.errors import Refused
from dicom_scp.instance import Instance, parse_reference
from inference import evidence
from inference.artifacts import CATALOGUE
from inference.burned_in import REASON, TextDetector
from inference.eye import Examined, Eye
from inference.guard import unsuited
from inference.image import Slice, UnreadableImage, number_of_frames
from inference.masks import MaskStack
from inference.score import QualityScore, SliceScore, not_scored, summarise
from inference.segmenter import ModelFailed
from service.explaining import Asked, explain_slices, worst_of
from service.files import files_in
from service.rules import Thresholds, circumstances, decide
from service.understanding import Understanding


@dataclass(frozen=True, slots=True)
class Seen:
    """One slice that the network saw."""

    sop_instance_uid: str  # as in the input
    instance_number: int | None
    position: float | None
    frame: int
    shape: tuple[int, int]  # rows, columns
    score: SliceScore
    masks: MaskStack | None  # None where none are to be written
    path: Path  # of the file it came from

    @property
    def place(self) -> tuple[bool, float, int, int]:
        """Where it stands in the series: by position, else by instance number, then by frame."""
        return (self.position is None, self.position or 0.0, self.instance_number or 0, self.frame)


@dataclass(slots=True)
class Group:
    """The files of one series, and what became of their slices."""

    facts: Mapping[str, Any]  # clean, with the description
    paths: list[Path] = field(default_factory=list[Path])
    digests: set[str] = field(
        default_factory=set[str]
    )  # of the images: one that lies there twice counts once
    reasons: Counter[str] = field(default_factory=Counter[str])  # why slices were not scored
    suited: list[Seen] = field(default_factory=list[Seen])
    unsuited: list[Seen] = field(default_factory=list[Seen])  # of kinds that are not scored
    n_slices: int = 0
    failed: bool = False  # an image could not be read or scored


@dataclass(frozen=True, slots=True)
class FileScorer:
    """Scores files with what it is handed."""

    eye: Eye
    detector: TextDetector
    deidentifier: Deidentifier
    thresholds: Thresholds
    masks: Path | None  # folder for one .npz a series
    explain: bool = field(
        default=False, kw_only=True
    )  # whether the worst slices are explained, beside the masks
    note: Callable[[str], None]  # hears of files that are left out
    understanding: Understanding = field(default_factory=Understanding, kw_only=True)
    progress: Callable[[int, int], None] = lambda _done, _all: None

    def score(self, paths: Iterable[Path]) -> Iterator[dict[str, Any]]:
        """Give one result a series, as plain values."""
        groups = self._groups(sorted(files_in(paths)))
        of = len(groups)
        while groups:
            self.progress(of - len(groups), of)
            series = next(iter(groups))
            yield self._series(series, groups.pop(series))
        self.progress(of, of)

    def _groups(self, files: Sequence[Path]) -> dict[str, Group]:
        groups: dict[str, Group] = {}
        for path in files:
            instance = self._clean(path)
            if instance is None:
                continue
            uid = instance.series_instance_uid
            if uid not in groups:
                groups[uid] = Group(self.understanding.facts(instance))
            group = groups[uid]
            if instance.digest not in group.digests:
                group.digests.add(instance.digest)
                group.paths.append(path)
        return groups

    def _clean(self, path: Path) -> Instance | None:
        """Take the identity off a file; None, with a note, if it holds no image or is broken."""
        try:
            return deidentify_file(path, self.deidentifier)
        except Refused as refused:
            self.note(f"{path}: left out: {refused}")
        except OSError as error:
            self.note(f"{path}: left out: cannot be read ({type(error).__name__})")
        return None

    def _series(self, series: str, group: Group) -> dict[str, Any]:
        began = time.perf_counter()
        for path in group.paths:
            instance = self._clean(path)
            if instance is not None:
                self._instance(instance, path, group)
        group.suited.sort(key=lambda seen: seen.place)
        quality = _quality(group)
        if self.masks is not None:
            every = sorted([*group.suited, *group.unsuited], key=lambda seen: seen.place)
            _write_masks(self.masks / f"{series}.npz", every)
        return self._result(series, group, quality, time.perf_counter() - began)

    def _instance(self, instance: Instance, path: Path, group: Group) -> None:
        """Examine the frames of one file, some at a time."""
        dataset = dcmread(BytesIO(instance.content))
        frames = number_of_frames(dataset)
        group.n_slices += frames
        for start in range(1, frames + 1, self.eye.batch):
            numbers = range(start, min(start + self.eye.batch, frames + 1))
            for image, found, suited in self._frames(dataset, numbers, group):
                (group.suited if suited else group.unsuited).append(self._seen(instance, path, image, found))

    def _frames(
        self, dataset: Dataset, numbers: Iterable[int], group: Group
    ) -> Iterator[tuple[Slice, Examined, bool]]:
        """Examine some frames; gives each with whether its kind is scored.

        A kind that is not is shown to the network only where masks are asked for.
        """
        wanted: list[tuple[str, Slice]] = []
        for number in numbers:
            try:
                if self.detector.shows_text(dataset, number):
                    group.reasons[REASON] += 1
                    group.failed = True
                    continue
                reason = unsuited(dataset, number)
                if reason:
                    group.reasons[reason] += 1
                if reason and self.masks is None:
                    continue
                wanted.append((reason, Slice.from_dataset(dataset, number)))
            except UnreadableImage as error:
                group.reasons[str(error)] += 1
                group.failed = True
        try:
            examined = self.eye.examine([image for _, image in wanted])
        except ModelFailed as error:
            group.reasons[f"the model failed: {error}"] += len(wanted)
            group.failed = True
            return
        for (reason, image), found in zip(wanted, examined, strict=True):
            yield image, found, not reason

    def _seen(self, instance: Instance, path: Path, image: Slice, found: Examined) -> Seen:
        rows, columns = image.pixels.shape
        return Seen(
            sop_instance_uid=parse_reference(instance.identity.reference).sop_instance_uid,
            instance_number=instance.facts.instance_number,
            position=image.position,
            frame=image.frame,
            shape=(rows, columns),
            score=found.score,
            masks=None if self.masks is None else found.masks,
            path=path,
        )

    def _explanations(self, series: str, group: Group) -> list[dict[str, Any]]:
        """Explain the worst slices; [] where that is not asked for."""
        if not self.explain or self.masks is None:
            return []
        worst = worst_of((position, seen.score) for position, seen in enumerate(group.suited))
        try:
            return explain_slices(self.eye, self._again(group.suited, worst), self.masks / series)
        except ModelFailed as error:
            self.note(f"{series}: not explained: the model failed: {error}")
            return []

    def _again(self, suited: Sequence[Seen], positions: Iterable[int]) -> Iterator[Asked]:
        """Read slices once more: their pixels were not kept."""
        for position in positions:
            seen = suited[position]
            instance = self._clean(seen.path)
            if instance is not None:
                image = Slice.from_dataset(dcmread(BytesIO(instance.content)), seen.frame)
                yield Asked(image, seen.sop_instance_uid, _number(suited, position))

    def _result(self, series: str, group: Group, quality: QualityScore, seconds: float) -> dict[str, Any]:
        seen = group.suited
        around = circumstances(group.facts, unscored=group.failed)
        decision = decide(quality, around, self.thresholds)
        return {
            "series": series,
            "source_paths": [str(path) for path in group.paths],
            "modality_text": f"MR {around.about.words}".strip(),
            "description": around.about.to_json(),
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
                    "present": finding.present,
                    "slices": _numbers(seen, finding.slices),
                    "evidence": [statement.to_json() for statement in finding.evidence],
                }
                for artifact, finding in zip(CATALOGUE, quality.findings, strict=False)
            ],
            "geometry": [
                fact.to_json() | {"slices": _numbers(seen, fact.slices)} for fact in quality.geometry
            ],
            "evidence": [
                metric.to_json() | {"slice": None if metric.slice is None else _number(seen, metric.slice)}
                for metric in quality.evidence
            ],
            "slices": [_slice(seen, position) for position in range(len(seen))] if quality.scored else [],
            "explanations": self._explanations(series, group),
            "scored": quality.scored,
            "reason": decision.reason,
            "model": self.eye.card.title,
            "provider": self.eye.provider,
            "seconds": round(seconds, 3),
        }


def _quality(group: Group) -> QualityScore:
    """Sum up what was scored; where nothing was, the commonest reason says why."""
    if group.suited:
        return summarise([seen.score for seen in group.suited])
    commonest = group.reasons.most_common(1)
    return not_scored(commonest[0][0] if commonest else "no image could be read", n_slices=group.n_slices)


def _numbers(seen: Sequence[Seen], positions: Iterable[int]) -> list[int]:
    """Name slices once each, in their order."""
    return list(dict.fromkeys(_number(seen, position) for position in positions))


def _number(seen: Sequence[Seen], position: int) -> int:
    """Name a slice by its instance number; where there is none, by its place in the series."""
    number = seen[position].instance_number
    return position + 1 if number is None else number


def _slice(seen: Sequence[Seen], position: int) -> dict[str, Any]:
    score = seen[position].score
    return {
        "instance_number": _number(seen, position),
        "frame": score.frame,
        "index": score.index,
        "suitability": score.suitability,
        "signal": score.signal,
        "familiar": score.familiar,
        "artifacts": [
            {
                "name": found.artifact,
                "probability": found.probability,
                "severity": found.severity,
                "present": found.present,
            }
            for found in score.findings
        ],
        "evidence": evidence.to_json(score.evidence),
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
                if one.masks is not None:
                    padded[:, : one.shape[0], : one.shape[1]] = one.masks.to_matrix(*one.shape)
                file.write(padded.tobytes())
        for name, values in {
            "classes": np.array([artifact.name for artifact in CATALOGUE]),
            "sop_instance_uids": np.array([one.sop_instance_uid for one in seen]),
            "frame_numbers": np.array([one.frame for one in seen], np.int32),
        }.items():
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, values, allow_pickle=False)
