"""What every way out is to the runner: it carries one order, and says what the other side answered."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from service.routing.wording import Message


class NotDone(Exception):
    """It was not done; the message says why, in words free of identity."""

    def __init__(self, why: str, *, wait_s: float = 0.0, final: bool = False) -> None:
        super().__init__(why)
        self.wait_s = wait_s  # the other side asks to be left alone for so long
        self.final = final  # it never will be done


@dataclass(frozen=True, slots=True)
class Notice:
    """An alert on its way: the same at every try."""

    id: str  # the same at every try: who gets it twice knows it by that
    message: Message
    replaces: str | None = None  # the id of the alert in whose place it comes

    def body(self) -> dict[str, Any]:
        """Give all of it as plain values."""
        told = {
            "id": self.id,
            "event": self.message.event,
            "replaces": self.replaces,
            "text": self.message.text,
        }
        return told | dict(self.message.values)


class Channel(Protocol):
    """A way to alert."""

    @property
    def name(self) -> str:
        """The name by which rules call it."""
        ...

    def tell(self, notice: Notice) -> str:
        """Tell it, and give the other side's answer. Raises NotDone."""
        ...


def notice_of(errand_id: int, installation: str, what: Mapping[str, Any], replaces: int | None) -> Notice:
    """Make the notice of an order; its id is unique to the installation."""

    def name(number: int) -> str:
        return f"scanside-{installation[:8]}-{number}"

    return Notice(name(errand_id), Message.from_json(what), None if replaces is None else name(replaces))
