"""Results as DICOM objects: structured report, segmentation, quality-control card.

Pure builders: a `Result` in, data sets out; no files, no network, no ledger.
"""

from service.report.objects import encode
from service.report.overlay import build_card
from service.report.result import Predecessor, Product, Result, ScoredSlice, Source, SourceInstance
from service.report.segmentation import build_segmentation
from service.report.sr import build_report

__all__ = [
    "Predecessor",
    "Product",
    "Result",
    "ScoredSlice",
    "Source",
    "SourceInstance",
    "build_card",
    "build_report",
    "build_segmentation",
    "encode",
]
