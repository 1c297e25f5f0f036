"""The table of the settings that says how long what is remembered stays."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Days = Annotated[float, Field(ge=1)]


class Keeping(BaseModel):
    """For how many days what is remembered stays; images and identities have settings of their own."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    series_days: Days = 1826.0
    """a series with its verdict, findings, reviews and deliveries, and what it adds to the trends: five years, so that
    a scanner and its coils can be followed from acceptance to replacement, over several yearly tests"""
    orders_days: Days = 365.0
    """what site rules ordered, and which held at which verdict"""
    deeds_days: Days = 730.0
    """what people did to deliveries, on the page; and thresholds that were tried and never accepted"""
    callers_days: Days = 90.0
    """who called at the DICOM port, and what nodes said when they were asked"""
    events_days: Days = 7.0
    """what the console's stream tells again after a break, and which objects were refused"""
    audit_days: Days = 2190.0
    """what people did, in the audit log: six years"""
