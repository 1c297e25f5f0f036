"""multipart/related: what is written is read back, however it is cut; what is none is refused, and nothing piles up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.dicomweb.media import MediaType, parse
from service.dicomweb.multipart import (
    LONGEST_HEADER,
    BrokenMultipart,
    Part,
    PartReader,
    TooLarge,
    boundary_of,
    related,
)


def written(parts: list[Part], root_type: str = "application/dicom") -> tuple[str, bytes]:
    kind, chunks = related(parts, root_type)
    found = parse(kind)
    assert found is not None
    return boundary_of(found), b"".join(chunks)


def read(message: bytes, boundary: str, step: int = 1 << 20, *, most: int = 1 << 20) -> list[Part]:
    reader = PartReader(boundary, most_bytes=most)
    parts = [part for at in range(0, len(message), step) for part in reader.feed(message[at : at + step])]
    reader.close()
    return parts


BODIES = st.binary(max_size=200) | st.sampled_from([b"", b"\r\n", b"--", b"\r\n--", b"\r\n\r\n", b"--b\r\n"])


@given(st.lists(BODIES, max_size=5), st.integers(1, 40))
def test_what_is_written_is_read_back_however_it_is_cut(bodies: list[bytes], step: int) -> None:
    parts = [Part(body, "application/octet-stream", f"bulk/{n}") for n, body in enumerate(bodies)]
    boundary, message = written(parts)
    assert read(message, boundary, step) == parts


@given(st.lists(BODIES.filter(lambda body: b"--b" not in body), min_size=1, max_size=4), st.integers(1, 20))
def test_a_line_that_begins_like_the_boundary_belongs_to_the_body(bodies: list[bytes], step: int) -> None:
    bodies = [body + b"\r\n--bc" for body in bodies]
    message = b"".join(b"--b\r\nContent-Type: a/b\r\n\r\n" + body + b"\r\n" for body in bodies) + b"--b--"
    assert [part.body for part in read(message, "b", step)] == bodies


def test_the_root_type_and_a_quoted_boundary_are_understood() -> None:
    kind = parse('Multipart/Related; TYPE="application/dicom" ;boundary="a b:c";;')
    assert kind is not None
    assert (kind.name, kind.root, boundary_of(kind)) == ("multipart/related", "application/dicom", "a b:c")


@pytest.mark.parametrize(
    ("message", "bodies"),
    [
        (b"--b\r\n\r\nx\r\n--b--", [b"x"]),  # no header
        (b"before\r\n--b \t\r\nA: b\r\n\r\nx\r\n--b--after", [b"x"]),  # preamble, padding, epilogue
        (b"--b\r\nA: b\r\n\r\n--b--", [b""]),  # no body: the blank line's end begins the delimiter
        (b"--b\r\nA: b\r\n\r\n\r\n--b--", [b""]),
        (b"--b--", []),
    ],
)
def test_odd_but_lawful_messages_are_read(message: bytes, bodies: list[bytes]) -> None:
    for step in (1, 2, 3, 100):
        assert [part.body for part in read(message, "b", step)] == bodies


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"no boundary at all",
        b"x" * (2 * LONGEST_HEADER),
        b"--b\r\nA: b\r\n\r\nnever ends",
        b"--b\r\nA: b\r\n\r\nx\r\n--b",
        b"--b\r\nno colon\r\n\r\nx\r\n--b--",
        b"--b\r\nA: b\r\n folded: c\r\n\r\nx\r\n--b--",
        b"--b\r\n" + b"A: b\r\n" * LONGEST_HEADER + b"\r\nx\r\n--b--",
    ],
)
def test_what_is_no_message_is_refused(message: bytes) -> None:
    for step in (7, 1 << 20):
        with pytest.raises(BrokenMultipart):
            read(message, "b", step)


def test_a_part_beyond_the_limit_is_refused_before_it_is_whole() -> None:
    reader = PartReader("b", most_bytes=1000)
    list(reader.feed(b"--b\r\n\r\n"))
    while reader.held < 1000:
        assert list(reader.feed(b"x" * 100)) == []
    with pytest.raises(TooLarge):
        list(reader.feed(b"x" * 100))
    assert [len(part.body) for part in read(b"--b\r\n\r\n" + b"x" * 1000 + b"\r\n--b--", "b", most=1000)] == [
        1000
    ]
    with pytest.raises(TooLarge):
        read(b"--b\r\n\r\n" + b"x" * 1001 + b"\r\n--b--", "b", most=1000)


@given(st.data())
def test_a_spoilt_message_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    boundary, message = written([Part(body) for body in data.draw(st.lists(BODIES, max_size=4))])
    spoilt = bytearray(message)
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(spoilt)))
        spoilt[at : at + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    reader = PartReader(boundary, most_bytes=300, most_parts=5)
    step = data.draw(st.integers(1, 64))
    try:
        for at in range(0, len(spoilt), step):
            for part in reader.feed(bytes(spoilt[at : at + step])):
                assert len(part.body) <= 300
            assert reader.held <= 2 * LONGEST_HEADER
        reader.close()
    except (BrokenMultipart, TooLarge):
        pass


def test_more_parts_than_the_limit_are_refused() -> None:
    reader = PartReader("b", most_bytes=1000, most_parts=3)
    taken = []
    with pytest.raises(TooLarge):
        taken.extend(reader.feed(b"--b\r\n\r\n\r\n" * 4))
    assert len(taken) <= 3


@pytest.mark.parametrize("boundary", ["", "x" * 201, "a\r\nb", "ends ", "ü"])
def test_a_boundary_that_is_none_is_refused(boundary: str) -> None:
    with pytest.raises(BrokenMultipart):
        boundary_of(MediaType("multipart/related", {"boundary": boundary}))
