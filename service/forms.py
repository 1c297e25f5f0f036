"""How a destination takes its results: what of them, and in which form."""

from dataclasses import dataclass
from typing import Literal, get_args

ResultKind = Literal["SR", "SC", "SEG", "REGIONS", "GSPS", "KO", "OVERLAY", "FHIR"]
SrClass = Literal["enhanced", "comprehensive", "comprehensive3d"]
Colour = Literal["rgb", "monochrome"]
Syntax = Literal["explicit", "implicit"]
Frames = Literal["jpeg", "native"]
SendWhen = Literal["always", "problems", "never"]

USUAL: tuple[ResultKind, ...] = ("SR", "SEG", "REGIONS", "SC")
RESULT_KINDS: tuple[ResultKind, ...] = get_args(ResultKind)  # in the order in which they leave


@dataclass(frozen=True, slots=True)
class Form:
    """What a destination gets; an object of another content bears another name, of another encoding the same."""

    kinds: frozenset[ResultKind] = frozenset(RESULT_KINDS)
    sr_class: SrClass = "enhanced"
    card: Colour = "rgb"
    syntax: Syntax = "explicit"
    overlay: Frames = "jpeg"

    @property
    def has_segmentations(self) -> bool:
        """Whether documents may name the segmentations: no reference leads nowhere."""
        return "SEG" in self.kinds


WHOLE = Form()  # everything, in the form that most systems take
