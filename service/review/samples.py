"""`scanside samples`: what people decided, as labelled samples for `models/`; nothing in them tells who anybody is.

Names are pseudonyms of their own kinds, so that a sample cannot be matched with a research export or with the
console. Comments, times and the names of reviewers stay here. Pictures go along as canvases where every rule of the
research export holds: all frames went through the text detector, and the face is off what may be a head.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset

from dicom_scp.identity import KeyRing, WrongKey
from dicom_scp.spool import Spool
from inference.decoding import decompress
from inference.defacing import NoFaceFound
from inference.header import BROKEN
from inference.image import Slice, UnreadableImage, number_of_frames
from inference.preprocess import to_canvas
from service.bootstrap import lay_foundation
from service.faces import cut_of, deface
from service.ledger.samples import SampleBook
from service.research import NotExported, counts_as_head, scored_instances
from service.review.agreement import CHOICE_RANKS, MODEL_RANKS
from service.review.views import DecisionView, SampleView
from service.settings import Settings

TABLE = "samples.jsonl"
PICTURES = "pictures"
AT_ONCE = 100  # samples that are read together
_SCALE = 65535  # of a stored canvas: value / 65535 = 0..1


@dataclass(frozen=True, slots=True)
class Sampler:
    """Makes labelled samples of what was decided."""

    book: SampleBook
    keyring: KeyRing
    spool: Spool

    def page(self, limit: int, after: int = 0) -> tuple[list[dict[str, Any]], int | None]:
        """Give samples without pictures, and after which to go on; None where that is all."""
        views = self.book.page(limit + 1, after)
        more = views[limit - 1].id if len(views) > limit else None
        return [self.sample(view) for view in views[:limit]], more

    def sample(self, view: SampleView) -> dict[str, Any]:
        """Say one series with its labels."""
        quality, judging = view.quality, view.judging or {}
        return {
            "sample": self._name("sample", f"{view.series_uid} {view.generation}"),
            "group": self._name("sample group", view.patient),
            "scanner": self._name("sample scanner", str(view.scanner_id)),
            "protocol": self._name("sample protocol", view.protocol_key),
            "description": view.description.words,
            "verdict": view.verdict,
            "index": quality.get("index"),
            "suitability": quality.get("suitability"),
            "findings": [
                {name: found[name] for name in ("artifact", "present", "probability", "severity", "slices")}
                for found in quality.get("findings", ())
            ],
            "model": view.model,
            "thresholds": judging.get("thresholds"),
            "thresholds_version": judging.get("version"),
            "why": list(view.why),
            "share": view.share,
            "first": view.first,
            "second": view.second,
            "outcome": view.outcome,
            "override": MODEL_RANKS.get(view.verdict) != CHOICE_RANKS[view.outcome],
            "decisions": [self._decision(one) for one in view.decisions if not one.earlier],
        }

    def pictures(self, view: SampleView) -> dict[str, np.ndarray[Any, Any]]:
        """Give the canvases of a series as `models/` keeps them, in the order of its slices.

        ``images``: (n, 256, 256) uint16; ``positions``: (n,), which slice each is; ``placed``: (n, 5), whether it lies
        transposed, and top, left, height and width of the picture on it. Raises NotExported.
        """
        try:
            return self._pictures(view)
        except (NoFaceFound, UnreadableImage) as reason:
            raise NotExported(str(reason)) from reason
        except (FileNotFoundError, WrongKey) as reason:
            raise NotExported("its images are gone") from reason
        except BROKEN as reason:
            raise NotExported("its header does not hold together") from reason

    def _pictures(self, view: SampleView) -> dict[str, np.ndarray[Any, Any]]:
        slices, instances = self.book.images(view.series_uid, view.generation)
        objects = {row.id: self._clean(row.digest) for row in scored_instances(slices, instances)}
        if not objects:
            raise NotExported("its images are gone")
        if counts_as_head(next(iter(objects.values()))):
            cut = cut_of(list(objects.values()))
            for dataset in objects.values():
                deface(dataset, cut)
        shown = [(row, objects[row.instance_id]) for row in slices if row.instance_id in objects]
        canvases = [to_canvas(Slice.from_dataset(dataset, row.frame)) for row, dataset in shown]
        return {
            "images": np.stack([np.rint(one.image * _SCALE).astype(np.uint16) for one in canvases]),
            "positions": np.array([row.position for row, _ in shown], np.int32),
            "placed": np.array(
                [(one.transpose, one.top, one.left, one.height, one.width) for one in canvases]
            ),
        }

    def _clean(self, digest: str) -> Dataset:
        dataset = dcmread(BytesIO(self.spool.read(digest)))
        if dataset.get("PatientIdentityRemoved") != "YES":
            raise NotExported("its live copy is not de-identified")
        if number_of_frames(dataset) < 1:
            raise NotExported("it has no frames")
        decompress(dataset)
        return dataset

    def _decision(self, one: DecisionView) -> dict[str, Any]:
        cursor = one.cursor
        return {
            "tier": one.tier,
            "decision": one.decision,
            "tags": list(one.tags),
            "cursor": None if cursor is None else {"slice": cursor.slice, "x": cursor.x, "y": cursor.y},
            "blind": one.blind,
            "reviewer": self._name("sample reviewer", one.author),
            "role": one.role,
        }

    def _name(self, kind: str, text: str) -> str:
        return self.keyring.pseudonym(kind, text)


def write_samples(settings: Settings, out: Path, *, pictures: bool) -> int:
    """Write every decided series to a folder: a line each of a table, and its canvases where they may leave."""
    if not settings.deidentify:
        print("scanside: unsafe_keep_identity is on: the spool holds names", file=sys.stderr)
        return 2
    foundation = lay_foundation(settings)
    sampler = Sampler(SampleBook(foundation.database), foundation.keyring, foundation.spool)
    out.mkdir(parents=True, exist_ok=True)
    written = shown = 0
    scratch = out / f".{TABLE}.part"
    with scratch.open("w", encoding="utf-8") as table:
        for view in _all(sampler.book):
            line = sampler.sample(view)
            line |= _pictured(sampler, view, out, line["sample"]) if pictures else {}
            table.write(json.dumps(line, ensure_ascii=False) + "\n")
            written, shown = written + 1, shown + (line.get("pictures") is not None)
    scratch.replace(out / TABLE)
    print(json.dumps({"samples": written, "with_pictures": shown}))
    return 0


def _all(book: SampleBook) -> Iterator[SampleView]:
    after = 0
    while views := book.page(AT_ONCE, after):
        yield from views
        after = views[-1].id


def _pictured(sampler: Sampler, view: SampleView, out: Path, name: str) -> Mapping[str, Any]:
    """Write the canvases of a sample; gives where they are, or why there are none."""
    try:
        arrays = sampler.pictures(view)
    except NotExported as reason:
        return {"pictures": None, "no_pictures": str(reason)}
    (out / PICTURES).mkdir(exist_ok=True)
    path = f"{PICTURES}/{name}.npz"
    np.savez_compressed(
        out / path, images=arrays["images"], positions=arrays["positions"], placed=arrays["placed"]
    )
    return {"pictures": path}
