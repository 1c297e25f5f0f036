"""The states of the things that the ledger holds."""

from enum import StrEnum


class SeriesState(StrEnum):
    """The way of one generation of a series."""

    RECEIVING = "receiving"
    SETTLING = "settling"  # closed by evidence; slices still wait for their score
    PROVISIONAL = "provisional"  # judged as it stands, and more may come
    COMPLETE = "complete"  # the verdict stands
    REPORTED = "reported"  # the results lie in the outbox
    DELIVERED = "delivered"  # every destination has answered


OPEN = frozenset({SeriesState.RECEIVING, SeriesState.SETTLING, SeriesState.PROVISIONAL})


class SliceState(StrEnum):
    """The way of one slice."""

    WAITING = "waiting"
    SCORED = "scored"
    UNSUITED = "unsuited"  # a kind of image that is not scored
    UNREADABLE = "unreadable"
    UNSAMPLED = "unsampled"  # of a series in time: other volumes of it are scored
    ERASED = "erased"  # text was burned into the pixels, which are gone


class DeliveryState(StrEnum):
    """The way of one object to one destination."""

    GATHERING = "gathering"  # until its study is over
    WAITING = "waiting"
    SENT = "sent"
    UNCOMMITTED = "uncommitted"  # taken; the destination has yet to say that it keeps it
    COMMITTED = "committed"
    HELD = "held"  # for a person to decide
    DEAD = "dead"  # given up
    SUPERSEDED = "superseded"  # replaced before it left
    DISCARDED = "discarded"  # a person decided that it does not leave


UNSENT = frozenset({DeliveryState.GATHERING, DeliveryState.WAITING, DeliveryState.HELD, DeliveryState.DEAD})
TAKEN = frozenset({DeliveryState.SENT, DeliveryState.UNCOMMITTED, DeliveryState.COMMITTED})
OUTSTANDING = UNSENT | {DeliveryState.UNCOMMITTED}  # something has yet to come of it
