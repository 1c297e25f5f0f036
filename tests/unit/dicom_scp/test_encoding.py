"""Odd transfer syntaxes made plain."""

import resource
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import ExplicitVRBigEndian

from dicom_scp.encoding import LEAST_LIMIT, inflate, little_endian
from dicom_scp.errors import NotUnderstood
from tests.series import mr_series
from tests.unit.dicom_scp.encodings import encoded


@pytest.mark.parametrize("enhanced", [False, True])
def test_a_big_endian_data_set_becomes_the_little_endian_one(enhanced: bool) -> None:
    ds = mr_series(slices=2, rows=16, columns=16, enhanced=enhanced)[0]
    assert little_endian(encoded(ds, ExplicitVRBigEndian)) == encoded(ds)


@given(st.binary(max_size=300))
def test_random_bytes_are_refused_or_turned_but_never_worse(data: bytes) -> None:
    with suppress(NotUnderstood):
        little_endian(data)


@given(st.data())
def test_a_big_endian_data_set_with_bytes_changed_is_never_worse_than_refused(data: st.DataObject) -> None:
    sound = bytearray(encoded(mr_series(slices=1, rows=8, columns=8, enhanced=True)[0], ExplicitVRBigEndian))
    for _ in range(data.draw(st.integers(1, 6))):
        sound[data.draw(st.integers(0, len(sound) - 1))] = data.draw(st.integers(0, 255))
    with suppress(NotUnderstood):
        little_endian(bytes(sound[: data.draw(st.integers(0, len(sound)))]))


def deflated(data: bytes) -> bytes:
    deflater = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    return deflater.compress(data) + deflater.flush()


def test_a_deflated_data_set_is_inflated() -> None:
    assert inflate(deflated(b"MR" * 1000), 1 << 20) == b"MR" * 1000


def test_a_bomb_is_refused_before_it_goes_off() -> None:
    deflater = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    bomb = b"".join(deflater.compress(bytes(1 << 20)) for _ in range(300)) + deflater.flush()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(NotUnderstood, match="beyond"):
        inflate(bomb, 1 << 30)
    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kb * 1024 < 4 * LEAST_LIMIT


@pytest.mark.parametrize("data", [b"", b"no deflated data at all", deflated(b"MR" * 1000)[:-3]])
def test_what_is_not_deflated_or_cut_is_refused(data: bytes) -> None:
    with pytest.raises(NotUnderstood):
        inflate(data, 1 << 20)
