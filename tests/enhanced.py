"""One Enhanced MR object of a phantom volume: shared and per-frame groups, a dimension, one stack."""

from pydicom import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import EnhancedMRImageStorage

from tests.series import FIELD_OF_VIEW_MM, SLICE_MM, Volume, position, uid, with_meta

RESCALE_SLOPE = 0.5  # per frame, so that a reader who looks at the top level alone reads wrong values


def enhanced_mr(common: Dataset, volume: Volume, *, key: str, phase_encoding: str) -> Dataset:
    """Build the object; ``volume`` is (frames, rows, columns), ``phase_encoding`` ``COL`` or ``ROW``."""
    ds = Dataset()
    ds.update(common)
    ds.SOPClassUID = EnhancedMRImageStorage
    ds.SOPInstanceUID = uid(common.SeriesInstanceUID, key, "enhanced")
    ds.InstanceNumber = 1
    ds.AcquisitionNumber = 1
    _general(ds)
    _pixels(ds, volume)
    _dimension(ds)
    ds.SharedFunctionalGroupsSequence = Items([_shared(volume, phase_encoding)])
    ds.PerFrameFunctionalGroupsSequence = Items([_frame(volume, n) for n in range(len(volume))])
    return with_meta(ds)


def items(**values: object) -> Items:
    """Make a sequence of one item."""
    ds = Dataset()
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return Items([ds])


def _general(ds: Dataset) -> None:
    ds.ImageType = ["ORIGINAL", "PRIMARY", "T2", "NONE"]
    ds.AcquisitionDateTime = "20261104102000.5"
    ds.AcquisitionDuration = 120.0
    ds.ResonantNucleus = "1H"
    ds.KSpaceFiltering = "NONE"
    ds.MagneticFieldStrength = 3.0
    ds.ApplicableSafetyStandardAgency = "IEC"
    ds.ApplicableSafetyStandardDescription = "IEC 60601-2-33"
    ds.ContentQualification = "PRODUCT"
    ds.LossyImageCompression = "00"
    ds.BurnedInAnnotation = "NO"
    ds.PresentationLUTShape = "IDENTITY"
    ds.ComplexImageComponent = "MAGNITUDE"
    ds.AcquisitionContrast = "T2"
    ds.PixelPresentation = "MONOCHROME"
    ds.VolumetricProperties = "VOLUME"
    ds.VolumeBasedCalculationTechnique = "NONE"
    ds.PulseSequenceName = "tse2d1_15"
    ds.MRAcquisitionType = "2D"
    ds.EchoPulseSequence = "SPIN"
    ds.MultipleSpinEcho = "YES"
    ds.MultiPlanarExcitation = "NO"
    ds.PhaseContrast = "NO"
    ds.TimeOfFlightContrast = "NO"
    ds.SteadyStatePulseSequence = "NONE"
    ds.EchoPlanarPulseSequence = "NO"
    ds.SaturationRecovery = "NO"
    ds.SpectrallySelectedSuppression = "NONE"
    ds.OversamplingPhase = "NONE"
    ds.GeometryOfKSpaceTraversal = "RECTILINEAR"
    ds.SegmentedKSpaceTraversal = "PARTIAL"
    ds.RectilinearPhaseEncodeReordering = "LINEAR"
    ds.NumberOfKSpaceTrajectories = 1
    ds.AcquisitionContextSequence = Items([])
    del ds.AcquisitionDate, ds.AcquisitionTime  # AcquisitionDateTime says it here


def _pixels(ds: Dataset, volume: Volume) -> None:
    frames, ds.Rows, ds.Columns = volume.shape
    ds.NumberOfFrames = frames
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 12, 11
    ds.PixelRepresentation = 0
    ds.PixelData = volume.astype("<u2").tobytes()
    ds["PixelData"].VR = "OW"


def _dimension(ds: Dataset) -> None:
    """Index the frames by their place in the one stack."""
    organization = uid(ds.SOPInstanceUID, "dimension")
    ds.DimensionOrganizationSequence = items(DimensionOrganizationUID=organization)
    indices = Items([])
    for keyword in ("StackID", "InStackPositionNumber"):
        item = Dataset()
        item.DimensionOrganizationUID = organization
        item.DimensionIndexPointer = keyword
        item.FunctionalGroupPointer = "FrameContentSequence"
        item.DimensionDescriptionLabel = keyword
        indices.append(item)
    ds.DimensionIndexSequence = indices


def _shared(volume: Volume, phase_encoding: str) -> Dataset:
    group = Dataset()
    spacing = FIELD_OF_VIEW_MM / max(volume.shape[1:])
    group.PixelMeasuresSequence = items(
        PixelSpacing=[spacing, spacing], SliceThickness=SLICE_MM, SpacingBetweenSlices=SLICE_MM
    )
    group.PlaneOrientationSequence = items(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])
    brain = items(CodeValue="69536005", CodingSchemeDesignator="SCT", CodeMeaning="Head")
    group.FrameAnatomySequence = items(FrameLaterality="U", AnatomicRegionSequence=brain)
    group.PixelValueTransformationSequence = items(
        RescaleIntercept=0.0, RescaleSlope=RESCALE_SLOPE, RescaleType="US"
    )
    group.FrameVOILUTSequence = items(WindowCenter=300.0, WindowWidth=600.0)
    group.MRImageFrameTypeSequence = items(
        FrameType=["ORIGINAL", "PRIMARY", "T2", "NONE"],
        PixelPresentation="MONOCHROME",
        VolumetricProperties="VOLUME",
        VolumeBasedCalculationTechnique="NONE",
        ComplexImageComponent="MAGNITUDE",
        AcquisitionContrast="T2",
    )
    _physics(group, volume, phase_encoding)
    _coils(group)
    return group


def _physics(group: Dataset, volume: Volume, phase_encoding: str) -> None:
    direction = {"COL": "COLUMN"}.get(phase_encoding, phase_encoding)
    steps = volume.shape[1 if direction == "COLUMN" else 2]
    group.MRTimingAndRelatedParametersSequence = items(
        RepetitionTime=4200.0,
        FlipAngle=150.0,
        EchoTrainLength=15,
        RFEchoTrainLength=15,
        GradientEchoTrainLength=0,
        SpecificAbsorptionRateSequence=items(
            SpecificAbsorptionRateDefinition="IEC_HEAD", SpecificAbsorptionRateValue=1.2
        ),
        OperatingModeSequence=items(OperatingModeType="GRADIENT", OperatingMode="IEC_NORMAL"),
    )
    group.MRFOVGeometrySequence = items(
        InPlanePhaseEncodingDirection=direction,
        MRAcquisitionFrequencyEncodingSteps=int(steps),
        MRAcquisitionPhaseEncodingStepsInPlane=int(steps),
        MRAcquisitionPhaseEncodingStepsOutOfPlane=1,
        PercentSampling=80.0,
        PercentPhaseFieldOfView=100.0,
    )
    group.MREchoSequence = items(EffectiveEchoTime=96.0)
    group.MRModifierSequence = items(
        InversionRecovery="NO",
        FlowCompensation="NONE",
        Spoiling="NONE",
        T2Preparation="NO",
        SpectrallySelectedExcitation="NONE",
        SpatialPresaturation="NONE",
        PartialFourier="NO",
        ParallelAcquisition="NO",
    )
    group.MRImagingModifierSequence = items(
        MagnetizationTransfer="NONE",
        BloodSignalNulling="NO",
        Tagging="NONE",
        TransmitterFrequency=123.25,
        PixelBandwidth=220.0,
    )
    group.MRAveragesSequence = items(NumberOfAverages=1.0)


def _coils(group: Dataset) -> None:
    group.MRReceiveCoilSequence = items(
        ReceiveCoilName="HeadNeck_20",
        ReceiveCoilManufacturerName="",
        ReceiveCoilType="VOLUME",
        QuadratureReceiveCoil="YES",
    )
    group.MRTransmitCoilSequence = items(
        TransmitCoilName="Body", TransmitCoilManufacturerName="", TransmitCoilType="BODY"
    )


def _frame(volume: Volume, n: int) -> Dataset:
    group = Dataset()
    group.FrameContentSequence = items(
        FrameAcquisitionNumber=1,
        FrameReferenceDateTime="20261104102000.5",
        FrameAcquisitionDateTime="20261104102000.5",
        FrameAcquisitionDuration=120000.0,
        StackID="1",
        InStackPositionNumber=n + 1,
        DimensionIndexValues=[1, n + 1],
    )
    group.PlanePositionSequence = items(ImagePositionPatient=position(volume, n))
    return group
