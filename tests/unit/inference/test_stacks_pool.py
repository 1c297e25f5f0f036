"""Stacks of real series: what was acquired, as names, file counts and headers tell, against what is made of it."""

import os
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import pytest
from pydicom import dcmread

from dicom_scp.deidentify import Deidentifier, deidentify_file
from dicom_scp.errors import Refused
from dicom_scp.identity import KeyRing
from inference.image import number_of_frames
from inference.places import Part, parts_of
from inference.stacks import sample, stacks_of

POOL = os.environ.get("SCANSIDE_DATA", "")
pytestmark = pytest.mark.skipif(not POOL, reason="SCANSIDE_DATA names no folder of real series")

VOLUMES = 8


class Series(NamedTuple):
    """What a series is."""

    folder: str
    objects: int  # images in the folder
    slices: int  # of them all
    stacks: tuple[int, ...]  # slices of each, sorted
    over_time: bool = False
    scored: int | None = None  # where not all


KNOWN = (
    # Siemens mosaics: repetitions of one volume, one object each
    Series("e2e/neurolabusc__dcm_qa_mosaic/02_mosaic/408b25_cmrr_Asc", 3, 120, (40,) * 3),
    Series("e2e/neurolabusc__dcm_qa_mosaic/02_mosaic/5c7f4f_ep2d_Asc", 3, 108, (36,) * 3),
    Series("e2e/neurolabusc__dcm_qa_asl/02_mosaic/7dfcf8_pasl_2d", 2, 40, (20,) * 2),
    Series("e2e/neurolabusc__dcm_qa_asl/02_mosaic/cce26d_pasl_3d_m0", 2, 80, (40,) * 2),
    Series("e2e/neurolabusc__dcm_qa_asl/02_mosaic/e6c930_pasl_3d", 2, 80, (40,) * 2),
    Series("e2e/neurolabusc__dcm_qa_decubitus/02_mosaic/a861b1_ep2d_diff_mddw_20_p2", 2, 50, (25,) * 2),
    Series("e2e/neurolabusc__dcm_qa/03_transfer_syntax/4e028b_fMRI_MB_int", 2, 72, (36,) * 2),
    Series("e2e/neurolabusc__dcm_qa/03_transfer_syntax/91dca5_fMRI_MB_asc", 2, 72, (36,) * 2),
    Series("e2e/muschellij2__oro.dicom/02_mosaic/761492_ep2d_BOLD_evntX4", 1, 31, (31,)),
    # United Imaging: tiles too, without a position by which two volumes could be told apart
    Series("e2e/neurolabusc__dcm_qa_uih/02_mosaic/393e3e_dti_tra_dir16_PA_rot_SaveByS", 2, 40, (40,)),
    # Enhanced, one object for each repetition: Siemens XA30 and VE11
    Series("e2e/neurolabusc__dcm_qa_xa30/01_enhanced_mr/d81450_func_bold_task_fa_run_1", 2, 66, (33,) * 2),
    Series("e2e/neurolabusc__dcm_qa_xa30/01_enhanced_mr/c0efc5_asl_2d_tra", 2, 24, (12,) * 2),
    Series("e2e/neurolabusc__dcm_qa_enh/01_enhanced_mr/8097fd_REST1_w_SMS_PF7_8", 4, 24, (6,) * 4),
    # ... for each echo
    Series("e2e/neurolabusc__dcm_qa_xa30/01_enhanced_mr/b50465_gre_field_mapping", 2, 66, (33,) * 2),
    # ... for all repetitions: Philips
    Series("e2e/icometrix__dicom2nifti/01_enhanced_mr/6e0975_001", 1, 32, (8,) * 4),
    Series("e2e/icometrix__dicom2nifti/01_enhanced_mr/89ef96_001_implicit", 1, 32, (8,) * 4),
    # magnitude and phase (real, imaginary) of one object; two echoes in the first
    Series("e2e/QIB-Sheffield__dbdicom/01_enhanced_mr/074f1b_Cor_B0map_BH", 1, 104, (13,) * 8),
    Series("e2e/neurolabusc__dcm_qa_enh/01_enhanced_mr/fdb812_B0_NS", 1, 64, (32,) * 2),
    # volumes of one moment
    Series("e2e/nipy__nibabel/01_enhanced_mr/cd4dd3_MPRAGE_S2", 1, 176, (176,)),
    Series("e2e/neurolabusc__dcm_qa_xa30/01_enhanced_mr/3740f7_anat_T1w_acq_tfl", 1, 96, (96,)),
    # a knee that is bent under the scanner: one slice in time
    Series(
        "e2e/fo-dicom__fo-dicom/01_enhanced_mr/8bd01f_Sagittal_1_stack_1_dimension",
        1,
        19,
        (19,),
        over_time=True,
    ),
    # classic, multi-echo
    Series("train/GSTT-CSC__hazen/157c37_Spin_Echo", 8, 8, (2,) * 4),
    Series("train/GSTT-CSC__hazen/d92dc7_T2_Relaxometry15", 16, 16, (2,) * 8),
    Series("train/neurolabusc__dcm_qa_fmap/0db4ee_gre_field_mag", 12, 12, (6,) * 2),
    # classic, in time: diffusion (of each volume every tenth slice or so is in the pool)
    Series("train/neurolabusc__dcm_qa_canon/8e10c9_DTI_PA_ortho", 65, 65, (5,) * 13, scored=40),
    Series("train/neurolabusc__dcm_qa_canon_61/f7ad9c_SAG_DTI_PA_ortho", 65, 65, (5,) * 13, scored=40),
    # one slice of an fMRI run
    Series("train/neurolabusc__dcm_qa_philips_enh/89567f_fcMRI", 60, 60, (60,), over_time=True, scored=32),
    # three planes of a localizer
    Series("train/DIAGNijmegen__picai_prep/28d530_t2_localizer", 13, 13, (3, 5, 5)),
)


def parts_in(folder: Path) -> tuple[int, list[Part]]:
    """Read what is here as the service sees it: clean, in the order of instances."""
    deidentify = Deidentifier(KeyRing.ephemeral())
    found: list[tuple[float, int, list[Part]]] = []
    for path in sorted(folder.iterdir()):
        try:
            instance = deidentify_file(path, deidentify)
        except Refused:
            continue
        if instance is not None:
            ds = dcmread(BytesIO(instance.content), stop_before_pixels=True)
            facts = instance.facts
            found.append(
                (facts.position or 0.0, facts.instance_number or 0, parts_of(ds, number_of_frames(ds)))
            )
    found.sort(key=lambda one: one[:2])
    return len(found), [part for _, _, parts in found for part in parts]


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.folder.rpartition("/")[2])
def test_real_series_fall_into_the_volumes_that_were_acquired(known: Series) -> None:
    folder = Path(POOL) / known.folder
    objects, parts = parts_in(folder)
    assert (objects, len(parts)) == (known.objects, known.slices)
    stacks = stacks_of([part.place for part in parts])
    assert tuple(sorted(len(stack.slices) for stack in stacks)) == known.stacks
    assert any(stack.over_time for stack in stacks) == known.over_time
    chosen = sample([part.place for part in parts], (), VOLUMES, whole=True)
    assert len(chosen) == (known.slices if known.scored is None else known.scored)
