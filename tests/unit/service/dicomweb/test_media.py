"""Media types: parsed as RFC 9110 says, and chosen by weight."""

import pytest

from service.dicomweb.media import MediaType, accepted, choose, parse

JSON = MediaType("application/dicom+json")
XML = MediaType("application/dicom+xml")
OBJECTS = MediaType("multipart/related", {"type": "application/dicom"})


@pytest.mark.parametrize(
    ("header", "offers", "chosen"),
    [
        ("", [JSON, XML], JSON),
        ("*/*", [JSON, XML], JSON),
        ("application/dicom+xml", [JSON, XML], XML),
        ("application/dicom+json;q=0.2, application/dicom+xml;q=0.9", [JSON, XML], XML),
        ("application/dicom+json; q=0, */*;q=0.1", [XML], XML),
        ('multipart/related; type="application/dicom"; transfer-syntax=*', [OBJECTS], OBJECTS),
        ("multipart/related; type=application/dicom", [OBJECTS], OBJECTS),
        ("multipart/related", [OBJECTS], OBJECTS),
        ("multipart/*", [OBJECTS], OBJECTS),
    ],
)
def test_the_best_of_what_is_accepted_is_chosen(
    header: str, offers: list[MediaType], chosen: MediaType
) -> None:
    found = choose(header, offers)
    assert found is not None
    assert found[0] is chosen


@pytest.mark.parametrize(
    "header",
    [
        "text/html",
        'multipart/related; type="application/dicom+xml"',
        "application/dicom+json;q=0",
        "application/dicom+json;q=x",
        "nonsense",
        "application/dicom+json text/html",
        "a/b," * 5000,
    ],
)
def test_nothing_is_chosen_where_nothing_fits(header: str) -> None:
    assert choose(header, [JSON, OBJECTS]) is None


def test_quoted_parameters_are_unquoted() -> None:
    kind = parse(r'multipart/related; boundary="a\"b;c,d"; type="A/B"')
    assert kind is not None
    assert (kind.parameters["boundary"], kind.root) == ('a"b;c,d', "a/b")
    assert [one.name for one in accepted('a/b; c="x,y", d/e')] == ["a/b", "d/e"]
    assert parse("a/b, c/d") is None
