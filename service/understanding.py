"""What a series is, in codes, told when its first instance comes: the door's clean header, read by the eye."""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from pydicom import dcmread
from pydicom.errors import InvalidDicomError

from dicom_scp.instance import Instance
from inference.header import BROKEN
from inference.series import Description, describe

MOST_KEPT = 1024  # series
FACT = "series"  # under which the facts of a series hold its description


@dataclass(slots=True)
class Understanding:
    """Describes series; the instances of one get the same description, made of the first. Safe to share by threads."""

    _known: OrderedDict[str, dict[str, Any]] = field(default_factory=OrderedDict[str, dict[str, Any]])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def facts(self, instance: Instance) -> dict[str, Any]:
        """Give the clean facts of an instance with the description of its series, as plain values."""
        return instance.facts.to_json() | {FACT: self._described(instance)}

    def _described(self, instance: Instance) -> dict[str, Any]:
        uid = instance.series_instance_uid
        with self._lock:
            if uid in self._known:
                self._known.move_to_end(uid)
                return self._known[uid]
        made = description_of(instance).to_json()
        with self._lock:
            self._known.setdefault(uid, made)
            if len(self._known) > MOST_KEPT:
                self._known.popitem(last=False)
        return made


def description_of(instance: Instance) -> Description:
    """Describe one clean instance; a header that cannot be read tells nothing."""
    try:
        return describe(dcmread(BytesIO(instance.content), stop_before_pixels=True))
    except (InvalidDicomError, *BROKEN):
        return Description()


def described(facts: Any) -> Description:  # noqa: ANN401 - a mapping as the ledger gives it
    """Read the description out of the facts of a series."""
    return Description.from_json(facts.get(FACT) or {})
