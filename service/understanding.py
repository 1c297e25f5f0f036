"""What a series is, in codes, told when its first instance comes: the door's clean header, read by the eye."""

import re
import threading
import warnings
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError

from dicom_scp.instance import Instance
from inference.header import BROKEN, group
from inference.series import Description, describe
from inference.series.protocol import Protocol, read_protocol

MOST_KEPT = 1024  # series
FACT = "series"  # under which the facts of a series hold its description
PROTOCOL = "protocol"  # the same of how it was acquired
COIL = "coil"  # and the name of the coil that received
MOST_COIL = 32  # characters
_NO_NAME = re.compile(r"[^A-Za-z0-9 ._+/()-]")


@dataclass(slots=True)
class Understanding:
    """Describes series; the instances of one get the same description, made of the first. Safe to share by threads."""

    _known: OrderedDict[str, dict[str, Any]] = field(default_factory=OrderedDict[str, dict[str, Any]])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def facts(self, instance: Instance) -> dict[str, Any]:
        """Give the clean facts of an instance with the description of its series, as plain values."""
        return instance.facts.to_json() | self._described(instance)

    def _described(self, instance: Instance) -> dict[str, Any]:
        uid = instance.series_instance_uid
        with self._lock:
            if uid in self._known:
                self._known.move_to_end(uid)
                return self._known[uid]
        header = _header(instance)
        made: dict[str, Any] = {
            FACT: describe(header).to_json(),
            PROTOCOL: read_protocol(header).to_json(),
            COIL: coil_of(header),
        }
        with self._lock:
            self._known.setdefault(uid, made)
            if len(self._known) > MOST_KEPT:
                self._known.popitem(last=False)
        return made


def _header(instance: Instance) -> Dataset:
    """Read a clean header; one that cannot be read is empty."""
    try:
        return dcmread(BytesIO(instance.content), stop_before_pixels=True)
    except (InvalidDicomError, *BROKEN):
        return Dataset()


def coil_of(header: Dataset) -> str:
    """Name the coil that received (0018,1250), "" where the header does not.

    It is what a vendor calls a part of the scanner; what does not look like such a name is left out of it.
    """
    with warnings.catch_warnings(action="ignore"), suppress(*BROKEN):
        named = group(header, 1, "MRReceiveCoilSequence").get("ReceiveCoilName")
        return " ".join(_NO_NAME.sub(" ", str(named or "")).split())[:MOST_COIL].rstrip()
    return ""


def described(facts: Any) -> Description:  # noqa: ANN401 - a mapping as the ledger gives it
    """Read the description out of the facts of a series."""
    return Description.from_json(facts.get(FACT) or {})


def acquired(facts: Any) -> Protocol:  # noqa: ANN401 - a mapping as the ledger gives it
    """Read out of the facts of a series how it was acquired."""
    return Protocol.from_json(facts.get(PROTOCOL) or {})
