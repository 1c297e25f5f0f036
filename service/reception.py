"""Step one: an instance from the door is spooled, then noted; only when both are durable is it acknowledged."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from dicom_scp.errors import Refused
from dicom_scp.identity import Vault
from dicom_scp.instance import Instance
from dicom_scp.spool import Spool
from service.ledger import Arrival, Intake, LedgerUnavailable, Outcome
from service.metrics import Metrics
from service.understanding import Understanding

SUCCESS = 0x0000  # PS3.4 Table B.2-1
MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"  # the one class accepted that has a single frame


class OutOfResources(Refused):
    """The instance cannot be made durable now."""

    status = 0xA700


@dataclass(frozen=True, slots=True)
class ScannerBook:
    """The site's names of scanners, by calling AE title and by the pseudonym of the serial number."""

    by_ae_title: Mapping[str, str]
    by_device: Mapping[str, str]

    def entry(self, instance: Instance) -> tuple[str, str]:
        """Give the key that tells this scanner from others, and its name ("" where the site gave none)."""
        name = self.by_ae_title.get(instance.calling_ae_title) or self.by_device.get(instance.device, "")
        return f"name:{name}" if name else f"device:{instance.device}", name


@dataclass(frozen=True, slots=True)
class Reception:
    """The function that the door calls with each instance; it returns a DIMSE status."""

    spool: Spool
    vault: Vault
    intake: Intake
    scanners: Callable[[], ScannerBook]  # as the site names them now
    metrics: Metrics
    min_free_bytes: int
    understanding: Understanding = field(default_factory=Understanding)

    def __call__(self, instance: Instance) -> int:
        """Make the instance durable, in the spool and then in the ledger. Raises OutOfResources."""
        if self.spool.free_bytes() - len(instance.content) < self.min_free_bytes:
            raise OutOfResources("the disk is below the watermark")
        try:
            self.spool.write(instance.content, instance.digest)
            outcome = self.intake.received(self._arrival(instance))
        except OSError as error:
            raise OutOfResources(f"the spool cannot be written ({type(error).__name__})") from error
        except LedgerUnavailable as error:
            raise OutOfResources(f"the ledger is unavailable ({error})") from error
        _, scanner = self.scanners().entry(instance)
        self.metrics.last_instance.labels(scanner=scanner).set_to_current_time()
        if outcome is Outcome.CONFLICT:
            self.metrics.conflicts.inc()
        return SUCCESS

    def _arrival(self, instance: Instance) -> Arrival:
        facts = instance.facts
        key, name = self.scanners().entry(instance)
        return Arrival(
            series_uid=instance.series_instance_uid,
            study_uid=instance.study_instance_uid,
            patient=instance.patient,
            sop_instance_uid=instance.sop_instance_uid,
            sop_class_uid=facts.sop_class_uid,
            digest=instance.digest,
            picture=instance.picture,
            bearer=instance.bearer,
            scanner_key=key,
            scanner_name=name,
            protocol_key=facts.protocol_key,
            series_number=facts.series_number,
            instance_number=facts.instance_number,
            position=facts.position,
            frames=facts.frames,
            rows=facts.rows,
            columns=facts.columns,
            counts=facts.counts,
            concatenation=facts.concatenation,
            facts=self.understanding.facts(instance),
            multi_frame=facts.sop_class_uid != MR_IMAGE,
            header=lambda uid: self.vault.seal(instance.identity.header, header_context(uid)),
            reference=self.vault.seal(
                instance.identity.reference, reference_context(instance.sop_instance_uid)
            ),
        )


def header_context(uid: str) -> str:
    """Name the place of a sealed header, so that it opens nowhere else."""
    return f"header/{uid}"


def reference_context(sop_instance_uid: str) -> str:
    """Name the place of an instance's sealed reference."""
    return f"reference/{sop_instance_uid}"
