"""The same result has the same names, another result has other names."""

import uuid
from dataclasses import replace
from itertools import combinations

import pytest

from service.report import build_card, build_report, build_segmentation, encode
from service.report.uids import Uids, derive
from tests.series import mr_series
from tests.unit.service.report.results import PRODUCT, scored_result


def names(result):
    built = [build_report(result), *build_segmentation(result), build_card(result)]
    return [(one.SOPInstanceUID, one.SeriesInstanceUID) for one in built]


def test_a_name_is_a_uuid_of_version_8():
    value = uuid.UUID(int=int(derive("a", "b").removeprefix("2.25.")))
    assert value.version == 8
    assert value.variant == uuid.RFC_4122


def test_parts_cannot_run_into_each_other():
    assert derive("ab", "c") != derive("a", "bc")


def test_building_twice_gives_the_same_bytes():
    one, other = scored_result(mr_series(slices=3)), scored_result(mr_series(slices=3))
    for build in (build_report, lambda result: build_segmentation(result)[0], build_card):
        assert encode(build(one)) == encode(build(other))


@pytest.mark.parametrize(
    "change",
    [
        {"generation": 2},
        {"identity_revision": 1},
        {"product": replace(PRODUCT, model_sha256="00" * 32)},
        {"product": replace(PRODUCT, config_digest="00" * 32)},
        {"product": replace(PRODUCT, installation_uid="2.25.1")},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_changes_a_result_changes_every_name(change):
    result = scored_result()
    before, after = names(result), names(replace(result, **change))
    assert not {uid for pair in before for uid in pair} & {uid for pair in after for uid in pair}


def test_one_more_image_changes_the_names_and_their_order_does_not():
    images = mr_series(slices=4)
    uids = Uids.of(scored_result(images)).of_result
    assert Uids.of(scored_result(images[::-1])).of_result == uids
    assert Uids.of(scored_result(images[:3])).of_result != uids


def test_every_kind_has_a_series_and_names_of_its_own():
    pairs = names(scored_result())
    assert all(not set(one) & set(other) for one, other in combinations(pairs, 2))


def test_what_is_tracked_keeps_its_name_over_generations():
    result = scored_result()
    later = replace(result, generation=2, product=replace(PRODUCT, model_sha256="00" * 32))
    assert Uids.of(result).tracking("motion") == Uids.of(later).tracking("motion")
    assert Uids.of(result).tracking("motion") != Uids.of(result).tracking("wrap")
