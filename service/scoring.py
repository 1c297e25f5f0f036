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
from inference.eye import Examined, Eye
from inference.guard import unsuited
from inference.image import Slice, UnreadableImage
from inference.segmenter import ModelFailed
from service.ledger import Scoring, SliceNote, SliceState, SliceTask
from service.metrics import Metrics

MOST_FAILURES = 3  # of the model on the same slice
MOST_ATTEMPTS = 12  # a slice that takes the worker down with it is set aside after as many deaths

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Scorer:
    """Scores what the ledger hands out."""

    scoring: Scoring
    spool: Spool
    eye: Eye
    metrics: Metrics
    batch: int
    _read: "LastFile" = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_read", LastFile(self.spool))

    def score_next(self) -> bool:
        """Score one batch; False if nothing waits."""
        tasks = self.scoring.claim_slices(self.batch)
        if not tasks:
            return False
        with self.scoring.holding(tasks):
            self._score(tasks)
        return True

    def _score(self, tasks: Sequence[SliceTask]) -> None:
        notes: list[SliceNote] = []
        readable: list[tuple[SliceTask, Slice]] = []
        for task in tasks:
            taken = self._take(task)
            if isinstance(taken, SliceNote):
                notes.append(taken)
            else:
                readable.append((task, taken))
        notes += self._examine(readable)
        self.scoring.scored(notes)

    def _take(self, task: SliceTask) -> Slice | SliceNote:
        """Read a slice; a note says why it cannot be scored."""
        if task.attempt > MOST_ATTEMPTS:
            return SliceNote(task, SliceState.UNREADABLE, "scoring it failed repeatedly")
        try:
            with self.metrics.inference_duration.labels(stage="read").time():
                dataset = self._read(task.spool_name)
                reason = unsuited(dataset, task.frame)
                if reason:
                    return SliceNote(task, SliceState.UNSUITED, reason)
                return Slice.from_dataset(dataset, task.frame)
        except UnreadableImage as error:
            return SliceNote(task, SliceState.UNREADABLE, str(error))
        except (FileNotFoundError, WrongKey) as error:
            log.exception("spool file unreadable", extra={"reason": type(error).__name__})
            return SliceNote(task, SliceState.UNREADABLE, "the spooled file cannot be opened")

    def _examine(self, readable: Sequence[tuple[SliceTask, Slice]]) -> list[SliceNote]:
        if not readable:
            return []
        try:
            with self.metrics.inference_duration.labels(stage="network").time():
                examined = self.eye.examine([image for _, image in readable])
        except ModelFailed as error:
            log.exception("the model failed", extra={"reason": str(error)})
            return [
                SliceNote(task, SliceState.UNREADABLE, "the model gave no valid answer")
                for task, _ in readable
                if task.attempt >= MOST_FAILURES  # the others come again when their lease has run out
            ]
        return [_note(task, seen) for (task, _), seen in zip(readable, examined, strict=True)]


def _note(task: SliceTask, seen: Examined) -> SliceNote:
    return SliceNote(task, SliceState.SCORED, "", seen.score.to_json(), seen.masks.pack())


class LastFile:
    """Reads spooled files; the last one is kept, for the frames of one object are asked for in turn."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._cached = lru_cache(maxsize=1)(self._load)

    def __call__(self, spool_name: str) -> Dataset:
        """Give the de-identified data set. Raises FileNotFoundError, WrongKey, UnreadableImage."""
        return self._cached(spool_name)

    def _load(self, spool_name: str) -> Dataset:
        return dcmread(BytesIO(self._spool.read(spool_name)))
