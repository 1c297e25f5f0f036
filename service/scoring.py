"""Step two: slices are scored as they come, the open series taking turns."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from io import BytesIO

from pydicom import dcmread
from pydicom.dataset import Dataset

from dicom_scp.identity import WrongKey
from dicom_scp.spool import Spool
from inference.burned_in import REASON, TextDetector
from inference.decoding import NoDecoder
from inference.eye import Examined, Eye
from inference.guard import unsuited
from inference.header import BROKEN
from inference.image import Slice, UnreadableImage
from inference.places import Part, parts_of
from inference.segmenter import ModelFailed
from inference.text import UNSAID, Text
from service.ledger import Placed, Places, Scoring, SliceNote, SliceState, SliceTask, Unplaced
from service.metrics import Metrics

MOST_FAILURES = 3  # of the model on the same slice
PLACED_AT_ONCE = 32  # instances
MOST_ATTEMPTS = 12  # a slice that takes the worker down with it is set aside after as many deaths
_FAILED = Text("scoring it failed repeatedly", "die Bewertung schlug wiederholt fehl")
_UNOPENED = Text("the spooled file cannot be opened", "die gespeicherte Datei lässt sich nicht öffnen")
_NO_ANSWER = Text("the model gave no valid answer", "das Modell gab keine gültige Antwort")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Scorer:
    """Scores what the ledger hands out."""

    scoring: Scoring
    places: Places
    spool: Spool
    detector: TextDetector
    eye: Eye
    metrics: Metrics
    batch: int
    _read: "LastFile" = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_read", LastFile(self.spool))

    def score_next(self) -> bool:
        """Find the places of what came, then score one batch; False if nothing waits."""
        unplaced = self.places.unplaced(PLACED_AT_ONCE)
        self.places.placed([Placed(item, self._parts(item)) for item in unplaced])
        self.places.sampled()
        tasks = self.scoring.claim_slices(self.batch)
        if not tasks:
            return bool(unplaced)
        with self.scoring.holding(tasks):
            self._score(tasks)
        return True

    def _parts(self, item: Unplaced) -> Sequence[Part]:
        """Take an instance apart; where its file cannot be read, scoring its frames will say so."""
        try:
            return parts_of(self._read(item.spool_name), item.frames)
        except (FileNotFoundError, WrongKey, UnreadableImage, *BROKEN):
            return [Part(frame, 0, None) for frame in range(1, item.frames + 1)]

    def _score(self, tasks: Sequence[SliceTask]) -> None:
        notes: list[SliceNote] = []
        readable: list[tuple[SliceTask, Slice]] = []
        erased: set[str] = set()
        for task in tasks:
            taken = None if task.spool_name in erased else self._take(task)
            if taken is None:
                erased.add(task.spool_name)
            elif isinstance(taken, SliceNote):
                notes.append(taken)
            else:
                readable.append((task, taken))
        readable = [(task, taken) for task, taken in readable if task.spool_name not in erased]
        notes += self._examine(readable)
        self.scoring.scored(notes)

    def _take(self, task: SliceTask) -> Slice | SliceNote | None:
        """Read a slice; a note says why it cannot be scored, None that its file is erased."""
        if task.attempt > MOST_ATTEMPTS:
            return SliceNote(task, SliceState.UNREADABLE, _FAILED)
        try:
            with self.metrics.inference_duration.labels(stage="read").time():
                dataset = self._read(task.spool_name)
                reason = unsuited(dataset, task.frame)
                if reason:  # never shown nor exported, so nobody looks for text in the noise of a phase image
                    return SliceNote(task, SliceState.UNSUITED, reason)
                if self._shows_text(dataset, task):
                    self._erase(task)
                    return None
                return Slice.from_dataset(dataset, task.frame, task.tile)
        except NoDecoder:
            raise  # the slice may be sound: it comes again when its lease has run out
        except UnreadableImage as error:
            return SliceNote(task, SliceState.UNREADABLE, error.why)
        except (FileNotFoundError, WrongKey) as error:
            log.exception("spool file unreadable", extra={"reason": type(error).__name__})
            return SliceNote(task, SliceState.UNREADABLE, _UNOPENED)

    def _shows_text(self, dataset: Dataset, task: SliceTask) -> bool:
        """Look for text; the tiles of a mosaic are one picture, which is looked at once."""
        if task.tile and self._read.clear == (task.spool_name, task.frame):
            return False
        shows = self.detector.shows_text(dataset, task.frame)
        self._read.clear = None if shows else (task.spool_name, task.frame)
        return shows

    def _erase(self, task: SliceTask) -> None:
        """Let an image go that shows text, with all its frames; noted first, so that nobody looks for the file."""
        self.scoring.erased(task, REASON)
        self.spool.delete(task.spool_name)
        self._read.forget()
        self.metrics.erased.inc()
        log.warning("an image was erased", extra={"series": task.series_uid, "reason": REASON})

    def _examine(self, readable: Sequence[tuple[SliceTask, Slice]]) -> list[SliceNote]:
        if not readable:
            return []
        try:
            with self.metrics.inference_duration.labels(stage="network").time():
                examined = self.eye.examine([image for _, image in readable])
        except ModelFailed as error:
            log.exception("the model failed", extra={"reason": str(error)})
            return [
                SliceNote(task, SliceState.UNREADABLE, _NO_ANSWER)
                for task, _ in readable
                if task.attempt >= MOST_FAILURES  # the others come again when their lease has run out
            ]
        return [_note(task, seen) for (task, _), seen in zip(readable, examined, strict=True)]


def _note(task: SliceTask, seen: Examined) -> SliceNote:
    return SliceNote(task, SliceState.SCORED, UNSAID, seen.score.to_json(), seen.masks.pack())


class LastFile:
    """Reads spooled files; the last one is kept, for the frames of one object are asked for in turn."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self.clear: tuple[str, int] | None = None  # the last picture (file, frame) without text
        self._cached = lru_cache(maxsize=1)(self._load)

    def __call__(self, spool_name: str) -> Dataset:
        """Give the de-identified data set. Raises FileNotFoundError, WrongKey, UnreadableImage."""
        return self._cached(spool_name)

    def forget(self) -> None:
        """Drop what was kept."""
        self._cached.cache_clear()

    def _load(self, spool_name: str) -> Dataset:
        return dcmread(BytesIO(self._spool.read(spool_name)))
