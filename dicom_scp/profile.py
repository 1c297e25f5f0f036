"""The de-identification profile: every attribute that may stay, and what becomes of it; all else goes.

Basic Application Level Confidentiality Profile (PS3.15, Annex E) with the options Retain Patient
Characteristics and Retain Safe Private. `describe` prints it.
"""

from dataclasses import dataclass
from enum import StrEnum

from pydicom.datadict import dictionary_VR, tag_for_keyword

from dicom_scp.private import GROUP, TABLE


class Action(StrEnum):
    """What becomes of an attribute."""

    KEEP = "kept"
    WALK = "kept, its items by this same table"
    UID = "replaced by a keyed UID"
    AGE = "kept, above 89 years written as 090Y"
    PATIENT = "replaced by the pseudonym of the patient"
    DEVICE = "replaced by a keyed pseudonym"
    DUMMY = "replaced by a fixed value"
    EMPTY = "emptied"
    CODE = "its first code kept where PS3.16 knows it, with the meaning that PS3.16 gives"
    TERM = "kept where it is one of the terms that it may be"
    DROP = "removed"


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table."""

    keyword: str
    tag: int
    vrs: tuple[bytes, ...]  # as in PS3.6; more than one where it depends on the pixels
    action: Action


DEFINED_TERMS = {
    "BurnedInAnnotation": frozenset({"NO"}),  # what says YES is never taken
    # PS3.3, C.8.13.5.13, and what scanners write
    "MetaboliteMapDescription": frozenset(
        {"WATER", "FAT", "NAA", "CHOLINE", "CREATINE", "CITRATE", "LACTATE", "LIPID", "NONE", "UNSPECIFIED"}
        | {"GLUTAMATE", "GLUTAMINE", "TAURINE", "INOSITOL", "N_ACETYL_ASPARTATE", "LACTATE_LIPID"}
        | {"CHOLINE_CREATINE", "CREATINE_CHOLINE"},
    ),
}

METHOD = "Scanside: PS3.15 Annex E Basic, allow-list of MR attributes"  # (0012,0063), at most 64 characters
OPTIONS = (  # (0012,0064), PS3.16 CID 7050
    ("113100", "Basic Application Confidentiality Profile"),
    ("113108", "Retain Patient Characteristics Option"),
    ("113111", "Retain Safe Private Option"),
)
DUMMIES = {  # type 1 and 1C dates and times of the Enhanced objects
    b"DA": b"20000101",
    b"TM": b"000000",
    b"DT": b"20000101000000",
}

# By information object definition (PS3.3). Names of people, places, orders and devices are not here; free
# text of the operator (descriptions, comments, protocol names) is not here; a kept text is printable ASCII,
# at most MAX_TEXT bytes, and loses every value in which a name or number of this patient turns up.
KEPT = {
    "SOP common": "SOPClassUID Modality ImageType AcquisitionNumber SeriesNumber InstanceNumber Laterality "
    "ImageLaterality LossyImageCompression LossyImageCompressionRatio LossyImageCompressionMethod",
    "Patient characteristics": "PatientSex PatientSize PatientWeight PatientPosition",
    "Equipment": "Manufacturer ManufacturerModelName SoftwareVersions MagneticFieldStrength "
    "ReceiveCoilName ReceiveCoilManufacturerName TransmitCoilName TransmitCoilManufacturerName",
    "Body": "BodyPartExamined AnatomicalOrientationType",
    "Image plane": "SliceThickness ImagePositionPatient ImageOrientationPatient PixelSpacing SliceLocation "
    "SpacingBetweenSlices PixelAspectRatio",
    "Image pixel": "SamplesPerPixel PhotometricInterpretation PlanarConfiguration NumberOfFrames Rows "
    "Columns BitsAllocated BitsStored HighBit PixelRepresentation SmallestImagePixelValue "
    "LargestImagePixelValue PixelPaddingValue PixelPaddingRangeLimit WindowCenter WindowWidth "
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
    "TemporalPositionIndex StackID InStackPositionNumber DimensionIndexValues FrameLaterality "
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
    "DimensionIndexSequence MRMetaboliteMapSequence ContrastBolusUsageSequence"
)
SPECIAL = {
    Action.UID: "StudyInstanceUID SeriesInstanceUID SOPInstanceUID FrameOfReferenceUID ConcatenationUID "
    "SOPInstanceUIDOfConcatenationSource DimensionOrganizationUID SynchronizationFrameOfReferenceUID",
    Action.PATIENT: "PatientID PatientName",
    Action.AGE: "PatientAge",
    Action.DEVICE: "DeviceSerialNumber StationName",
    Action.DUMMY: "ContentDate ContentTime AcquisitionDateTime FrameAcquisitionDateTime "
    "FrameReferenceDateTime",
    Action.EMPTY: "StudyDate StudyTime AccessionNumber ReferringPhysicianName StudyID PatientBirthDate "
    "PositionReferenceIndicator AcquisitionContextSequence ASLTechniqueDescription",
    Action.CODE: "AnatomicRegionSequence",
    Action.TERM: "BurnedInAnnotation MetaboliteMapDescription",
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


def _rules() -> dict[int, Rule]:
    lines = [(keyword, Action.KEEP) for words in KEPT.values() for keyword in words.split()]
    lines += [(keyword, Action.WALK) for keyword in WALKED.split()]
    lines += [(keyword, action) for action, words in SPECIAL.items() for keyword in words.split()]
    rules = {}
    for keyword, action in lines:
        tag = tag_for_keyword(keyword)
        if tag is None or tag in rules:
            raise ValueError(f"{keyword} is not in PS3.6, or twice in the profile")
        vrs = tuple(vr.encode() for vr in dictionary_VR(tag).split(" or "))
        rules[tag] = Rule(keyword, tag, vrs, action)
    return rules


RULES = _rules()
ALWAYS_EMPTY = tuple(sorted(tag_for_keyword(keyword) or 0 for keyword in ALWAYS.split()))


def describe() -> str:
    """Print the profile as a table in Markdown: what may stay, and what becomes of it."""
    lines = [METHOD, "", *(f"- {code} {meaning}" for code, meaning in OPTIONS), ""]
    lines += ["| attribute | tag | action |", "|---|---|---|"]
    for rule in sorted(RULES.values(), key=lambda rule: rule.tag):
        lines.append(f"| {rule.keyword} | ({rule.tag >> 16:04X},{rule.tag & 0xFFFF:04X}) | {rule.action} |")
    for line in TABLE:
        lines.append(
            f"| {line.name} (block SCANSIDE) | ({GROUP:04X},xx{line.number:02X}) | read from private elements |"
        )
    lines += ["| everything else, private and unknown attributes too, at any depth | | removed |"]
    return "\n".join(lines)
