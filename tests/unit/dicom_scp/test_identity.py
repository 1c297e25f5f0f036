"""Keys, names made with them, and the vault."""

import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicom_scp.identity import (
    STANDARD_UIDS,
    Damaged,
    KeyFile,
    KeyRing,
    MissingKey,
    UnfitKey,
    Vault,
    WrongKey,
    key_id,
)

KEYS = KeyRing(bytes(range(32)))
ORIGINAL = "1.3.12.2.1107.5.2.43.67093.2022071112123507812708857"


def test_a_uid_stands_for_the_same_uid_in_any_process() -> None:
    say = f"from dicom_scp.identity import KeyRing;print(KeyRing(bytes(range(32))).uid({ORIGINAL!r}))"
    other = subprocess.run([sys.executable, "-c", say], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == KEYS.uid(ORIGINAL)


@given(st.from_regex(r"[0-9.]{1,64}", fullmatch=True))
def test_a_keyed_uid_is_a_version_eight_uuid_and_fits(original: str) -> None:
    if original in STANDARD_UIDS:
        return
    uid = KEYS.uid(original)
    number = UUID(int=int(uid.removeprefix("2.25.")))
    assert len(uid) <= 64
    assert number.version == 8
    assert number.variant == "specified in RFC 4122"


def test_another_key_gives_another_uid() -> None:
    assert KeyRing.ephemeral().uid(ORIGINAL) != KEYS.uid(ORIGINAL)


@pytest.mark.parametrize(
    "uid",
    [
        "1.2.840.10008.5.1.4.1.1.4",  # SOP class
        "1.2.840.10008.1.2.4.70",  # transfer syntax
        "1.2.840.10008.1.4.1.1",  # well-known frame of reference
        "1.2.840.10008.2.16.4",  # coding scheme
    ],
)
def test_uids_of_the_standard_are_never_mapped(uid: str) -> None:
    assert KEYS.uid(uid) == uid


def test_pseudonyms_of_different_kinds_have_nothing_in_common() -> None:
    assert KEYS.pseudonym("patient", "4711") == KEYS.pseudonym("patient", "4711")
    assert KEYS.pseudonym("patient", "4711") != KEYS.pseudonym("device", "4711")
    assert len(KEYS.pseudonym("patient", "4711")) <= 16  # fits SH


def test_a_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "site.key"
    made = KeyRing.from_file(path, create=True)
    assert path.stat().st_mode & 0o777 == 0o600
    assert KeyRing.from_file(path, create=True).uid(ORIGINAL) == made.uid(ORIGINAL)
    assert [p.name for p in tmp_path.iterdir()] == ["site.key"]


def test_a_missing_key_is_not_made_beside_a_filled_vault(tmp_path: Path) -> None:
    with pytest.raises(MissingKey, match="sealed data exist"):
        KeyRing.from_file(tmp_path / "site.key", create=False)
    assert not list(tmp_path.iterdir())


def test_a_key_that_everybody_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "site.key"
    KeyRing.from_file(path, create=True)
    path.chmod(0o644)
    with pytest.raises(UnfitKey):
        KeyRing.from_file(path, create=False)


@pytest.mark.parametrize("text", ["", "beef", "g" * 64, "00" * 33])
def test_a_key_that_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(UnfitKey):
        KeyRing.from_text(text)


def test_what_is_sealed_opens_in_its_own_place_only() -> None:
    vault = Vault(KEYS)
    sealed = vault.seal(b"Quastenflosser", "row 1")
    assert b"Quasten" not in sealed
    assert vault.open(sealed, "row 1") == b"Quastenflosser"
    with pytest.raises(Damaged):
        vault.open(sealed, "row 2")


@given(st.integers(0, 200), st.integers(1, 255))
def test_no_byte_can_be_changed_unnoticed(at: int, change: int) -> None:
    vault = Vault(KEYS)
    sealed = bytearray(vault.seal(bytes(150), "row"))
    sealed[at % len(sealed)] ^= change
    with pytest.raises(WrongKey):
        vault.open(bytes(sealed), "row")


def test_a_wrong_key_is_told_from_damage_and_has_another_fingerprint() -> None:
    vault, other = Vault(KEYS), Vault(KeyRing.ephemeral())
    assert vault.fingerprint != other.fingerprint
    with pytest.raises(WrongKey) as caught:
        other.open(vault.seal(b"x", "row"), "row")
    assert not isinstance(caught.value, Damaged)


def test_the_same_plain_text_is_sealed_differently_each_time() -> None:
    vault = Vault(KEYS)
    assert vault.seal(b"x", "row") != vault.seal(b"x", "row")


def test_two_hundred_thousand_uids_of_one_scanner_do_not_collide() -> None:
    root = ORIGINAL[:-6]
    keyed = {KEYS.uid(f"{root}{n:06}") for n in range(200_000)}
    assert len(keyed) == 200_000
    patients = {KEYS.pseudonym("patient", f"KLINIK\0{n}") for n in range(200_000)}
    assert len(patients) == 200_000


def test_two_sites_have_no_name_in_common() -> None:
    other = KeyRing(bytes(range(1, 33)))
    numbers = [str(n) for n in range(5000)]
    assert not {KEYS.uid(n) for n in numbers} & {other.uid(n) for n in numbers}
    assert not {KEYS.pseudonym("patient", n) for n in numbers} & {
        other.pseudonym("patient", n) for n in numbers
    }
    assert [KEYS.days(n) for n in numbers] != [other.days(n) for n in numbers]


@pytest.mark.parametrize("hidden", ["7731904", "1961.0412", "1961.4.12", "5.1.4.1.1.4.7731", ""])
def test_a_number_that_hides_below_the_root_of_the_standard_is_mapped(hidden: str) -> None:
    assert KEYS.uid(f"1.2.840.10008.{hidden}").startswith("2.25.")


def test_further_keys_of_a_ring_open_and_seal_and_change_no_name() -> None:
    ring = KeyRing.from_text("\n".join(("11" * 32, "22" * 32)))
    old, new = Vault(KeyRing.from_text("11" * 32)), Vault(ring)
    assert ring.uid(ORIGINAL) == KeyRing.from_text("11" * 32).uid(ORIGINAL)
    assert new.fingerprint == old.fingerprint
    sealed = old.seal(b"Quastenflosser", "row")
    again = new.resealed(sealed, "row")
    assert again is not None
    assert new.open(sealed, "row") == new.open(again, "row") == b"Quastenflosser"
    assert key_id(again) == new.key_ids[-1] != key_id(sealed) == old.key_ids[-1]
    assert new.resealed(again, "row") is None
    with pytest.raises(WrongKey):
        old.open(again, "row")


def test_a_key_file_that_was_changed_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "key"
    vault = Vault(KeyRing.from_file(path, create=True), (file := KeyFile(path)).renewed)
    first = vault.key_ids
    sealed = vault.seal(b"x", "row")
    KeyFile(path).add(keep=())
    assert vault.key_ids[:-1] == first
    second = vault.key_ids[-1]
    KeyFile(path).add(keep=())
    assert second in vault.key_ids, "somebody may be sealing with it"
    assert vault.open(sealed, "row") == b"x"
    assert key_id(vault.seal(b"x", "row")) == vault.key_ids[-1]
    assert file.renewed() is None
    known = vault.key_ids
    path.write_text("11" * 32)
    with pytest.raises(WrongKey):
        vault.seal(b"x", "row")
    assert vault.key_ids == known, "the key of another site is not taken up"
    path.unlink()
    assert vault.open(sealed, "row") == b"x", "a key that is known is not forgotten"
