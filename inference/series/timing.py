"""Contrast weighting by repetition, echo and flip: what is left where no element names it.

The limits are those of the textbooks for 1.5 and 3 T (McRobbie et al., MRI from Picture to Proton, chapter 4); between
them the words of the description decide, and where there are none the weighting is unknown.
"""

import re

from inference.series.clues import Clues
from inference.series.description import Answer

_STATED = {"T1": "T1", "T2": "T2", "PROTON_DENSITY": "PD", "T2_STAR": "T2_STAR"}  # PS3.3, C.8.13.3.1.5
_SPIN = frozenset({"SE", "TSE", "SSTSE", "IR"})
_GRADIENT = frozenset({"GRE", "GRE_SPOILED", "BSSFP", "EPI_GRE"})
_WORDS = re.compile(r"\b(T1|T2STAR|T2|PD)\b")

SHORT_TR, LONG_TR = 1100.0, 1500.0  # ms, spin echoes
SHORT_TE, LONG_TE = 35.0, 60.0
FAST_TR = 50.0  # ms, gradient echoes in a steady state
FAST_ANGLE, SLOW_ANGLE = 8.0, 50.0  # degrees from which on T1 governs, in a steady state and with longer TR
STAR_TE = 12.0  # ms


def weighting_by_timing(clues: Clues, family: str) -> Answer:
    """Give the weighting that statement, timing or words of a series of this family tell."""
    if family == "MPRAGE":
        return Answer("weighting", "T1", clues.sources.get("Attributes", ()))
    stated = _STATED.get(clues.text("AcquisitionContrast"))
    if stated is not None:
        return Answer("weighting", _star(stated, family), ("AcquisitionContrast",))
    if family in ("EPI_GRE", "EPI_SE"):
        term = "T2_STAR" if family == "EPI_GRE" else "T2"
        return Answer(
            "weighting", term, clues.sources.get("SequenceName", clues.sources.get("Attributes", ()))
        )
    if family in _SPIN:
        term = _of_spin_echo(clues, family)
        if term:
            return Answer("weighting", term, clues.sources["TR"] + clues.sources["TE"])
    named = _WORDS.search(clues.text("Words"))
    if named is not None:
        return Answer(
            "weighting", _star(named[1].replace("T2STAR", "T2_STAR"), family), clues.sources["Words"]
        )
    term = _of_gradient_echo(clues) if family in ("GRE", "GRE_SPOILED") else ""
    return (
        Answer("weighting", term, clues.sources["TR"] + clues.sources["TE"] + clues.sources["FA"])
        if term
        else Answer("weighting")
    )


def _of_spin_echo(clues: Clues, family: str) -> str:
    repetition, echo = clues.number("TR"), clues.number("TE")
    if repetition is None or echo is None:
        return ""
    if echo >= LONG_TE and (repetition >= SHORT_TR or family == "SSTSE"):
        return "T2"
    if repetition >= LONG_TR:
        return "PD" if echo <= SHORT_TE else ""
    return "T1" if repetition <= SHORT_TR and echo <= SHORT_TE else ""


def _of_gradient_echo(clues: Clues) -> str:
    repetition, echo, angle = (clues.number(name) for name in ("TR", "TE", "FA"))
    if repetition is None or echo is None or angle is None:
        return ""
    if echo >= STAR_TE:
        return "T2_STAR"
    return "T1" if angle >= (FAST_ANGLE if repetition <= FAST_TR else SLOW_ANGLE) else ""


def _star(term: str, family: str) -> str:
    """Call the T2 of a gradient echo T2*: it cannot refocus the difference."""
    return "T2_STAR" if term == "T2" and family in _GRADIENT - {"BSSFP"} else term
