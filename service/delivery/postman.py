"""The postman: claims what is due for one destination, opens the seals, sends, and notes every answer."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from pydicom.uid import generate_uid

from dicom_scp.identity import WrongKey
from dicom_scp.spool import Spool
from service.delivery.base import Answer, Courier, Destination, Letter, Study, Undelivered
from service.delivery.dicom import Line
from service.ledger import Delivery, DeliveryState, Outbox, retry_after
from service.metrics import Metrics

BUNDLE = 32
AFTER_A_BREAK = 0.5  # of a pause: the others have their turn before the object on which the line broke


@dataclass(slots=True)
class Pause:
    """How long a destination that does not answer is left alone: all that is due to it waits, however much it is."""

    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random
    _failures: int = 0
    _until: float = 0.0

    def lasts(self) -> bool:
        """Tell whether it is not over yet."""
        return self.clock() < self._until

    def longer(self, wait_s: float, share: float = 1.0) -> None:
        """Begin another one, longer than the last and no shorter than `wait_s`; a share of its length is enough."""
        self._failures += 1
        self._until = self.clock() + max(wait_s, share * retry_after(self._failures, self.jitter()))

    def over(self) -> None:
        """End it: the destination has answered."""
        self._failures, self._until = 0, 0.0


@dataclass(frozen=True, slots=True)
class _Bundle:
    """What is carried at once: claimed rows with their objects."""

    items: dict[str, Delivery]  # by SOP Instance UID
    letters: dict[str, Letter]

    def of(self, state: DeliveryState) -> list[Letter]:
        return [self.letters[uid] for uid, item in self.items.items() if item.state == state]


@dataclass(frozen=True, slots=True)
class Postman:
    """Carries what is due to one destination."""

    outbox: Outbox
    files: Spool
    destination: Destination
    metrics: Metrics
    clock: Callable[[], float] = time.time
    pause: Pause = field(default_factory=Pause)

    def deliver_next(self) -> bool:
        """Carry one bundle; False if nothing was due, or the destination is left alone."""
        if self.pause.lasts():
            return False
        items = self.outbox.claim(self.destination.name, BUNDLE)
        if not items:
            return False
        with self.outbox.holding(items):
            self._carry(self._opened(items))
        return True

    def _opened(self, items: Sequence[Delivery]) -> _Bundle:
        bundle = _Bundle({}, {})
        for item in items:
            try:
                letter = Letter(item.kind, item.sop_instance_uid, self.files.read(item.name))
            except (FileNotFoundError, WrongKey):
                self._failed(item, Answer("the built object cannot be opened", taken=False))
                continue
            bundle.items[letter.uid], bundle.letters[letter.uid] = item, letter
        return bundle

    def _carry(self, bundle: _Bundle) -> None:
        """Carry a bundle; what is left in it when the line breaks is carried again."""
        opened = False
        try:
            self._hold_doubtful(bundle)
            if not bundle.items:
                return
            courier = self.destination.open(list(bundle.letters.values()))
            opened = True
            try:
                self._send(courier, bundle)
                self._commit(courier, bundle)
            finally:
                courier.close()
        except Undelivered as error:
            self.pause.longer(error.wait_s, AFTER_A_BREAK if opened else 1.0)
            for item in bundle.items.values():
                if opened and item.state == DeliveryState.WAITING:  # it did not get its turn
                    self.outbox.put_back(item, error.wait_s)
                else:
                    self._failed(item, Answer(str(error), taken=False, wait_s=error.wait_s))
        else:
            self.pause.over()

    def _hold_doubtful(self, bundle: _Bundle) -> None:
        """Ask for study and patient of what is old; what does not fit is held for a person. Raises Undelivered."""
        after_s = self.destination.doubts_after_s
        if after_s is None:
            return
        known: dict[Study, str] = {}
        for letter in bundle.of(DeliveryState.WAITING):
            item = bundle.items[letter.uid]
            if item.released or self.clock() - item.created_at < after_s:
                continue
            study = letter.study()
            if study not in known:
                known[study] = self.destination.doubt(study)
            if known[study]:
                self.outbox.held(item, known[study])
                self._count(DeliveryState.HELD)
                del bundle.items[letter.uid], bundle.letters[letter.uid]

    def _send(self, courier: Courier, bundle: _Bundle) -> None:
        """Send reports, then what belongs to them; where a report is not taken, that waits. Raises Undelivered."""
        letters = bundle.of(DeliveryState.WAITING)
        first = [letter for letter in letters if bundle.items[letter.uid].rank == 0]
        stuck = self._sent(courier, bundle, first)
        rest = []
        for letter in letters:
            if letter in first:
                continue
            if bundle.items[letter.uid].series_id in stuck:
                self._failed(bundle.items.pop(letter.uid), Answer("waits for its report", taken=False))
            else:
                rest.append(letter)
        self._sent(courier, bundle, rest)

    def _sent(self, courier: Courier, bundle: _Bundle, letters: Sequence[Letter]) -> set[str]:
        """Send objects and note each answer; gives the series of what was not taken. Raises Undelivered.

        Where the line breaks, the object that was on it has failed: what makes a peer hang up does not stop the rest.
        """
        try:
            return self._noted(courier, bundle, letters)
        except Undelivered as error:
            on_it = next(letter.uid for letter in letters if self._is_unsent(bundle, letter))
            self._failed(bundle.items.pop(on_it), Answer(str(error), taken=False, wait_s=error.wait_s))
            raise

    @staticmethod
    def _is_unsent(bundle: _Bundle, letter: Letter) -> bool:
        item = bundle.items.get(letter.uid)
        return item is not None and item.state == DeliveryState.WAITING

    def _noted(self, courier: Courier, bundle: _Bundle, letters: Sequence[Letter]) -> set[str]:
        refused: set[str] = set()
        commits = isinstance(courier, Line) and courier.commits
        for letter, answer in courier.deliver(letters) if letters else ():
            item = bundle.items.pop(letter.uid)
            if not answer.taken:
                self._failed(item, answer)
                refused.add(item.series_id)
                continue
            self.outbox.delivered(item, answer.said, kept=not commits)
            self._count(DeliveryState.SENT)
            if commits:
                bundle.items[letter.uid] = replace(item, state=DeliveryState.UNCOMMITTED)
        return refused

    def _commit(self, courier: Courier, bundle: _Bundle) -> None:
        """Ask that what was taken be kept, now or earlier. Raises Undelivered."""
        asked = bundle.of(DeliveryState.UNCOMMITTED)
        if not asked or not isinstance(courier, Line):
            return
        transaction = str(generate_uid(prefix=None))
        self.outbox.commitment_asked(
            transaction, self.destination.name, [bundle.items[letter.uid] for letter in asked]
        )
        courier.commit(transaction, {letter.uid: letter.context()[0] for letter in asked})

    def _failed(self, item: Delivery, answer: Answer) -> None:
        self._count(self.outbox.failed(item, answer.said, wait_s=answer.wait_s, final=answer.final))

    def _count(self, state: DeliveryState) -> None:
        self.metrics.deliveries.labels(destination=self.destination.name, result=state).inc()
