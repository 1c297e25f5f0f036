"""Every object of every variant passes dciodvfy without an error."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom import Dataset

from service.forms import WHOLE, Form
from service.report import Predecessor, Result
from service.report.header import REQUIRED_EMPTY
from tests.peers import dciodvfy
from tests.series import mr_series
from tests.unit.service.report.results import NAMES, objects_of, scored_result, unscored_result, with_evidence


def variants() -> dict[str, Result]:
    classic = mr_series(slices=4)
    twice = classic + mr_series(slices=4, key="b")
    knee = mr_series(slices=2)
    knee[0].BodyPartExamined, knee[0].Laterality = "KNEE", "L"
    bare = mr_series(slices=2)
    for keyword in ("BodyPartExamined", "FrameOfReferenceUID", "PixelSpacing", "PatientAge"):
        del bare[0][keyword]
    animal = mr_series(slices=1)
    animal[0].PatientSpeciesDescription = "Mus musculus"
    animal[0].PatientBreedDescription = ""
    animal[0].PatientBreedCodeSequence = animal[0].BreedRegistrationSequence = []
    animal[0].ResponsiblePerson = animal[0].ResponsibleOrganization = ""
    inverted = mr_series(slices=2)
    inverted[0].PhotometricInterpretation = "MONOCHROME1"
    dark = mr_series(slices=2)
    for keyword in ("WindowCenter", "WindowWidth"):
        dark[0].pop(keyword, None)
    nameless = mr_series(slices=2)
    for keyword in REQUIRED_EMPTY:
        del nameless[0][keyword]
    return {
        "repeat": scored_result(classic),
        "check": scored_result(classic, verdict="Check"),
        "usable": scored_result(classic, found=(), verdict="Usable"),
        "usable with a finding": scored_result(classic, found=("noise",), verdict="Usable"),
        "every class": scored_result(classic, found=NAMES),
        "evidence and whole-series findings": with_evidence(scored_result(classic)),
        "not scored": unscored_result(classic),
        "second generation": replace(scored_result(classic), generation=2),
        "enhanced": scored_result(mr_series(slices=4, enhanced=True)),
        "two stacks": scored_result(twice),
        "odd matrix": scored_result(mr_series(slices=3, rows=63, columns=61)),
        "one slice": scored_result(mr_series(slices=1)),
        "forty slices": scored_result(mr_series(slices=40, rows=32, columns=32)),
        "philips": scored_result(mr_series(slices=2, vendor="philips")),
        "ge": scored_result(mr_series(slices=2, vendor="ge")),
        "knee": scored_result(knee),
        "inverted": scored_result(inverted),
        "without a window": replace(scored_result(dark), picture=None),
        "no patient": scored_result(nameless),
        "bare header": scored_result(bare),
        "animal": scored_result(animal),
    }


VARIANTS = variants()
FORMER = {  # what the destination of a second generation has
    "SR": Predecessor("1.2.840.10008.5.1.4.1.1.88.22", "2.25.1", "2.25.2"),
    "REGIONS": Predecessor("1.2.840.10008.5.1.4.1.1.88.22", "2.25.3", "2.25.4"),
}


FORMS = {
    "usual": WHOLE,
    "console": Form(kinds=frozenset({"SC"}), card="monochrome", syntax="implicit"),
    "implicit": Form(sr_class="comprehensive", syntax="implicit", overlay="native"),
    "3D": Form(kinds=frozenset({"SR"}), sr_class="comprehensive3d"),
}


def assert_valid(objects: Iterable[Dataset], folder: Path) -> None:
    for number, one in enumerate(objects):
        path = folder / f"{number}.dcm"
        one.save_as(path)
        assert dciodvfy(path) == [], one.SOPClassUID.name


@pytest.mark.parametrize("variant", VARIANTS)
def test_dciodvfy_finds_no_error(variant, tmp_path: Path):
    assert_valid(
        objects_of(VARIANTS[variant], former=FORMER if variant == "second generation" else {}), tmp_path
    )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("variant", ["repeat", "enhanced", "not scored"])
def test_dciodvfy_finds_no_error_in_any_form(form, variant, tmp_path: Path):
    assert_valid(objects_of(VARIANTS[variant], FORMS[form]), tmp_path)
