"""Series understanding: a coded description of a series in place of its free text.

`describe` reads one clean data set; tables and terms are TSV files beside the code.
"""

from inference.series.describe import describe, facet_of
from inference.series.description import UNKNOWN, Answer, Description

__all__ = ["UNKNOWN", "Answer", "Description", "describe", "facet_of"]
