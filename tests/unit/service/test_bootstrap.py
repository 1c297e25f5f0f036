"""What the settings say is what gets built."""

from io import BytesIO
from pathlib import Path

from pydicom import Dataset, dcmread
from pydicom.uid import ExplicitVRLittleEndian

from dicom_scp.deidentify import Announced
from service.bootstrap import deidentifier, lay_foundation
from service.settings import Settings
from service.settings_tables import SourceProfile
from tests.series import mr_series
from tests.unit.dicom_scp.encodings import encoded


def test_each_source_is_de_identified_after_its_own_profile(tmp_path: Path) -> None:
    profiles = (
        SourceProfile(name="trial", options=("clean_descriptors",), ae_titles=("TRIAL",)),
        SourceProfile(name="live", options=("retain_patient_characteristics", "retain_full_dates")),
    )
    foundation = lay_foundation(Settings(state_dir=tmp_path, profile=profiles))
    door = deidentifier(foundation)
    ds = mr_series(slices=1, rows=8, columns=8)[0]

    def from_source(title: str) -> Dataset:
        instance = door(encoded(ds), ExplicitVRLittleEndian, announced=Announced(calling_ae_title=title))
        return dcmread(BytesIO(instance.content))

    trial, other = from_source("TRIAL"), from_source("MR1")
    foundation.database.close()
    assert (trial.SeriesDescription, trial.StudyDate, "PatientAge" in trial) == ("T2 TSE AX", "", False)
    assert ("SeriesDescription" in other, other.StudyDate, other.PatientAge) == (False, ds.StudyDate, "065Y")
    assert other.LongitudinalTemporalInformationModified == "UNMODIFIED"
