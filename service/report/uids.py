"""UIDs of what we make: a hash of what went in, so that a retry sends the same object under the same name."""

import hashlib
import uuid
from dataclasses import dataclass

from service.report.result import Result

_NAMESPACE = "scanside result 1"  # changes when the meaning of the parts below changes


def derive(*parts: str) -> str:
    """`2.25.` and a UUID of version 8 (PS3.5 B.2, RFC 9562 section 5.8) hashed from `parts`."""
    digest = hashlib.sha256("\x1f".join((_NAMESPACE, *parts)).encode()).digest()
    value = int.from_bytes(digest[:16])
    value = (value & ~(0xF << 76)) | (8 << 76)  # version
    value = (value & ~(0x3 << 62)) | (2 << 62)  # variant
    return f"2.25.{uuid.UUID(int=value).int}"


@dataclass(frozen=True, slots=True)
class Uids:
    """Names the objects of one result.

    An object's name hangs on the installation, the source series and its instances, the model, the settings,
    the generation and the revision of the identity. What is tracked (an artifact class of a series) keeps its
    name over generations and models.
    """

    of_series: str  # who looked at which series
    of_result: str  # and what they saw with which model

    @classmethod
    def of(cls, result: Result) -> "Uids":
        """Name the objects of `result`."""
        product = result.product
        sources = sorted({instance.sop_instance_uid for instance in result.source.instances})
        of_series = "|".join((product.installation_uid, result.source.series_instance_uid))
        of_result = "|".join(
            (
                of_series,
                hashlib.sha256("\n".join(sources).encode()).hexdigest(),
                product.model_sha256,
                product.config_digest,
                str(result.generation),
                str(result.identity_revision),
            )
        )
        return cls(of_series=of_series, of_result=of_result)

    def series(self, kind: str) -> str:
        """Series Instance UID for one kind of object."""
        return derive(self.of_result, kind, "series")

    def instance(self, kind: str, number: int = 1) -> str:
        """SOP Instance UID of the `number`-th object of its kind."""
        return derive(self.of_result, kind, "instance", str(number))

    def dimensions(self, kind: str, number: int = 1) -> str:
        """Dimension Organization UID of a multi-frame object."""
        return derive(self.of_result, kind, "dimensions", str(number))

    def tracking(self, *names: str) -> str:
        """Tracking UID of something found in the source series."""
        return derive(self.of_series, "tracking", *names)
