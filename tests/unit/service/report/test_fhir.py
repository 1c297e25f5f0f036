"""The observations in FHIR say what the report says, and name the patient by number alone."""

import json

import pytest

from service.report import build_report, codes
from service.report.fhir import SYSTEMS, build_observations
from tests.series import Patient, mr_series
from tests.unit.service.report.results import scored_result, unscored_result, with_evidence
from tests.unit.service.report.test_sr import coded, groups, named, read

DCM = SYSTEMS["DCM"]


def bundle_of(result):
    return json.loads(build_observations(result, build_report(result)).content)


def observations(bundle):
    return {
        entry["fullUrl"]: entry["resource"]
        for entry in bundle["entry"]
        if entry["resource"]["resourceType"] == "Observation"
    }


def code_of(observation):
    return observation["code"]["coding"][0]["code"]


def group_observations(bundle):
    return [one for one in observations(bundle).values() if "category" in one]


@pytest.mark.parametrize("enhanced", [False, True])
def test_every_group_and_number_of_the_report_is_an_observation(enhanced):
    result = with_evidence(scored_result(mr_series(slices=4, enhanced=enhanced)))
    report, bundle = read(result), bundle_of(result)
    mapped = {
        one["value"]: whole
        for whole in group_observations(bundle)
        for one in whole["identifier"]
        if one["type"]["coding"][0]["code"] == codes.TRACKING_UID.value
    }
    everything = observations(bundle)
    assert len(mapped) == len(groups(report))
    for group in groups(report):
        whole = mapped[f"urn:oid:{named(group, codes.TRACKING_UID)[0].UID}"]
        assert whole["valueCodeableConcept"]["coding"][0]["code"] == coded(group, codes.FINDING)[0]
        members = [everything[one["reference"]] for one in whole.get("hasMember", [])]
        wanted = [
            (item.ConceptNameCodeSequence[0].CodeValue, float(item.MeasuredValueSequence[0].NumericValue))
            for item in group.ContentSequence
            if item.ValueType == "NUM"
        ]
        found = [one for one in members if "valueQuantity" in one]
        assert [(code_of(one), one["valueQuantity"]["value"]) for one in found] == wanted
        assert all(one["focus"][0].get("display", "").startswith("frame") == enhanced for one in found)


def test_references_lead_to_what_is_there_and_all_belong_to_study_and_order():
    images = mr_series(slices=3)
    bundle = bundle_of(scored_result(images))
    urls = [entry["fullUrl"] for entry in bundle["entry"]]
    assert len(urls) == len(set(urls))
    for one in observations(bundle).values():
        assert {member["reference"] for member in one.get("hasMember", [])} <= set(urls)
        assert one["device"]["reference"] == urls[0]
        assert one["status"] == "final"
        assert one["partOf"][0]["identifier"]["value"] == f"urn:oid:{images[0].StudyInstanceUID}"
        assert one["basedOn"][0]["identifier"]["value"] == images[0].AccessionNumber
        assert sum(key.startswith("value") for key in one) == 1


def test_the_patient_is_named_by_number_alone_in_any_character_set():
    patient = Patient(name="Wang^XiaoDong=王^小东", id="编号-1", character_set="GB18030")
    images = mr_series(slices=2, patient=patient)
    content = build_observations(scored_result(images), build_report(scored_result(images))).content.decode()
    assert "编号-1" in content
    for word in ("XiaoDong", "小东", images[0].PatientBirthDate, str(images[0].ReferringPhysicianName)):
        assert word not in content


def test_the_verdict_is_an_observation_of_its_own():
    found = observations(bundle_of(scored_result(verdict="Check"))).values()
    (assessment,) = [one for one in found if code_of(one) == codes.QUALITY_ASSESSMENT.value]
    assert assessment["valueCodeableConcept"]["coding"][0] == {
        "system": DCM,
        "code": "111236",
        "display": codes.ASSESSMENT_OF["Check"].meaning,
    }


def test_a_series_that_is_not_scored_has_the_reason_and_no_number():
    found = observations(bundle_of(unscored_result())).values()
    assert [one["valueString"] for one in found if "valueString" in one] == ["Not scored: a phase image"]
    assert not [one for one in found if "valueQuantity" in one]


def test_nobody_is_named_where_there_is_no_number():
    images = mr_series(slices=2)
    images[0].PatientID, images[0].AccessionNumber = "", ""
    for one in observations(bundle_of(scored_result(images))).values():
        assert one["subject"] == {"type": "Patient", "display": "not identified"}
        assert "basedOn" not in one


def test_building_twice_gives_the_same_bytes():
    one, other = (build_observations(each, build_report(each)) for each in (scored_result(), scored_result()))
    assert one == other
