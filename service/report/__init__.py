"""Results as objects: structured reports, segmentation, quality-control card and what else a site may want.

Pure builders: a `Result` in, data sets out; no files, no network, no ledger.
"""

from service.forms import Form
from service.report.bundle import Bundle
from service.report.card import build_card
from service.report.encoding import encode
from service.report.regions import build_regions
from service.report.result import Predecessor, Product, Result, ScoredSlice, Source, SourceInstance
from service.report.segmentation import build_segmentation
from service.report.sr import build_report

__all__ = [
    "Bundle",
    "Form",
    "Predecessor",
    "Product",
    "Result",
    "ScoredSlice",
    "Source",
    "SourceInstance",
    "build_card",
    "build_regions",
    "build_report",
    "build_segmentation",
    "encode",
]
