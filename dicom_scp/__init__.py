"""The door: DICOM in, identity off, bytes safe.

The listener is not among these names: who only reads the spool needs no pynetdicom.
"""

from dicom_scp.deidentify import Announced, Deidentifier, deidentify_file
from dicom_scp.errors import Mismatch, NotUnderstood, Refused, Skipped
from dicom_scp.identity import KeyRing, Vault
from dicom_scp.instance import Facts, Identity, Instance, Reference, header_dataset, parse_reference
from dicom_scp.spool import NoSpace, Spool

__all__ = [
    "Announced",
    "Deidentifier",
    "Facts",
    "Identity",
    "Instance",
    "KeyRing",
    "Mismatch",
    "NoSpace",
    "NotUnderstood",
    "Reference",
    "Refused",
    "Skipped",
    "Spool",
    "Vault",
    "deidentify_file",
    "header_dataset",
    "parse_reference",
]
