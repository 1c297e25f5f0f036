"""The coded concepts of our reports, as tables (PS3.16; RadLex where DICOM's context groups take it)."""

from dataclasses import dataclass

from inference import CATALOGUE
from inference.checks import CHECKS
from inference.evidence import METRICS
from inference.series.vocabulary import Term, term_of


@dataclass(frozen=True, slots=True)
class Code:
    """A coded entry (PS3.3 section 8.8)."""

    value: str  # SH: 16 characters
    scheme: str
    meaning: str  # LO: 64 characters


def _dcm(value: str, meaning: str) -> Code:
    return Code(value, "DCM", meaning)


def _sct(value: str, meaning: str) -> Code:
    return Code(value, "SCT", meaning)


# Document (TID 1500)
REPORT = _dcm("126000", "Imaging Measurement Report")
LANGUAGE = _dcm("121049", "Language of Content Item and Descendants")
ENGLISH = Code("en-US", "RFC5646", "English (United States)")
PROCEDURE_REPORTED = _dcm("121058", "Procedure reported")
MRI = Code("25056-3", "LN", "MRI unspecified body region")
IMAGING_MEASUREMENTS = _dcm("126010", "Imaging Measurements")
QUALITATIVE_EVALUATIONS = Code("C0034375", "UMLS", "Qualitative Evaluations")
MEASUREMENT_GROUP = _dcm("125007", "Measurement Group")
TRACKING_IDENTIFIER = _dcm("112039", "Tracking Identifier")
TRACKING_UID = _dcm("112040", "Tracking Unique Identifier")
COMMENT = _dcm("121106", "Comment")
SOURCE_OF_MEASUREMENT = _dcm("121112", "Source of Measurement")

# Key object (TID 2010); never 113001, 113037, 113038 or 113039: archives hide what those name
QUALITY_ISSUE = _dcm("113010", "Quality Issue")
KEY_OBJECT_DESCRIPTION = _dcm("113012", "Key Object Description")

# Observer (TID 1004)
OBSERVER_TYPE = _dcm("121005", "Observer Type")
DEVICE = _dcm("121007", "Device")
DEVICE_UID = _dcm("121012", "Device Observer UID")
DEVICE_NAME = _dcm("121013", "Device Observer Name")
DEVICE_MANUFACTURER = _dcm("121014", "Device Observer Manufacturer")
DEVICE_MODEL = _dcm("121015", "Device Observer Model Name")
DEVICE_SERIAL = _dcm("121016", "Device Observer Serial Number")

# Image library (TID 1600)
IMAGE_LIBRARY = _dcm("111028", "Image Library")
IMAGE_LIBRARY_GROUP = _dcm("126200", "Image Library Group")
MODALITY = _dcm("121139", "Modality")
TARGET_REGION = _dcm("123014", "Target Region")
MR = _dcm("MR", "Magnetic Resonance")

# Algorithm (TID 4019)
ALGORITHM_NAME = _dcm("111001", "Algorithm Name")
ALGORITHM_VERSION = _dcm("111003", "Algorithm Version")
ALGORITHM_PARAMETERS = _dcm("111002", "Algorithm Parameters")
ARTIFICIAL_INTELLIGENCE = _dcm("123110", "Artificial Intelligence")

# What is found
FINDING = _dcm("121071", "Finding")
IMAGE_QUALITY = _dcm("111101", "Image Quality")
QUALITY_RATING = _dcm("111029", "Image Quality Rating")
QUALITY_FINDING = _dcm("111052", "Quality Finding")
CERTAINTY = _dcm("111012", "Certainty of Finding")
PRESENCE = _dcm("121052", "Presence of property")
PRESENT = _sct("52101004", "Present")
ABSENT = _sct("272519000", "Absent")
SEVERITY = _sct("246112005", "Severity")
RATING_UNITS = Code("{0:100}", "UCUM", "range:0:100")
PERCENT = Code("%", "UCUM", "Percent")

# The verdict, for people (CID 7036) and for routing (CID 6044)
SERIES_QUALITY = _dcm("130550", "Imaging Series Quality")
QUALITY_ASSESSMENT = _dcm("111050", "Quality Assessment")
SERIES_QUALITY_OF = {
    "Usable": Code("RID12", "RADLEX", "Diagnostic quality"),
    "Check": Code("RID13", "RADLEX", "Limited quality"),
    "Repeat": Code("RID14", "RADLEX", "Non-diagnostic quality"),
}
ASSESSMENT_OF = {
    "Usable": _dcm("111237", "Usable - Meets the quality control standard"),
    "Check": _dcm("111236", "Usable - Does not meet the quality control standard"),
    "Repeat": _dcm("111235", "Unusable - Quality renders image unusable"),
}

# Segmentation
SPATIAL_CONCEPT = _sct("309825002", "Spatial and Relational Concept")
SEGMENTATION = _dcm("113076", "Segmentation")
SOURCE_IMAGE = _dcm("121322", "Source image for image processing operation")
REFERENCED_SEGMENT = _dcm("121191", "Referenced Segment")
SEGMENTED_SERIES = _dcm("121232", "Source series for segmentation")

_SEVERITIES = (  # upper bound of the severity 0..1 (CID 3716)
    (1 / 3, _sct("255604002", "Mild")),
    (2 / 3, _sct("6736007", "Moderate")),
    (1.0, _sct("24484000", "Severe")),
)

CHECK_CODES = {check.name: Code(check.code, check.scheme, check.meaning) for check in CHECKS}
# The metrics bear MRIQC's names; PS3.16 has none for them.
METRIC_CODES = {metric.name: Code(metric.name.upper(), "99SCANSIDE", metric.title) for metric in METRICS}
UNITS = {"1": Code("1", "UCUM", "no units"), "%": PERCENT, "dB": Code("dB", "UCUM", "decibel")}
METRIC_UNITS = {metric.name: UNITS[metric.unit] for metric in METRICS}
# What a series is: PS3.16 has terms for most answers, but no names for the questions
FACET_CODES = {
    facet: Code(facet.upper(), "99SCANSIDE", title)
    for facet, title in (
        ("weighting", "Contrast weighting"),
        ("family", "Family of pulse sequences"),
        ("orientation", "Orientation of the slices"),
        ("part", "Body part"),
        ("suppression", "Suppression of fat or water"),
        ("agent", "Contrast agent"),
        ("derivation", "Derivation of the images"),
        ("component", "Component of the complex signal"),
        ("purpose", "Purpose of the series"),
        ("dimension", "Dimension of the acquisition"),
        ("dynamic", "Dimension of change"),
    )
}
_REGION_OF = {  # "" for what has no single region
    "BRAIN": "HEAD",
    "PITUITARY": "HEAD",
    "LUNG": "CHEST",
    "LIVER": "ABDOMEN",
    "KIDNEY": "ABDOMEN",
    "UTERUS": "PELVIS",
    "AORTA": "",
}
ARTIFACT_CODES = {entry.name: Code(entry.code, entry.scheme, entry.meaning) for entry in CATALOGUE}


def region_code(term: Term) -> Code | None:
    """Give the target region (CID 4031) of a body part: the context group has regions, and few organs."""
    name = _REGION_OF.get(term.name, term.name)
    region = term_of("part", name) if name else None
    return None if region is None else term_code(region)


def term_code(term: Term) -> Code:
    """Give a term of a description as a coded entry."""
    return Code(term.code, term.scheme, term.meaning)


def severity_code(severity: float) -> Code:
    """Mild, moderate or severe for a severity of 0..1; thirds, as the console words them."""
    for bound, code in _SEVERITIES:
        if severity < bound:
            return code
    return _SEVERITIES[-1][1]


@dataclass(frozen=True, slots=True)
class Scheme:
    """An item of the Coding Scheme Identification Sequence (PS3.3 table C.12-1; UIDs of PS3.16 section 8)."""

    designator: str
    uid: str
    name: str
    organization: str


SCHEMES = (
    Scheme("DCM", "1.2.840.10008.2.16.4", "DICOM Controlled Terminology", "NEMA"),
    Scheme("SCT", "2.16.840.1.113883.6.96", "SNOMED CT", "SNOMED International"),
    Scheme("RADLEX", "2.16.840.1.113883.6.256", "RadLex Radiology Lexicon", "RSNA"),
    Scheme("UCUM", "2.16.840.1.113883.6.8", "Unified Code for Units of Measure", "Regenstrief Institute"),
    Scheme("LN", "2.16.840.1.113883.6.1", "LOINC", "Regenstrief Institute"),
    Scheme("UMLS", "2.16.840.1.113883.6.86", "Unified Medical Language System", "NLM"),
    Scheme("RFC5646", "2.16.840.1.113883.6.316", "Tags for Identifying Languages", "IETF"),
    Scheme("99SCANSIDE", "", "Scanside codes", "Scanside"),
)
