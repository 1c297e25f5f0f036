"""The eye: pixels in, findings out; no network, no patient.

This is its vocabulary. `inference.eye` and `inference.segmenter` load the model's runtime and are imported by those who
run it.
"""

from inference.artifacts import CATALOGUE, Artifact, by_name
from inference.image import Slice, UnreadableImage
from inference.masks import MaskStack
from inference.score import Finding, QualityScore, SeriesFinding, SliceScore, not_scored
from inference.summary import summarise

__all__ = [
    "CATALOGUE",
    "Artifact",
    "Finding",
    "MaskStack",
    "QualityScore",
    "SeriesFinding",
    "Slice",
    "SliceScore",
    "UnreadableImage",
    "by_name",
    "not_scored",
    "summarise",
]
