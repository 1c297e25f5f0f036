"""Everything that a destination gets of a result, kind by kind, as bytes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pydicom.dataset import Dataset

from service.forms import Form, ResultKind
from service.report.card import build_card
from service.report.document import Replaced, named
from service.report.encoding import encode
from service.report.fhir import build_observations
from service.report.key_object import build_key_object
from service.report.outlines import build_outlines
from service.report.overlay import Look, build_overlay
from service.report.regions import build_regions
from service.report.result import Predecessor, Result
from service.report.segmentation import build_segmentation
from service.report.sr import build_report
from service.report.stacks import located_stacks

DOCUMENTS: frozenset[ResultKind] = frozenset({"SR", "REGIONS"})  # later ones say which one they replace


@dataclass(frozen=True, slots=True)
class Made:
    """One object, as it leaves."""

    kind: ResultKind
    name: Predecessor  # its class, itself, its series
    content: bytes = field(repr=False)  # a DICOM file; of the kind FHIR, JSON


@dataclass(frozen=True, slots=True)
class Bundle:
    """The objects of one result in the form of one destination."""

    result: Result
    form: Form
    former: Mapping[str, Predecessor]  # the documents of the series that the destination has, by their kind
    look: Look  # the pixels of the n-th scored slice, where they can be had

    def make(self, kind: ResultKind) -> list[Made]:
        """Make the objects of one kind: none where there is nothing to show, or where the form has none."""
        if kind not in self.form.kinds:
            return []
        if kind == "FHIR":
            return [self.observations()]
        syntax = self.form.syntax
        return [Made(kind, named(built), encode(built, syntax)) for built in _BUILDERS[kind](self)]

    def report(self) -> list[Dataset]:
        """Build the report; it replaces a former one, and former regions where there are none any more."""
        gone = not ("REGIONS" in self.form.kinds and located_stacks(self.result))
        return [build_report(self.result, self.form, self._former("SR", *(["REGIONS"] if gone else [])))]

    def observations(self) -> Made:
        """Build the report's twin in FHIR."""
        (report,) = self.report()
        built = build_observations(self.result, report)
        return Made("FHIR", Predecessor("", built.uid, ""), built.content)

    def regions(self) -> list[Dataset]:
        """Build the report on the segments."""
        return _some(build_regions(self.result, self.form, self._former("REGIONS")))

    def card(self) -> list[Dataset]:
        """Build the card."""
        return _some(build_card(self.result, monochrome=self.form.card == "monochrome"))

    def _former(self, *kinds: str) -> Replaced:
        return tuple(self.former[kind] for kind in kinds if kind in self.former)


def _some(built: Dataset | None) -> list[Dataset]:
    return [] if built is None else [built]


_BUILDERS: dict[ResultKind, Callable[[Bundle], list[Dataset]]] = {
    "SR": Bundle.report,
    "SEG": lambda bundle: build_segmentation(bundle.result),
    "REGIONS": Bundle.regions,
    "SC": Bundle.card,
    "GSPS": lambda bundle: _some(build_outlines(bundle.result)),
    "KO": lambda bundle: _some(build_key_object(bundle.result)),
    "OVERLAY": lambda bundle: _some(build_overlay(bundle.result, bundle.look, bundle.form.overlay)),
}
