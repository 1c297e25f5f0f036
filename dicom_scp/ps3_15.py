"""PS3.15 table E.1-1 as data: what the Basic Profile and its options do with each attribute that identifies."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).with_name("ps3_15.tsv")  # its first lines name edition, origin and hash


class Option(StrEnum):
    """An option of PS3.15, annex E.3, by its name in the settings."""

    RETAIN_UIDS = "retain_uids"
    RETAIN_DEVICE_IDENTITY = "retain_device_identity"
    RETAIN_INSTITUTION_IDENTITY = "retain_institution_identity"
    RETAIN_PATIENT_CHARACTERISTICS = "retain_patient_characteristics"
    RETAIN_FULL_DATES = "retain_full_dates"
    RETAIN_MODIFIED_DATES = "retain_modified_dates"
    RETAIN_SAFE_PRIVATE = "retain_safe_private"
    CLEAN_DESCRIPTORS = "clean_descriptors"
    CLEAN_STRUCTURED_CONTENT = "clean_structured_content"
    CLEAN_GRAPHICS = "clean_graphics"
    CLEAN_PIXEL_DATA = "clean_pixel_data"
    CLEAN_VISUAL_FEATURES = "clean_recognizable_visual_features"


BASIC = ("113100", "Basic Application Confidentiality Profile")
CODES: Mapping[Option, tuple[str, str]] = {  # PS3.16, CID 7050: code of DCM and its meaning
    Option.CLEAN_PIXEL_DATA: ("113101", "Clean Pixel Data Option"),
    Option.CLEAN_VISUAL_FEATURES: ("113102", "Clean Recognizable Visual Features Option"),
    Option.CLEAN_GRAPHICS: ("113103", "Clean Graphics Option"),
    Option.CLEAN_STRUCTURED_CONTENT: ("113104", "Clean Structured Content Option"),
    Option.CLEAN_DESCRIPTORS: ("113105", "Clean Descriptors Option"),
    Option.RETAIN_FULL_DATES: (
        "113106",
        "Retain Longitudinal Temporal Information Full Dates Option",
    ),
    Option.RETAIN_MODIFIED_DATES: (
        "113107",
        "Retain Longitudinal Temporal Information Modified Dates Option",
    ),
    Option.RETAIN_PATIENT_CHARACTERISTICS: ("113108", "Retain Patient Characteristics Option"),
    Option.RETAIN_DEVICE_IDENTITY: ("113109", "Retain Device Identity Option"),
    Option.RETAIN_UIDS: ("113110", "Retain UIDs Option"),
    Option.RETAIN_SAFE_PRIVATE: ("113111", "Retain Safe Private Option"),
    Option.RETAIN_INSTITUTION_IDENTITY: ("113112", "Retain Institution Identity Option"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    tag: int
    basic: str  # X, Z, D, U, K and their combinations
    options: Mapping[Option, str]  # K or C; an option without an entry leaves what the Basic Profile does


@cache
def table() -> Mapping[int, Row]:
    """Give the lines that name a single attribute, by tag; curves, overlays and odd groups are `patterns`."""
    return {int(tag, 16): _row(int(tag, 16), cells) for tag, cells in _lines() if not _is_pattern(tag)}


@cache
def patterns() -> Mapping[str, Row]:
    """Give the lines that name many attributes, by how the Standard writes their tags."""
    return {tag: _row(0, cells) for tag, cells in _lines() if _is_pattern(tag)}


def _is_pattern(tag: str) -> bool:
    return tag == "odd" or "X" in tag


def _row(tag: int, cells: Mapping[str, str]) -> Row:
    letters = {option: cells[option] for option in Option if cells.get(option)}
    return Row(tag, cells["basic"], letters)


def _lines() -> list[tuple[str, dict[str, str]]]:
    lines = [line for line in SOURCE.read_text("utf-8").splitlines() if not line.startswith("#")]
    head = lines[0].split("\t")
    return [(line.split("\t")[0], dict(zip(head, line.split("\t"), strict=True))) for line in lines[1:]]
