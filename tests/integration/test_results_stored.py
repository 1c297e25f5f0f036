"""A real Orthanc takes every kind of result, in every form, by C-STORE and by STOW-RS, and gives it back as it was."""

from collections.abc import Iterator
from io import BytesIO

import pytest
from pydicom import dcmread

from service.delivery import Credentials, Letter, Pacs, StowServer
from service.forms import RESULT_KINDS, WHOLE, Form
from service.tls import TlsFiles
from tests.peers import Orthanc, orthanc
from tests.series import Patient, mr_series
from tests.unit.service.report.results import bundle_of, scored_result

FORMS = {
    "usual": WHOLE,
    "other": Form(sr_class="comprehensive3d", card="monochrome", syntax="implicit", overlay="native"),
}


@pytest.fixture(scope="module")
def pacs() -> Iterator[Orthanc]:
    with orthanc() as running:
        yield running


@pytest.mark.parametrize("way", ["C-STORE", "STOW-RS"])
@pytest.mark.parametrize("form", FORMS)
def test_orthanc_takes_every_kind(pacs: Orthanc, form: str, way: str) -> None:
    patient = Patient(name="Hong^Gildong=洪^吉洞=홍^길동", character_set="ISO_IR 192")
    images = mr_series(slices=3, patient=patient, key=f"{form} {way}", study=f"{form} {way}")
    made = [
        one
        for kind in RESULT_KINDS
        if kind != "FHIR"
        for one in bundle_of(scored_result(images), FORMS[form]).make(kind)
    ]
    letters = [Letter(one.kind, one.name.sop_instance_uid, one.content) for one in made]
    destination: Pacs | StowServer
    if way == "C-STORE":
        destination = Pacs("pacs", pacs.address, pacs.port, pacs.ae_title, "SCANSIDE")
    else:
        destination = StowServer("pacs", f"{pacs.url}/dicom-web", Credentials(), TlsFiles())
    line = destination.open(letters)
    try:
        answers = list(line.deliver(letters))
    finally:
        line.close()
    assert [letter.kind for letter, answer in answers if not answer.taken] == []
    kept = {one.SOPInstanceUID: one for one in pacs.instances(StudyInstanceUID=images[0].StudyInstanceUID)}
    assert kept.keys() == {letter.uid for letter in letters}
    for letter in letters:
        sent, held = dcmread(BytesIO(letter.content)), kept[letter.uid]
        assert held.PatientName.ideographic == "洪^吉洞"
        assert held.SOPClassUID == sent.SOPClassUID
        if "PixelData" in sent:
            assert held.PixelData.rstrip(b"\0") == sent.PixelData.rstrip(b"\0")
