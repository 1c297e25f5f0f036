"""One small frame of each kind that a library decodes: they tell whether this machine can."""

from base64 import b64decode

from inference.codestream import Codestream, UnreadableImage, read_codestream
from inference.decoder import Decoder
from inference.decoder_child import container

_STEP = 64  # each row of a sample holds its number times this
_SAMPLES = {
    "JPEG": (
        "/9j/xAAXAAEBAQEAAAAAAAAAAAAAAAAGBwAM/8MACwwACAAIAQARAP/aAAgBAAAGAADn/wDbbbUBAgQIECBBQECBAgQIEFAQ"
        "IECBAgQUBAgQIECBBQECBAgQIEFAQIECBAgQUBAgQIECBAD/2Q=="
    ),
    "JPEG-LS": ("/9j/9wALCQAIAAgBAREA/9oACAEBAAAAAPwAAfElUAAEf37++f3r+8f3b+D/2Q=="),
    "JPEG 2000": (
        "/0//UQApAAAAAAAgAAAAIAAAAAAAAAAAAAAAIAAAACAAAAAAAAAAAAABCwEB/1IADAAAAAEABQQEAAH/XAATQGBoaHBoaHBo"
        "aHBoaHBoaHD/ZAAlAAFDcmVhdGVkIGJ5IE9wZW5KUEVHIHZlcnNpb24gMi41LjL/kAAKAAAAAABCAAH/k8/kCAXYo/kCAARi"
        "ofsCAAs9hRag/MGAA3/dUjO9oH4BAD2mNFsQ3FxpoD7QcJ2sKUEH/3//2Q=="
    ),
    "HTJ2K": (
        "/0//UQApQAAAAAAgAAAAIAAAAAAAAAAAAAAAIAAAACAAAAAAAAAAAAABDwEB/1AACAACAAAACv9SAAwAAgABAAUEBEAB/1wA"
        "EyCIkJCQkJCQkJCQkJCQiIiI/2QAFwABT3BlbkpQSCBWZXIgMC4yNi4zLv+QAAoAAAAAAHUAAf+TwAAmbfsFB3QAoAAJgCL5"
        "Awd0AKAACcCQhOQAo1QAoAAKsEYaMWLkwEIB7LYAoAALTB49PDw8PDw8/v2MYHv2MYHsugCgABb4ft/3fd/3fd/3fd/3/3hg"
        "Qge/YQge/YQge/YQgeyzAf/Z"
    ),
}


def undecoded(decode: Decoder) -> list[str]:
    """Name the kinds of compression that cannot be decoded here; none where all is well."""
    return [kind for kind, sample in _SAMPLES.items() if not _decodes(decode, b64decode(sample))]


def _decodes(decode: Decoder, frame: bytes) -> bool:
    said = read_codestream(frame)
    try:
        return decode(frame, said) == _expected(said)
    except UnreadableImage:
        return False


def _expected(said: Codestream) -> bytes:
    rows = ((_STEP * row).to_bytes(container(said.precision), "little") for row in range(said.rows))
    return b"".join(row * said.columns for row in rows)
