"""Advice over the whole product of sequences and artifacts: never for combinations that make no sense."""

import re
from collections.abc import Iterator
from itertools import product

import pytest
from pydicom.dataset import Dataset

from inference.artifacts import NAMES, by_name
from inference.series import Answer, Description
from inference.series.advice import COSTS, PATH, Advice, advice_on, clock, repeat_time, sources
from inference.series.protocol import Protocol, read_protocol
from inference.series.situation import Situation, factors, traits, values
from inference.series.vocabulary import rows, terms
from tests.series import mr_series

FAMILIES = ["UNKNOWN", *(term.name for term in terms() if term.facet == "family")]
WEIGHTINGS = ["UNKNOWN", *(term.name for term in terms() if term.facet == "weighting")]
SUPPRESSIONS = ["UNKNOWN", *(term.name for term in terms() if term.facet == "suppression")]
PARTS = ["UNKNOWN", "BRAIN", "LSPINE", "LIVER", "BREAST", "KNEE"]
FULL = Protocol(
    tr=4500.0,
    te=90.0,
    ti=160.0,
    echo_train=16,
    bandwidth=130.0,
    averages=2.0,
    acceleration=2.0,
    phase="A-P",
    frequency="R-L",
    phase_fov=220.0,
    phase_share=0.8,
    matrix=(320, 256),
    thickness=4.0,
    seconds=160.0,
)
PROTOCOLS = [Protocol(), FULL, Protocol(acceleration=1.0, breath_hold=True, seconds=17.0, bandwidth=600.0)]
EPI = {"EPI", "EPI_SE", "EPI_GRE", "GRASE"}
ENDING = {"BRAIN", "HEAD", "ORBIT", "PITUITARY", "IAC", "JAW"} | {
    *("KNEE", "ANKLE", "FOOT", "WRIST", "HAND", "ELBOW")
}  # anatomy that ends on either side, but for along the body
ANGIOGRAPHY = {"TOF", "PHASE_CONTRAST", "CE_ANGIO"}
ROWS = rows(PATH, 9)


def described(field: float | None = 3.0, **facets: str) -> Description:
    return Description.of([Answer(facet, term, ("x",)) for facet, term in facets.items()], field)


def every_series() -> Iterator[Situation]:
    for family, weighting, part, protocol in product(FAMILIES, WEIGHTINGS, PARTS, PROTOCOLS):
        yield Situation(described(family=family, weighting=weighting, part=part), protocol)
    for family, suppression, agent, protocol in product(
        FAMILIES, SUPPRESSIONS, ["UNKNOWN", "GIVEN"], PROTOCOLS[1:]
    ):
        about = described(family=family, suppression=suppression, agent=agent)
        yield Situation(about, protocol, timed=agent == "GIVEN")


def topics(advice: Advice) -> set[str]:
    return {one.topic for one in advice.suggestions}


def senseless(artifact: str, series: Situation, advice: Advice) -> Iterator[str]:
    """Name what must never be advised for such a series, whatever the table says."""
    about, protocol, told = series.about, series.protocol, topics(advice)
    family, weighting = about["family"], about["weighting"]
    held = protocol.breath_hold
    rules = {
        "swap in EPI": "swap" in told and (family in EPI or family == "UNKNOWN"),
        "swap where the anatomy goes on": "swap" in told
        and (about["part"] not in ENDING or protocol.frequency == "H-F"),
        "swap to an unknown direction": "swap" in told and not protocol.frequency,
        "a band on spectra": weighting in ("SPECTROSCOPY", "FIELD_MAP") and told != {"alone"},
        "averages in one breath or shot": "averages" in told and (held or family == "SSTSE"),
        "averages of a bolus": "averages" in told and series.timed,
        "acceleration that is not there": "acceleration" in told and (protocol.acceleration or 0) <= 1,
        "suppression where none is used": artifact == "fatsat"
        and about["suppression"] in ("NONE", "DIXON_IN", "DIXON_OUT", "WATER")
        and told != {"accept"}
        and "alone" not in told,
        "STIR after an agent": "stir" in told and about["agent"] == "GIVEN",
        "STIR by a gradient echo": "stir" in told and family not in ("SE", "TSE", "IR"),
        "flow compensation in EPI": "compensate" in told and family in EPI,
        "a spin echo for what shows susceptibility": "spin" in told
        and weighting in ("SWI", "T2_STAR", "BOLD"),
        "a spin echo for a spin echo": "spin" in told and family not in ("GRE", "GRE_SPOILED"),
        "a saturation band in angiography": "saturate" in told and weighting in ANGIOGRAPHY,
        "a longer scan in a breath-hold": bool(held)
        and any("longer scan" in one.cost or "scan takes" in one.cost for one in advice.suggestions),
        "a longer scan in one shot": family == "SSTSE"
        and any(
            one.topic in ("acceleration", "oversample") and "scan" in one.cost for one in advice.suggestions
        ),
        "Dixon where it makes another sequence": "dixon" in told
        and (bool(held) or family in ("BSSFP", "DESS", "MPRAGE") or weighting in ("SWI", "T2_STAR", "BOLD")),
        "eyes in a knee": about["part"] in ("KNEE", "LSPINE", "LIVER") and "eyes" in advice.line,
        "what the patient may need is switched off": "switch off" in advice.line,
    }
    yield from (name for name, broken in rules.items() if broken)


def test_nothing_senseless_is_advised_over_all_sequences_and_artifacts() -> None:
    seen = 0
    for series in every_series():
        for artifact in NAMES:
            advice = advice_on(artifact, series)
            assert advice.suggestions, (artifact, series)
            assert [*senseless(artifact, series, advice)] == [], (artifact, series, advice.line)
            assert "{" not in advice.line + advice.line.de
            assert max(len(advice.line), len(advice.line.de)) <= 400
            seen += 1
    assert seen > 50_000


def test_the_oracle_finds_what_makes_no_sense() -> None:
    brain = Situation(described(family="TSE", weighting="T2", part="BRAIN"), FULL)
    swapped = advice_on("flow", brain)
    assert "swap" in topics(swapped)
    epi = Situation(described(family="EPI_SE", part="BRAIN"), FULL)
    assert "swap in EPI" in [*senseless("flow", epi, swapped)]


def test_what_the_header_tells_stands_in_the_sentence() -> None:
    knee = Situation(described(family="TSE", weighting="T2", part="KNEE", dimension="2D"), FULL)
    ghosts = advice_on("ghost", knee)
    assert ghosts.lead == "Ghosts along phase encoding (A-P)"
    swap = next(one for one in ghosts.suggestions if one.topic == "swap")
    assert (swap.text, swap.seconds) == ("swap phase encoding to R-L", 200.0)
    assert "3:20 in place of 2:40" in swap.cost
    shift = advice_on("chemshift", knee)
    assert "about 3.3 px" in shift.lead  # 3.4 ppm at 3 T are 434 Hz
    assert "bandwidth 130 Hz/px: raise it to 260 Hz/px" in shift.line
    assert "about 2:40" in repeat_time(knee)


def test_the_same_is_told_in_german() -> None:
    knee = Situation(described(1.5, family="TSE", weighting="T2", part="KNEE", dimension="2D"), FULL)
    ghosts = advice_on("ghost", knee)
    swap = next(one for one in ghosts.suggestions if one.topic == "swap")
    assert ghosts.lead.de == "Geisterbilder in Phasenkodierrichtung (A-P)"
    assert swap.text.de == "Phasenkodierrichtung auf R-L drehen"
    assert (
        swap.cost.de
        == "Messung dauert etwa 3:20 statt 2:40, verlagert die Geisterbilder, beseitigt sie nicht"
    )
    assert ghosts.line.de.startswith(f"{ghosts.lead.de}: ")
    assert f"{swap.text.de} ({swap.cost.de})" in ghosts.line.de
    assert "um etwa 1,7 px verschoben" in advice_on("chemshift", knee).lead.de
    assert "41 % mehr SNR" in advice_on("noise", knee).line.de
    assert "Knie polstern" in advice_on("motion", knee).line.de
    assert repeat_time(knee).de == "Eine Wiederholung dauert etwa 2:40."


@pytest.mark.parametrize(("seconds", "words"), [(17, "15 s"), (161, "2:40"), (59, "1:00"), (3600, "60:00")])
def test_times_are_told_to_five_seconds(seconds: float, words: str) -> None:
    assert clock(seconds) == words


def test_nothing_is_said_of_a_repeat_without_a_source_or_where_the_moment_is_gone() -> None:
    assert repeat_time(Situation()) == ""
    assert repeat_time(Situation(protocol=FULL, timed=True)) == ""


def test_inhomogeneity_is_mended_in_the_reconstruction_first() -> None:
    for series in every_series():
        first = advice_on("bias", series).suggestions[0]
        assert first.topic == "alone" or (first.topic, first.seconds) == ("normalise", 0.0)


def test_no_class_is_the_magic_angle_and_nothing_speaks_of_it() -> None:
    assert all("magic" not in by_name(name).title.lower() for name in NAMES)
    assert "magic" not in PATH.read_text("utf-8").lower()


def test_every_row_can_be_reached_and_names_what_exists() -> None:
    known = set().union(*(traits(series) for series in every_series()))
    told = {
        *("cine", "gated", "triggered", "radial", "oversampled", "presaturated", "flow-compensated"),
        *("normalised", "2d", "3d"),
    }
    for artifact, kind, topic, when, text, _, time, costs, source in ROWS:
        words = {word.removeprefix("!") for word in when.split()} - {"-"}
        assert artifact in (*NAMES, "*")
        assert kind in {"lead", "reconstruct", "before", "protocol", "accept", "service"}
        assert words <= known | told, (artifact, topic, words - known - told)
        assert set(re.findall(r"\{(\w+)\}", text)) <= values(Situation(described(part="KNEE"), FULL)).keys()
        assert time in {"0", "1", "+", "-", *factors(Situation(protocol=FULL))}
        assert costs == "-" or set(costs.split()) <= COSTS.keys()
        assert source in sources()
        assert (kind in ("reconstruct", "accept")) == (time == "0"), (artifact, topic)
    assert {row[8] for row in ROWS} == set(sources())
    assert all(re.search(r"doi:10\.|\b(19|20)\d\d;\d+:\d+|ISBN|PS3\.3", work) for work in sources().values())


def a_header(**elements: object) -> Dataset:
    ds = mr_series(slices=1)[0]
    for keyword, value in elements.items():
        setattr(ds, keyword, value)
    return ds


def test_parameters_are_read_of_the_header() -> None:
    ds = a_header(
        InPlanePhaseEncodingDirection="COL",
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        ImagePositionPatient=[0, 0, 0],
        PixelBandwidth="130",
        NumberOfAverages="2",
        AcquisitionMatrix=[0, 256, 192, 0],
        AcquisitionDuration=160.2,
        ScanOptions=["FC", "SP"],
        ParallelAcquisition="NO",
    )
    read = read_protocol(ds)
    assert (read.phase, read.frequency) == ("A-P", "R-L")
    assert (read.bandwidth, read.averages, read.matrix) == (130.0, 2.0, (256, 192))
    assert (read.seconds, read.flow_compensated, read.presaturated) == (160.2, True, True)
    assert read.acceleration == 1.0
    assert Protocol.from_json(read.to_json()) == read


@pytest.mark.parametrize(
    "elements",
    [
        {"AcquisitionDuration": 190_713.0, "Manufacturer": "UIH"},  # milliseconds
        {"AcquisitionDuration": 8000.0},
        {"AcquisitionDuration": 0.0},
    ],
)
def test_a_time_that_cannot_be_meant_is_none(elements: dict[str, object]) -> None:
    assert read_protocol(a_header(**elements)).seconds is None


@pytest.mark.parametrize("elements", [{"PixelBandwidth": "-3"}, {"AcquisitionMatrix": [0, 0, 0, 0]}])
def test_a_header_that_makes_no_sense_tells_nothing(elements: dict[str, object]) -> None:
    read = read_protocol(a_header(**elements))
    assert (read.bandwidth is None) or (read.matrix is None)


def test_what_a_later_version_noted_is_left_out() -> None:
    assert Protocol.from_json({"tr": 5.0, "warp": 9}) == Protocol(tr=5.0)
