"""MaskStack: where each artifact lies on one slice, compact and with one operating point for all classes."""

import struct
import zlib
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

OPERATING_POINT = 128
WORTH_KEEPING = 64  # a class that stays below this everywhere is not packed
PACKED_FLOOR = 32  # below this a probability is not worth its bytes
_MAGIC = b"SSM1"
_HEAD = struct.Struct("<4sHHHI")  # magic, classes, rows, columns, bit set of the classes that follow
_MOST_BYTES = 64 * 1024 * 1024

Probabilities = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class MaskStack:
    """Masks of one slice in the slice's own orientation, on a coarser grid that covers it exactly."""

    probabilities: Probabilities  # (classes, h, w), remapped so that 128 is the class's operating point

    def to_matrix(self, rows: int, columns: int) -> Probabilities:
        """Enlarge to the slice's matrix: (classes, rows, columns), linear between the grid's cells."""
        import cv2  # noqa: PLC0415 - the door reads the catalogue's names and stays small without OpenCV

        planes = np.zeros((len(self.probabilities), rows, columns), np.uint8)
        for plane, mask in zip(planes, self.probabilities, strict=True):
            if mask.any():
                cv2.resize(mask, (columns, rows), dst=plane, interpolation=cv2.INTER_LINEAR)
        return planes

    def located(self, level: int = OPERATING_POINT) -> tuple[int, ...]:
        """Name the classes (indices) with at least one cell at the level."""
        highest = self.probabilities.max(axis=(1, 2), initial=0)
        return tuple(int(index) for index in np.flatnonzero(highest >= level))

    def pack(self) -> bytes:
        """Encode for keeping: only classes that reach 64 somewhere, faint values (below 32) as 0."""
        located = self.located(WORTH_KEEPING)
        classes, rows, columns = self.probabilities.shape
        kept = self.probabilities[list(located)]
        kept = np.where(kept < PACKED_FLOOR, np.uint8(0), kept)
        head = _HEAD.pack(_MAGIC, classes, rows, columns, sum(1 << index for index in located))
        return head + zlib.compress(kept.tobytes(), level=1)

    @classmethod
    def unpack(cls, packed: bytes) -> Self:
        """Rebuild what `pack` gave; the classes it left out are 0. Raises ValueError."""
        if len(packed) < _HEAD.size:
            raise ValueError("packed masks are cut short")
        magic, classes, rows, columns, bits = _HEAD.unpack_from(packed)
        if magic != _MAGIC or bits >> classes or classes * rows * columns > _MOST_BYTES:
            raise ValueError("these are no packed masks")
        located = [index for index in range(classes) if bits >> index & 1]
        expected = len(located) * rows * columns
        inflater = zlib.decompressobj()
        try:
            raw = inflater.decompress(packed[_HEAD.size :], expected + 1)
        except zlib.error as error:
            raise ValueError("packed masks are damaged") from error
        if len(raw) != expected or not inflater.eof:  # at the end zlib has compared its checksum
            raise ValueError("packed masks are damaged")
        stack = np.zeros((classes, rows, columns), np.uint8)
        stack[located] = np.frombuffer(raw, np.uint8).reshape(len(located), rows, columns)
        return cls(stack)


def remap(probabilities: npt.NDArray[np.float32], thresholds: npt.NDArray[np.float32]) -> Probabilities:
    """Turn probabilities (classes, h, w) into bytes: >= 128 exactly where p >= threshold, 0 at p = 0, 255 at p = 1."""
    levels = thresholds[:, None, None]
    below = np.minimum(127.0, np.floor(probabilities * (OPERATING_POINT / levels)))
    above = OPERATING_POINT + np.rint((probabilities - levels) * (127.0 / (1.0 - levels)))
    chosen = np.where(probabilities >= levels, np.clip(above, OPERATING_POINT, 255.0), np.maximum(below, 0.0))
    return chosen.astype(np.uint8)
