"""Two contents under one SOP Instance UID: where they are one image in two encodings, nobody has to decide.

The door compares bytes and does not decode. So this is done behind it, before a person is asked.
"""

import logging
from dataclasses import dataclass, field
from io import BytesIO

from pydicom import dcmread
from pydicom.dataset import Dataset

from dicom_scp.identity import WrongKey
from dicom_scp.spool import Spool
from inference.decoding import NoDecoder
from inference.header import BROKEN
from inference.sameness import same_image
from service.ledger import Disputes

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Comparer:
    """Compares the images of disputes, each pair once."""

    disputes: Disputes
    spool: Spool
    _different: set[tuple[int, int]] = field(default_factory=set[tuple[int, int]])

    def compare(self) -> None:
        """End the disputes that are none."""
        pairs = self.disputes.pairs()
        self._different.intersection_update((pair.standing, pair.further) for pair in pairs)
        for pair in pairs:
            key = pair.standing, pair.further
            if key in self._different:
                continue
            try:
                same = same_image(self._read(pair.standing_name), self._read(pair.further_name))
            except NoDecoder:
                continue
            except (FileNotFoundError, WrongKey, *BROKEN):
                same = False
            if same:
                self.disputes.same(pair)
                log.info("the same image in another encoding", extra={"series": pair.series_uid})
            else:
                self._different.add(key)

    def _read(self, name: str) -> Dataset:
        return dcmread(BytesIO(self.spool.read(name)))
