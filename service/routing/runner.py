"""The runner: takes what rules ordered through one channel, does it, and notes every answer."""

from collections.abc import Callable
from dataclasses import dataclass, field

from pydicom.dataset import Dataset

from dicom_scp.identity import Vault, WrongKey
from dicom_scp.instance import header_dataset
from service.delivery.postman import Pause
from service.ledger.actions import DONE, Errand, Errands
from service.metrics import Metrics
from service.reception import header_context
from service.routing.channels import Channel, NotDone, notice_of
from service.routing.forward import Archive


@dataclass(frozen=True, slots=True)
class Runner:
    """Does what is due through one channel; one that does not answer holds up no other."""

    errands: Errands
    kind: str  # alert or forward
    channel: str
    carry: Callable[[Errand], str]  # gives the other side's answer; raises NotDone
    metrics: Metrics
    pause: Pause = field(default_factory=Pause)

    def run_next(self) -> bool:
        """Do one thing; False if nothing was due, or the other side is left alone."""
        if self.pause.lasts():
            return False
        one = self.errands.claim(self.channel, self.kind)
        if one is None:
            return False
        with self.errands.holding(one):
            self._done(one)
        return True

    def _done(self, one: Errand) -> None:
        try:
            answer = self.carry(one)
        except NotDone as error:
            state = self.errands.failed(one, str(error), wait_s=error.wait_s, final=error.final)
            if self.kind == "alert":  # a PACS that lacks one series may have the next
                self.pause.longer(error.wait_s)
        else:
            self.errands.done(one, answer)
            state = DONE
            self.pause.over()
        self.metrics.errands.labels(channel=self.channel, result=state).inc()


def alerting(errands: Errands, channel: Channel, installation: str, metrics: Metrics) -> Runner:
    """Give the runner of a way to alert."""

    def carry(one: Errand) -> str:
        try:
            return channel.tell(notice_of(one.id, installation, one.what, one.replaces))
        except (
            ValueError
        ) as error:  # UnicodeError too: a host, token or password that the protocol has no letters for
            raise NotDone("what the settings or their files hold cannot be sent") from error

    return Runner(errands, "alert", channel.name, carry, metrics)


def forwarding(errands: Errands, archive: Archive, vault: Vault, metrics: Metrics) -> Runner:
    """Give the runner of a PACS; who a series is of leaves the vault for as long as it is asked."""

    def carry(one: Errand) -> str:
        return archive.forward(_header(one, vault), one.what, one.received, one.attempts)

    return Runner(errands, "forward", archive.name, carry, metrics)


def _header(one: Errand, vault: Vault) -> Dataset:
    if one.header is None:
        raise NotDone("the identity behind the series is no longer kept", final=True)
    try:
        return header_dataset(vault.open(one.header, header_context(one.series_uid)))
    except WrongKey as error:
        raise NotDone("the identity behind the series cannot be opened") from error
