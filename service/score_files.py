"""`scanside score`: the eye alone, on files and folders; the identity comes off as it does at the door."""

import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, field
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
from inference.image import Slice, UnreadableImage
from inference.places import parts_of
from inference.score import QualityScore
from inference.segmenter import ModelFailed
from inference.text import Text
from service.cli.files import files_in
from service.explaining import Asked, explain_slices, worst_of
from service.file_series import Group, Held, Order, Seen
from service.rules import Thresholds, circumstances, decide
from service.understanding import Understanding

_MODEL_FAILED = Text("the model failed: {why}", "das Modell versagte: {why}")


@dataclass(frozen=True, slots=True)
class FileScorer:
    """Scores files with what it is handed."""

    eye: Eye
    detector: TextDetector
    deidentifier: Deidentifier
    thresholds: Thresholds
    volumes: int = field(default=8, kw_only=True)  # of a series in time that are scored
    masks: Path | None  # folder for one .npz a series
    explain: Path | None = field(default=None, kw_only=True)  # folder for why the worst slices are so
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
                facts, header = instance.facts, dcmread(BytesIO(instance.content), stop_before_pixels=True)
                group.add(
                    path,
                    parts_of(header, facts.frames),
                    position=facts.position,
                    instance_number=facts.instance_number,
                )
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
        chosen = group.chosen(self.volumes)
        for path, held in group.files:
            instance = self._clean(path)
            if instance is not None:
                self._instance(instance, path, held, group, chosen)
        group.suited.sort(key=lambda seen: seen.order)
        quality = group.quality()
        if self.masks is not None:
            every = sorted([*group.suited, *group.aside], key=lambda seen: seen.order)
            _write_masks(self.masks / f"{series}.npz", every)
        return self._result(series, group, quality, time.perf_counter() - began)

    def _instance(
        self, instance: Instance, path: Path, held: Sequence[Held], group: Group, chosen: Set[Order]
    ) -> None:
        """Examine the slices of one file, some at a time."""
        dataset = dcmread(BytesIO(instance.content))
        clear: dict[int, bool] = {}  # frames that were looked at for text; tiles of a mosaic share theirs
        for start in range(0, len(held), self.eye.batch):
            wanted: list[tuple[Held, Slice, bool]] = []
            for one in held[start : start + self.eye.batch]:
                frame = one.part.frame
                if frame not in clear:
                    clear[frame] = self._is_clear(dataset, frame)
                if not clear[frame]:
                    group.lost(one, "erased", REASON)
                    continue
                wanted += self._read(dataset, one, group, sampled=one.order in chosen)
            for one, image, found, counts in self._examined(wanted, group):
                seen = self._seen(instance, path, one, image, found)
                (group.suited if counts else group.aside).append(seen)

    def _is_clear(self, dataset: Dataset, frame: int) -> bool:
        """Tell whether a frame shows no text; one that is not scored, or cannot be read, is not looked at."""
        try:
            return bool(unsuited(dataset, frame)) or not self.detector.shows_text(dataset, frame)
        except UnreadableImage:
            return True

    def _read(
        self, dataset: Dataset, held: Held, group: Group, *, sampled: bool
    ) -> Iterator[tuple[Held, Slice, bool]]:
        """Read a slice, with whether it counts for the series; nothing where it is not to be seen.

        What does not count, for its kind or as another volume stands for it, is seen only where masks are asked for.
        """
        reason = unsuited(dataset, held.part.frame)
        if reason or not sampled:
            group.lost(held, "unsuited" if reason else "unsampled", reason)
            if self.masks is None:
                return
        try:
            image = Slice.from_dataset(dataset, held.part.frame, held.part.tile)
        except UnreadableImage as error:
            if not reason and sampled:
                group.lost(held, "unreadable", error.why)
            return
        yield held, image, sampled and not reason

    def _examined(
        self, wanted: Sequence[tuple[Held, Slice, bool]], group: Group
    ) -> Iterator[tuple[Held, Slice, Examined, bool]]:
        try:
            examined = self.eye.examine([image for _, image, _ in wanted])
        except ModelFailed as error:
            for held, _, counts in wanted:
                if counts:
                    group.lost(held, "unreadable", _MODEL_FAILED.filled({"why": str(error)}))
            return
        for (held, image, counts), found in zip(wanted, examined, strict=True):
            yield held, image, found, counts

    def _seen(self, instance: Instance, path: Path, held: Held, image: Slice, found: Examined) -> Seen:
        rows, columns = image.pixels.shape
        return Seen(
            sop_instance_uid=parse_reference(instance.identity.reference).sop_instance_uid,
            instance_number=instance.facts.instance_number,
            order=held.order,
            shape=(rows, columns),
            score=found.score,
            masks=None if self.masks is None else found.masks,
            path=path,
        )

    def _explanations(self, series: str, group: Group) -> list[dict[str, Any]]:
        """Explain the worst slices; [] where that is not asked for."""
        if self.explain is None:
            return []
        worst = worst_of((position, seen.score) for position, seen in enumerate(group.suited))
        try:
            return explain_slices(self.eye, self._again(group.suited, worst), self.explain / series)
        except ModelFailed as error:
            self.note(f"{series}: not explained: the model failed: {error}")
            return []

    def _again(self, suited: Sequence[Seen], positions: Iterable[int]) -> Iterator[Asked]:
        """Read slices once more: their pixels were not kept."""
        for position in positions:
            seen = suited[position]
            instance = self._clean(seen.path)
            if instance is not None:
                image = Slice.from_dataset(
                    dcmread(BytesIO(instance.content)), seen.score.frame, seen.score.tile
                )
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
                    "frames": _frames(seen, finding.slices),
                    "evidence": [_english(statement.to_json()) for statement in finding.evidence],
                }
                for artifact, finding in zip(CATALOGUE, quality.findings, strict=False)
            ],
            "geometry": [
                _english(fact.to_json())
                | {"slices": _numbers(seen, fact.slices), "frames": _frames(seen, fact.slices)}
                for fact in quality.geometry
            ],
            "sampling": None if quality.sampling is None else asdict(quality.sampling),
            "evidence": [
                _english(metric.to_json())
                | {"slice": None if metric.slice is None else _number(seen, metric.slice)}
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


def _english(values: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the German: who reads results with a program asks for one language."""
    return {name: value for name, value in values.items() if name != "de"}


def _numbers(seen: Sequence[Seen], positions: Iterable[int]) -> list[int]:
    """Name slices once each, in their order."""
    return list(dict.fromkeys(_number(seen, position) for position in positions))


def _frames(seen: Sequence[Seen], positions: Iterable[int]) -> list[dict[str, int]]:
    """Name slices exactly: by instance number, frame, and tile of a mosaic (0: the frame is the slice)."""
    return [
        {
            "instance_number": _number(seen, position),
            "frame": seen[position].score.frame,
            "tile": seen[position].score.tile,
        }
        for position in positions
    ]


def _number(seen: Sequence[Seen], position: int) -> int:
    """Name a slice by its instance number; where there is none, by its place in the series."""
    number = seen[position].instance_number
    return position + 1 if number is None else number


def _slice(seen: Sequence[Seen], position: int) -> dict[str, Any]:
    score = seen[position].score
    return {
        "instance_number": _number(seen, position),
        "frame": score.frame,
        "tile": score.tile,
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
        tiles = np.array([one.score.tile for one in seen], np.int32)
        for name, values in {
            "classes": np.array([artifact.name for artifact in CATALOGUE]),
            "sop_instance_uids": np.array([one.sop_instance_uid for one in seen]),
            "frame_numbers": np.array([one.score.frame for one in seen], np.int32),
            **({"tile_numbers": tiles} if tiles.any() else {}),
        }.items():
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, values, allow_pickle=False)
