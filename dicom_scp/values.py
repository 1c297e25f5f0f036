"""The few values that the door reads itself, from their bytes; what makes no sense reads as nothing."""

import math
import struct
from contextlib import suppress

_BINARY = {b"US": "H", b"SS": "h", b"UL": "L", b"SL": "l", b"FL": "f", b"FD": "d", b"UV": "Q", b"SV": "q"}
_LONGEST_NUMBERS = 4096  # bytes: no value that we read is longer


def numbers(vr: bytes, raw: bytes) -> tuple[float, ...]:
    """Read the numbers of a binary or decimal value; () where it holds none, or one that is not finite."""
    if len(raw) > _LONGEST_NUMBERS:
        return ()
    code = _BINARY.get(vr)
    with suppress(ValueError, OverflowError, struct.error):
        if code is not None:
            given = struct.unpack(f"<{len(raw) // struct.calcsize('<' + code)}{code}", raw)
        else:
            given = tuple(float(part) for part in text(raw).split("\\") if part.strip())
        return given if all(math.isfinite(number) for number in given) else ()
    return ()


def integer(vr: bytes, raw: bytes) -> int | None:
    """Read the first number as a whole one, or None."""
    found = numbers(vr, raw)
    if not found or not math.isfinite(found[0]):
        return None
    value = int(found[0])
    return value if -(2**31) <= value < 2**31 else None  # what IS can hold (PS3.5, table 6.2-1)


def text(raw: bytes) -> str:
    """Read a text as printable ASCII without the padding; other characters become question marks."""
    value = raw.strip(b" \0").decode("latin-1")
    if value.isascii() and value.isprintable():
        return value
    return "".join(c if " " <= c <= "~" else "?" for c in value)
