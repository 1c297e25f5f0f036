"""The process in which compressed frames are decoded: it holds no secret, and may crash, hang or swell.

`inference/decoder.py` starts it by its path and speaks with it through a socket: a request is one frame, the answer
its samples. Before the first one it gives up what it does not need: files, sockets and processes cannot be opened any
more, and each frame is allowed the memory and the processor time that an image of its size needs.
"""

import math
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from struct import Struct

REQUEST = Struct("<9sLLLLLL")  # coding, rows, columns, precision, process, bytes of the frame, seconds
ANSWER = Struct("<?L")  # whether it was decoded, bytes that follow: samples, or why not
READY = b"\1"  # said once, when all libraries are there

_MARGIN = 96 << 20  # bytes of address space beside what a frame needs
_BYTES_PER_PIXEL = 48  # of address space; OpenJPEG takes the most, and GDCM gives its buffer as text
_RLE_HEADER = Struct("<16L")  # PS3.5, G.5
_GDCM_SYNTAXES = {  # by the marker of the coding process
    0xFFC0: "1.2.840.10008.1.2.4.50",
    0xFFC1: "1.2.840.10008.1.2.4.51",
    0xFFC3: "1.2.840.10008.1.2.4.57",
    0xFFF7: "1.2.840.10008.1.2.4.80",
}
_COMPLAINTS = (b"Corrupt JPEG data", b"Premature end")  # libjpeg fills what is missing, and only says so

Decode = Callable[[bytes, int, int, int, int], bytes]  # frame, rows, columns, precision, process


def container(precision: int) -> int:
    """Tell how many bytes a sample of so many bits takes in an answer."""
    return 1 if precision <= 8 else 2 if precision <= 16 else 4


def serve(channel: socket.socket) -> None:
    """Answer one request after the other until the other side hangs up."""
    _outlive_signals()
    decoders = _decoders()
    base = _address_space()
    with channel, channel.makefile("rb") as asked, channel.makefile("wb") as told:
        _close_doors()
        told.write(READY)
        told.flush()
        while request := asked.read(REQUEST.size):
            coding, rows, columns, precision, process, length, seconds = REQUEST.unpack(request)
            _allow(base + _MARGIN + _BYTES_PER_PIXEL * rows * columns + 4 * length, seconds)
            try:
                decode = decoders[coding.rstrip(b"\0").decode()]
                good, answer = True, decode(asked.read(length), rows, columns, precision, process)
            except Exception as error:  # noqa: BLE001 - decoders raise what they like; the message may quote
                good, answer = False, type(error).__name__.encode()
            told.write(ANSWER.pack(good, len(answer)))
            told.write(answer)
            told.flush()


def _decoders() -> dict[str, Decode]:
    """Import what decodes, for no file can be opened later, and give it by coding."""
    import gdcm  # noqa: PLC0415 - nobody but this process loads it
    import jpeg_ls  # noqa: PLC0415
    from openjpeg.utils import decode_pixel_data  # noqa: PLC0415

    complaints = _Complaints()

    def jpeg_frame(frame: bytes, rows: int, columns: int, precision: int, process: int) -> bytes:
        fragment = gdcm.Fragment()
        fragment.SetByteStringValue(frame)
        fragments = gdcm.SequenceOfFragments.New()
        fragments.AddFragment(fragment)
        element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
        element.SetValue(fragments.__ref__())
        image = gdcm.Image()
        image.SetNumberOfDimensions(2)
        image.SetDimensions((columns, rows, 1))
        image.SetDataElement(element)
        grey = gdcm.PhotometricInterpretation.GetPIType("MONOCHROME2")
        image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(grey))
        syntax = gdcm.TransferSyntax.GetTSType(_GDCM_SYNTAXES[process])
        image.SetTransferSyntax(gdcm.TransferSyntax(syntax))
        allocated = 8 * container(precision)
        image.SetPixelFormat(gdcm.PixelFormat(1, allocated, precision, precision - 1, 0))
        text = image.GetBuffer()  # nothing where it failed
        if text is None or complaints.heard():
            raise ValueError
        return bytes(text.encode("utf-8", "surrogateescape"))

    def jpeg_ls_frame(frame: bytes, rows: int, columns: int, precision: int, process: int) -> bytes:
        try:
            return bytes(jpeg_ls.decode_pixel_data(frame)[0])
        except RuntimeError:  # an older CharLS, as GDCM has it, bears stray bytes before the last marker
            if precision < 8:  # GDCM reads those wrongly
                raise
            return jpeg_frame(frame, rows, columns, precision, process)

    def jpeg_2000_frame(frame: bytes, *_: int) -> bytes:
        return bytes(decode_pixel_data(frame, version=2))

    return {"rle": rle_frame, "jpeg": jpeg_frame, "jpeg-ls": jpeg_ls_frame, "jpeg-2000": jpeg_2000_frame}


def rle_frame(frame: bytes, rows: int, columns: int, precision: int, _process: int) -> bytes:
    """Decode an RLE frame of one sample a pixel: a segment for each of its bytes, the highest first (PS3.5, G)."""
    width, size = precision // 8, rows * columns
    count, *offsets = _RLE_HEADER.unpack_from(frame)
    if count != width:
        raise ValueError
    words = bytearray(width * size)
    ends = [*offsets[1:count], len(frame)]
    for segment, (start, end) in enumerate(zip(offsets, ends, strict=False)):
        words[width - 1 - segment :: width] = _unpacked(frame[start:end], size)
    return bytes(words)


def _unpacked(segment: bytes, size: int) -> bytes:
    """Undo PackBits (PS3.5, G.3.2) up to `size` bytes; raises ValueError or IndexError where there are less."""
    plain = bytearray()
    position = 0
    while len(plain) < size:
        head = segment[position]
        if head < 0x80:
            plain += segment[position + 1 : position + 2 + head]
            position += 2 + head
        elif head > 0x80:
            plain += segment[position + 1 : position + 2] * (257 - head)
            position += 2
        else:
            position += 1
        if position > len(segment):
            raise ValueError
    return bytes(plain[:size])


class _Complaints:
    """What the libraries write to standard error, which is a pipe that only this process reads."""

    def __init__(self) -> None:
        self._read, write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        os.dup2(write, 2)
        os.close(write)

    def heard(self) -> bool:
        """Tell whether a library has said since the last time that it filled in what was missing."""
        said = b""
        try:
            while more := os.read(self._read, 1 << 16):
                said += more
        except BlockingIOError:
            pass
        return any(complaint in said for complaint in _COMPLAINTS)


def _outlive_signals() -> None:
    """Stay when the service is asked to stop, for it finishes what it began; the closed socket ends this process."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _close_doors() -> None:
    """Let no file, socket or process be opened from here on, no file grow, and no core be dumped."""
    for what in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
        resource.setrlimit(what, (0, 0))


def _address_space() -> int:
    """Give the bytes of address space that this process has now."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()


def _allow(memory: int, seconds: int) -> None:
    """Bound address space and processor time for the next frame."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = math.ceil(used.ru_utime + used.ru_stime) + seconds
    for what, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, cpu)):
        resource.setrlimit(what, (most, resource.getrlimit(what)[1]))


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
