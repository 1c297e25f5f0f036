"""The values of a header that the door itself needs, read where they stand."""

from collections.abc import Mapping
from dataclasses import dataclass

from dicom_scp.elements import Element, Walker
from dicom_scp.values import integer, numbers, text

SHARED_GROUPS, PER_FRAME_GROUPS = 0x52009229, 0x52009230
_FRAME_DEPTH = 3  # functional group, macro, and what MR macros nest


@dataclass(frozen=True, slots=True)
class Header:
    """The elements of one level by tag; absent and odd values read as nothing."""

    walker: Walker
    elements: Mapping[int, Element]

    def raw(self, tag: int) -> bytes:
        """Give the bytes of a value; none where it is absent or a sequence of undefined length."""
        element = self.elements.get(tag)
        if element is None or element.undefined:
            return b""
        return self.walker.buffer[element.start : element.end]

    def text(self, tag: int) -> str:
        """Read a text as printable ASCII."""
        return text(self.raw(tag))

    def numbers(self, tag: int, vr: bytes) -> tuple[float, ...]:
        """Read numbers; `vr` is what the element is where the header does not say."""
        return numbers(self._vr(tag, vr), self.raw(tag))

    def integer(self, tag: int, vr: bytes) -> int | None:
        """Read the first number as a whole one."""
        return integer(self._vr(tag, vr), self.raw(tag))

    def _vr(self, tag: int, default: bytes) -> bytes:
        element = self.elements.get(tag)
        return element.vr if element is not None and element.vr not in {b"", b"UN"} else default

    def first_frame(self) -> "Header":
        """Give this header with the functional groups of the first frame laid flat (PS3.3, C.7.6.16)."""
        flat = dict(self.elements)
        for tag in (PER_FRAME_GROUPS, SHARED_GROUPS):
            if tag in self.elements:
                self._flatten(self.elements[tag], flat, depth=0)
        return Header(self.walker, flat)

    def _flatten(self, sequence: Element, flat: dict[int, Element], depth: int) -> None:
        for element in next(self.walker.items(sequence, depth), []):
            if depth < _FRAME_DEPTH and (element.undefined or element.vr == b"SQ"):
                self._flatten(element, flat, depth + 1)
            flat.setdefault(element.tag, element)
