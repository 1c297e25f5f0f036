"""Every object of every variant passes dciodvfy without an error."""

from dataclasses import replace
from pathlib import Path

import pytest

from service.report import Result, build_card, build_report, build_segmentation, encode
from tests.peers import dciodvfy
from tests.series import mr_series
from tests.unit.service.report.results import NAMES, scored_result, unscored_result, with_evidence


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
        "bare header": scored_result(bare),
        "animal": scored_result(animal),
    }


VARIANTS = variants()


@pytest.mark.parametrize("variant", VARIANTS)
def test_dciodvfy_finds_no_error(variant, tmp_path: Path):
    result = VARIANTS[variant]
    built = [build_report(result), *build_segmentation(result), build_card(result)]
    built.append(build_card(result, monochrome=True))
    for number, one in enumerate(dataset for dataset in built if dataset is not None):
        path = tmp_path / f"{number}.dcm"
        path.write_bytes(encode(one))
        assert dciodvfy(path) == []
