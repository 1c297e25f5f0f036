"""The de-identification profiles: every attribute that may stay, and what becomes of it; all else goes.

A profile is the Basic Application Level Confidentiality Profile (PS3.15, Annex E) with options. What stays is what
our own list of MR attributes knows *and* `ps3_15.table()` lets stay, and what an option of the profile retains.
`describe` prints profiles side by side.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from pydicom.charset import python_encoding
from pydicom.datadict import (
    dictionary_has_tag,
    dictionary_VM,
    dictionary_VR,
    keyword_for_tag,
    tag_for_keyword,
)

from dicom_scp.private import GROUP, SAFE, TABLE
from dicom_scp.ps3_15 import BASIC, CODES, Option, patterns, table


class Action(StrEnum):
    """What becomes of an attribute."""

    KEEP = "keep"
    WALK = "walk"
    UID = "uid"
    AGE = "age"
    PATIENT = "patient"
    DEVICE = "device"
    DUMMY = "dummy"
    EMPTY = "empty"
    CODE = "code"
    TERM = "term"
    RETAIN = "retain"
    SHIFT = "shift"
    WORDS = "words"
    DROP = "remove"


MEANINGS = {
    Action.KEEP: "kept, if it is what its kind of value may be and holds nothing by which the patient is known",
    Action.WALK: "kept, its items by this same table",
    Action.UID: "replaced by a keyed UID",
    Action.AGE: "kept, above 89 years written as 090Y",
    Action.PATIENT: "replaced by the pseudonym of the patient",
    Action.DEVICE: "replaced by a keyed pseudonym",
    Action.DUMMY: "replaced by a fixed value",
    Action.EMPTY: "emptied",
    Action.CODE: "its first code kept where PS3.16 knows it, with the meaning that PS3.16 gives",
    Action.TERM: "kept where it is one of the terms that it may be",
    Action.RETAIN: "kept as it came, by an option of the profile",
    Action.SHIFT: "shifted by the patient's own number of days, intervals kept",
    Action.WORDS: "replaced by what it holds of a vocabulary of contrasts, orientations and parts of the body",
    Action.DROP: "removed",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a profile."""

    keyword: str
    tag: int
    vrs: tuple[bytes, ...]  # as in PS3.6; more than one where it depends on the pixels
    action: Action
    most: int  # values that PS3.6 allows; 0: any number


DEFINED_TERMS = {
    "BurnedInAnnotation": frozenset({"NO"}),  # what says YES is never taken
    "SpecificCharacterSet": frozenset(python_encoding),
    "PatientSex": frozenset({"", "M", "F", "O"}),
    "Laterality": frozenset({"", "R", "L", "U", "B", "NO"}),
    "ImageLaterality": frozenset({"", "R", "L", "U", "B"}),
    "FrameLaterality": frozenset({"", "R", "L", "U", "B"}),
    # PS3.3, C.8.13.5.13, and what scanners write
    "MetaboliteMapDescription": frozenset(
        {"WATER", "FAT", "NAA", "CHOLINE", "CREATINE", "CITRATE", "LACTATE", "LIPID", "NONE", "UNSPECIFIED"}
        | {"GLUTAMATE", "GLUTAMINE", "TAURINE", "INOSITOL", "N_ACETYL_ASPARTATE", "LACTATE_LIPID"}
        | {"CHOLINE_CREATINE", "CREATINE_CHOLINE"},
    ),
}

METHOD = "Scanside: PS3.15 Annex E Basic, allow-list of MR attributes"  # (0012,0063), at most 64 characters
DUMMIES = {  # type 1 and 1C dates and times of the Enhanced objects
    b"DA": b"20000101",
    b"TM": b"000000",
    b"DT": b"20000101000000",
}

# By information object definition (PS3.3). Names of people, places, orders and devices are not here; free
# text of the operator (descriptions, comments, protocol names) is not here; a kept text is printable ASCII,
# at most MAX_TEXT bytes, and loses every value in which a name or number of this patient turns up.
KEPT = {
    "SOP common": "SOPClassUID Modality ImageType AcquisitionNumber SeriesNumber InstanceNumber "
    "LossyImageCompression LossyImageCompressionRatio LossyImageCompressionMethod",
    "Patient characteristics": "PatientSize PatientWeight PatientPosition",
    "Equipment": "Manufacturer ManufacturerModelName SoftwareVersions MagneticFieldStrength "
    "ReceiveCoilName ReceiveCoilManufacturerName TransmitCoilName TransmitCoilManufacturerName",
    "Body": "BodyPartExamined AnatomicalOrientationType PatientOrientation",
    "Image plane": "SliceThickness ImagePositionPatient ImageOrientationPatient PixelSpacing SliceLocation "
    "SpacingBetweenSlices PixelAspectRatio",
    "References": "ReferencedSOPClassUID ReferencedFrameNumber",
    "Image pixel": "SamplesPerPixel PhotometricInterpretation PlanarConfiguration NumberOfFrames Rows "
    "Columns BitsAllocated BitsStored HighBit PixelRepresentation SmallestImagePixelValue "
    "LargestImagePixelValue PixelPaddingValue PixelPaddingRangeLimit "
    "SmallestPixelValueInSeries LargestPixelValueInSeries WindowCenter WindowWidth "
    "RescaleIntercept RescaleSlope RescaleType PresentationLUTShape VOILUTFunction PixelData",
    "MR image": "ScanningSequence SequenceVariant ScanOptions MRAcquisitionType SequenceName AngioFlag "
    "RepetitionTime EchoTime InversionTime NumberOfAverages ImagingFrequency ImagedNucleus EchoNumbers "
    "NumberOfPhaseEncodingSteps EchoTrainLength PercentSampling PercentPhaseFieldOfView PixelBandwidth "
    "TriggerTime NominalInterval BeatRejectionFlag LowRRValue HighRRValue IntervalsAcquired "
    "IntervalsRejected SkipBeats HeartRate CardiacNumberOfImages TriggerWindow FrameTime "
    "ReconstructionDiameter AcquisitionMatrix InPlanePhaseEncodingDirection FlipAngle VariableFlipAngleFlag "
    "SAR dBdt B1rms TemporalPositionIdentifier NumberOfTemporalPositions TemporalResolution "
    "ImagesInAcquisition SpatialResolution",
    "Enhanced MR, once": "ContentQualification PulseSequenceName ResonantNucleus KSpaceFiltering "
    "ApplicableSafetyStandardAgency AcquisitionContrast AcquisitionDuration EchoPulseSequence "
    "MultiPlanarExcitation PhaseContrast TimeOfFlightContrast ArterialSpinLabelingContrast "
    "SteadyStatePulseSequence EchoPlanarPulseSequence SaturationRecovery SpectrallySelectedSuppression "
    "OversamplingPhase GeometryOfKSpaceTraversal RectilinearPhaseEncodeReordering "
    "SegmentedKSpaceTraversal CoverageOfKSpace NumberOfKSpaceTrajectories PixelPresentation "
    "VolumetricProperties VolumeBasedCalculationTechnique ComplexImageComponent InConcatenationNumber "
    "InConcatenationTotalNumber ConcatenationFrameOffsetNumber BulkMotionCompensationTechnique "
    "CardiacSynchronizationTechnique CardiacSignalSource CardiacBeatRejectionTechnique "
    "RespiratoryMotionCompensationTechnique RespiratorySignalSource",
    "Enhanced MR, per frame": "FrameType FrameAcquisitionDuration FrameAcquisitionNumber "
    "TemporalPositionIndex StackID InStackPositionNumber DimensionIndexValues "
    "NominalCardiacTriggerDelayTime CardiacRRIntervalSpecified RRIntervalTimeNominal "
    "NominalRespiratoryTriggerDelayTime RespiratoryIntervalTime RespiratoryCyclePosition "
    "EffectiveEchoTime RFEchoTrainLength GradientEchoTrainLength FlowCompensation FlowCompensationDirection "
    "Spoiling T2Preparation BloodSignalNulling InversionRecovery InversionTimes SpatialPresaturation "
    "SpectrallySelectedExcitation MagnetizationTransfer Tagging TagAngleFirstAxis TagAngleSecondAxis "
    "TagSpacingFirstDimension TagSpacingSecondDimension TagThickness TaggingDelay TransmitterFrequency "
    "MultipleSpinEcho PartialFourier PartialFourierDirection ParallelAcquisition "
    "ParallelAcquisitionTechnique ParallelReductionFactorInPlane ParallelReductionFactorOutOfPlane "
    "ParallelReductionFactorSecondInPlane MRAcquisitionFrequencyEncodingSteps "
    "MRAcquisitionPhaseEncodingStepsInPlane MRAcquisitionPhaseEncodingStepsOutOfPlane ReceiveCoilType "
    "QuadratureReceiveCoil MultiCoilElementName MultiCoilElementUsed TransmitCoilType "
    "DiffusionDirectionality DiffusionBValue DiffusionAnisotropyType DiffusionGradientOrientation "
    "DiffusionBValueXX DiffusionBValueXY DiffusionBValueXZ DiffusionBValueYY DiffusionBValueYZ "
    "DiffusionBValueZZ VelocityEncodingDirection VelocityEncodingMinimumValue VelocityEncodingMaximumValue "
    "ChemicalShiftReference WaterReferencedPhaseCorrection FrequencyCorrection SlabThickness "
    "SlabOrientation MidSlabPosition ASLContext ASLCrusherFlag ASLBolusCutoffFlag ASLPulseTrainDuration "
    "ASLSlabNumber ASLSlabThickness ASLSlabOrientation ASLMidSlabPosition OperatingModeType OperatingMode "
    "GradientOutputType GradientOutput SpecificAbsorptionRateDefinition SpecificAbsorptionRateValue "
    "RealWorldValueIntercept RealWorldValueSlope RealWorldValueFirstValueMapped "
    "RealWorldValueLastValueMapped DimensionIndexPointer FunctionalGroupPointer DimensionOrganizationType "
    "ContrastBolusAgentNumber ContrastBolusAgentAdministered ContrastBolusAgentDetected "
    "ContrastBolusAgentPhase",
}
WALKED = (
    "SharedFunctionalGroupsSequence PerFrameFunctionalGroupsSequence FrameContentSequence "
    "PlanePositionSequence PlaneOrientationSequence PixelMeasuresSequence PixelValueTransformationSequence "
    "FrameVOILUTSequence FrameAnatomySequence MRImageFrameTypeSequence MREchoSequence MRModifierSequence "
    "MRImagingModifierSequence MRReceiveCoilSequence MultiCoilDefinitionSequence MRTransmitCoilSequence "
    "MRTimingAndRelatedParametersSequence MRFOVGeometrySequence MRAveragesSequence MRDiffusionSequence "
    "DiffusionGradientDirectionSequence DiffusionBMatrixSequence MRSpatialSaturationSequence "
    "MRArterialSpinLabelingSequence ASLSlabSequence MRVelocityEncodingSequence "
    "CardiacSynchronizationSequence RespiratorySynchronizationSequence TemporalPositionSequence "
    "OperatingModeSequence SpecificAbsorptionRateSequence DimensionOrganizationSequence "
    "DimensionIndexSequence MRMetaboliteMapSequence ContrastBolusUsageSequence ReferencedImageSequence "
    "SourceImageSequence ReferencedImageEvidenceSequence SourceImageEvidenceSequence ReferencedSeriesSequence "
    "ReferencedSOPSequence"
)
DISPENSABLE = frozenset(
    {  # where they are broken they go
        *("ReferencedImageSequence", "SourceImageSequence"),
        *("ReferencedImageEvidenceSequence", "SourceImageEvidenceSequence"),
    }
)
SPECIAL = {
    Action.UID: "StudyInstanceUID SeriesInstanceUID SOPInstanceUID FrameOfReferenceUID ConcatenationUID "
    "SOPInstanceUIDOfConcatenationSource DimensionOrganizationUID SynchronizationFrameOfReferenceUID "
    "ReferencedSOPInstanceUID",
    Action.PATIENT: "PatientID PatientName",
    Action.AGE: "PatientAge",
    Action.DEVICE: "DeviceSerialNumber StationName",
    Action.DUMMY: "ContentDate ContentTime AcquisitionDateTime FrameAcquisitionDateTime "
    "FrameReferenceDateTime",
    Action.EMPTY: "StudyDate StudyTime AccessionNumber ReferringPhysicianName StudyID PatientBirthDate "
    "PositionReferenceIndicator AcquisitionContextSequence ASLTechniqueDescription",
    Action.CODE: "AnatomicRegionSequence PurposeOfReferenceCodeSequence",
    Action.TERM: "BurnedInAnnotation MetaboliteMapDescription PatientSex Laterality ImageLaterality FrameLaterality",
}
# Written into every clean file, empty, whether it was there or not: type 2 in all MR objects (PS3.3, A.4)
ALWAYS = (
    "StudyDate StudyTime AccessionNumber ReferringPhysicianName StudyID PatientBirthDate "
    "PositionReferenceIndicator PatientSex Manufacturer"
)
# What the other actions stand for belongs to the top level of the data set: in sequences it is removed.
ANYWHERE = frozenset(Action) - {Action.PATIENT, Action.AGE, Action.DEVICE}

MAX_TEXT = 256
TEXT_VRS = frozenset({b"CS", b"LO", b"SH", b"ST", b"LT", b"UT", b"UC", b"AS"})
NUMBER_VRS = frozenset(b"US SS UL SL FL FD UV SV AT".split())
DECIMAL_VRS = frozenset({b"IS", b"DS"})
PIXEL_VRS = frozenset({b"OB", b"OW"})


CHARACTERISTICS = {  # what becomes of them without the option that retains them
    "PatientSex": Action.EMPTY,
    "PatientAge": Action.DROP,
    "PatientSize": Action.DROP,
    "PatientWeight": Action.DROP,
}
_DATES = frozenset({"DA", "TM", "DT"})
_IDENTITIES = frozenset({"LO", "SH", "ST", "UT", "UC", "UI", "AE"})  # of devices and institutions; codes go
_DESCRIPTORS = frozenset({"LO", "SH", "ST", "LT", "UT", "UC"})
_EFFECTS = (  # of an option on attributes with its letter in the table: which representations, and what becomes of them
    (Option.RETAIN_UIDS, "K", frozenset({"UI"}), Action.RETAIN),
    (Option.RETAIN_DEVICE_IDENTITY, "K", _IDENTITIES, Action.RETAIN),
    (Option.RETAIN_INSTITUTION_IDENTITY, "K", _IDENTITIES, Action.RETAIN),
    (Option.RETAIN_FULL_DATES, "K", _DATES, Action.RETAIN),
    (Option.RETAIN_MODIFIED_DATES, "C", _DATES, Action.SHIFT),
    (Option.CLEAN_DESCRIPTORS, "C", _DESCRIPTORS, Action.WORDS),
)


def _rule(tag: int, action: Action) -> Rule:
    vrs = tuple(vr.encode() for vr in dictionary_VR(tag).split(" or "))
    most = dictionary_VM(tag)
    return Rule(keyword_for_tag(tag), tag, vrs, action, int(most) if most.isdecimal() else 0)


def _listed() -> dict[int, Rule]:
    """Give our own list as rules."""
    lines = [(keyword, Action.KEEP) for words in KEPT.values() for keyword in words.split()]
    lines += [(keyword, Action.WALK) for keyword in WALKED.split()]
    lines += [(keyword, action) for action, words in SPECIAL.items() for keyword in words.split()]
    rules: dict[int, Rule] = {}
    for keyword, action in lines:
        tag = tag_for_keyword(keyword)
        if tag is None or tag in rules:
            raise ValueError(f"{keyword} is not in PS3.6, or twice in the profile")
        rules[tag] = _rule(tag, action)
    return rules


LISTED: Mapping[int, Rule] = _listed()
ALWAYS_EMPTY = tuple(sorted(tag_for_keyword(keyword) or 0 for keyword in ALWAYS.split()))
ALWAYS_PATIENT = tuple(tag for tag, rule in LISTED.items() if rule.action is Action.PATIENT)  # type 2 too


class UnfitProfile(ValueError):
    """A profile cannot both keep dates as they are and shift them."""


@dataclass(frozen=True, slots=True)
class Profile:
    """The Basic Profile with some of its options, worked out for every attribute; make one with `of`."""

    name: str
    options: frozenset[Option]
    rules: Mapping[int, Rule] = field(repr=False)  # by tag; what has no rule is removed

    @classmethod
    def of(cls, name: str, options: Iterable[Option]) -> Self:
        """Work the options out. Raises UnfitProfile."""
        chosen = frozenset(options)
        if {Option.RETAIN_FULL_DATES, Option.RETAIN_MODIFIED_DATES} <= chosen:
            raise UnfitProfile(UnfitProfile.__doc__)
        rules = dict(LISTED)
        if Option.RETAIN_PATIENT_CHARACTERISTICS not in chosen:
            for keyword, action in CHARACTERISTICS.items():
                tag = tag_for_keyword(keyword) or 0
                rules[tag] = _rule(tag, action)
        rules |= {tag: _rule(tag, action) for tag, action in _retained(chosen)}
        return cls(name, chosen, {tag: rule for tag, rule in rules.items() if rule.action is not Action.DROP})

    @property
    def dates(self) -> str:
        """Say what became of dates (PS3.3, C.12.1.1.8, (0028,0303))."""
        if Option.RETAIN_FULL_DATES in self.options:
            return "UNMODIFIED"
        return "MODIFIED" if Option.RETAIN_MODIFIED_DATES in self.options else "REMOVED"

    def codes(self, done: Iterable[Option] = ()) -> list[tuple[str, str]]:
        """Give the codes for (0012,0064); what is done to pixels is claimed only where it is in `done`."""
        claimed = (self.options - PIXEL_OPTIONS) | (frozenset(done) & PIXEL_OPTIONS)
        return [BASIC, *sorted(CODES[option] for option in claimed)]


PIXEL_OPTIONS = frozenset({Option.CLEAN_PIXEL_DATA, Option.CLEAN_VISUAL_FEATURES})


def _retained(options: frozenset[Option]) -> Iterator[tuple[int, Action]]:
    """Give what the options of a profile let stay of the Standard's table."""
    if options & {Option.RETAIN_DEVICE_IDENTITY, Option.RETAIN_INSTITUTION_IDENTITY}:
        yield 0x00080005, Action.TERM  # Specific Character Set: their texts need it
    for tag, row in table().items():
        if tag >> 16 < 8 or not dictionary_has_tag(tag):
            continue
        for option, letter, vrs, action in _EFFECTS:
            if option in options and row.options.get(option) == letter and dictionary_VR(tag) in vrs:
                yield tag, action


LIVE = Profile.of("live", (Option.RETAIN_PATIENT_CHARACTERISTICS, Option.RETAIN_SAFE_PRIVATE))
EXPORT = Profile.of("export", (*LIVE.options, Option.RETAIN_MODIFIED_DATES))


def describe(profiles: Sequence[Profile] = (LIVE, EXPORT)) -> str:
    """Print profiles as tables in Markdown: what becomes of every attribute of ours and of the Standard's table."""
    names = [profile.name for profile in profiles]
    lines = [METHOD, ""]
    lines += ["| code | option | " + " | ".join(names) + " |", "|---|---|" + "---|" * len(names)]
    lines.append(f"| {BASIC[0]} | {BASIC[1]} |" + " yes |" * len(names))
    for option, (code, meaning) in sorted(CODES.items(), key=lambda entry: entry[1]):
        marks = " | ".join("yes" if option in profile.options else "" for profile in profiles)
        lines.append(f"| {code} | {meaning} (`{option}`) | {marks} |")
    lines += ["", "| action | meaning |", "|---|---|"]
    lines += [f"| {action} | {MEANINGS[action]} |" for action in Action]
    lines += ["", "| attribute | tag | PS3.15 Basic | " + " | ".join(names) + " |"]
    lines += ["|---|---|---|" + "---|" * len(names)]
    tags = {tag for profile in profiles for tag in profile.rules} | set(table())
    for tag in sorted(tags):
        basic = table()[tag].basic if tag in table() else ""
        actions = " | ".join(_action(profile, tag) for profile in profiles)
        lines.append(f"| {name_of(tag)} | ({tag >> 16:04X},{tag & 0xFFFF:04X}) | {basic} | {actions} |")
    for pattern, row in patterns().items():
        written = "odd groups" if pattern == "odd" else f"({pattern[:4]},{pattern[4:]})"
        lines.append(f"| any | {written} | {row.basic} |" + f" {Action.DROP} |" * len(names))
    lines.append(
        "| everything else, unknown attributes too, at any depth | | |" + f" {Action.DROP} |" * len(names)
    )
    return "\n".join([*lines, "", *_described_private(profiles)])


def name_of(tag: int) -> str:
    """Give the keyword of a tag, or the tag as the Standard writes it."""
    return keyword_for_tag(tag) or f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def _action(profile: Profile, tag: int) -> str:
    rule = profile.rules.get(tag)
    return str(Action.DROP if rule is None else rule.action)


def _described_private(profiles: Sequence[Profile]) -> Iterator[str]:
    yield "| private element | creator | tag | " + " | ".join(profile.name for profile in profiles) + " |"
    yield "|---|---|---|" + "---|" * len(profiles)
    marks = (
        Action.KEEP if Option.RETAIN_SAFE_PRIVATE in profile.options else Action.DROP for profile in profiles
    )
    kept = " | ".join(marks)
    for safe in SAFE:
        yield f"| {safe.name} | {safe.creator} | ({safe.group:04X},xx{safe.number:02X}) | {kept} |"
    for line in TABLE:
        read = " | ".join("read from private elements" for _ in profiles)
        yield f"| {line.name} | SCANSIDE | ({GROUP:04X},xx{line.number:02X}) | {read} |"
