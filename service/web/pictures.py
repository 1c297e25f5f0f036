"""Pixels and masks of a slice, for the viewer as raw numbers, for others as PNG."""

from collections.abc import Sequence
from typing import Annotated

import cv2
import numpy as np
from fastapi import APIRouter, HTTPException, Path, Response
from numpy.typing import NDArray

from inference.artifacts import CATALOGUE
from service.ledger_views import SliceSource
from service.web.access import VisibleSeries
from service.web.deps import HouseOf, Position
from service.web.house import House
from service.web.problems import documented

router = APIRouter(prefix="/api/v1/series/{series_id}/slices/{position}", tags=["pictures"])

OPERATING_POINT = 128  # a mask value at and above which a pixel belongs to the artifact
WINDOW_PERCENTILES = (1.0, 99.5)  # what the viewer shows at first

_NAMES = tuple(artifact.name for artifact in CATALOGUE)
_RAW = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
_PNG = {"image/png": {"schema": {"type": "string", "format": "binary"}}}


def _header(text: str) -> dict[str, object]:
    return {"description": text, "schema": {"type": "string"}}


def _source(house: House, series_id: str, position: int) -> SliceSource:
    source = house.ledger.slice_source(series_id, position)
    if source is None:
        raise HTTPException(404, "There is no such slice.")
    return source


def to_uint16(
    pixels: NDArray[np.float32] | NDArray[np.uint16],
) -> tuple[NDArray[np.uint16], tuple[int, int]]:
    """Stretch pixels over 0..65535 and suggest a window (low, high) in the new values."""
    values = np.nan_to_num(pixels.astype(np.float32), posinf=0.0, neginf=0.0)
    low, high = float(values.min(initial=0.0)), float(values.max(initial=0.0))
    scale = 65535.0 / (high - low) if high > low else 0.0
    stretched = np.round((values - low) * scale).astype(np.uint16)
    dark, bright = np.percentile(stretched, WINDOW_PERCENTILES) if stretched.size else (0.0, 0.0)
    return stretched, (int(dark), max(int(bright), int(dark) + 1))


def _png(image: NDArray[np.uint16] | NDArray[np.uint8]) -> Response:
    done, encoded = cv2.imencode(".png", image)
    assert done
    return Response(encoded.tobytes(), media_type="image/png")


def _present(masks: NDArray[np.uint8]) -> Sequence[int]:
    return [i for i, mask in enumerate(masks) if mask.size and int(mask.max()) >= OPERATING_POINT]


@router.get(
    "/image",
    summary="Pixels, raw",
    response_class=Response,
    responses={
        200: {
            "description": "Unsigned 16-bit little-endian pixels, row by row, stretched over the full range",
            "content": _RAW,
            "headers": {
                "X-Image-Shape": _header("rows, columns"),
                "X-Image-Spacing": _header("mm between rows, mm between columns"),
                "X-Image-Window": _header("lowest and highest value to show at first"),
            },
        },
        **documented(401, 403, 404, 410),
    },
)
def get_image(series_id: VisibleSeries, position: Position, house: HouseOf) -> Response:
    """Give the pixels of a slice as a viewer wants them."""
    picture = house.picture(_source(house, series_id, position))
    pixels, window = to_uint16(picture.pixels)
    headers = {
        "X-Image-Shape": f"{pixels.shape[0]}, {pixels.shape[1]}",
        "X-Image-Spacing": f"{picture.spacing[0]:g}, {picture.spacing[1]:g}",
        "X-Image-Window": f"{window[0]}, {window[1]}",
    }
    body = pixels.astype("<u2").tobytes()
    return Response(body, media_type="application/octet-stream", headers=headers)


@router.get(
    "/image.png",
    summary="Pixels as PNG",
    response_class=Response,
    responses={
        200: {"description": "16-bit greyscale, stretched over the full range", "content": _PNG},
        **documented(401, 403, 404, 410),
    },
)
def get_image_png(series_id: VisibleSeries, position: Position, house: HouseOf) -> Response:
    """Give the pixels of a slice as a 16-bit picture."""
    pixels, _ = to_uint16(house.picture(_source(house, series_id, position)).pixels)
    return _png(pixels)


@router.get(
    "/masks",
    summary="Masks, raw",
    response_class=Response,
    responses={
        200: {
            "description": "One plane of unsigned bytes for each artifact that is located on the slice, "
            "covering the same field of view as the pixels; 128 and above: part of the mask. "
            "Empty where nothing is.",
            "content": _RAW,
            "headers": {
                "X-Mask-Shape": _header("planes, rows, columns"),
                "X-Mask-Artifacts": _header("names of the planes, in their order"),
            },
        },
        **documented(401, 403, 404),
    },
)
def get_masks(series_id: VisibleSeries, position: Position, house: HouseOf) -> Response:
    """Give the masks of a slice as a viewer wants them."""
    masks = _masks(house, _source(house, series_id, position))
    located = _present(masks)
    headers = {
        "X-Mask-Shape": f"{len(located)}, {masks.shape[1]}, {masks.shape[2]}",
        "X-Mask-Artifacts": ", ".join(_NAMES[i] for i in located),
    }
    return Response(masks[located].tobytes(), media_type="application/octet-stream", headers=headers)


@router.get(
    "/masks/{artifact}.png",
    summary="One mask as PNG",
    response_class=Response,
    responses={
        200: {"description": "8-bit greyscale; 128 and above: part of the mask", "content": _PNG},
        **documented(401, 403, 404),
    },
)
def get_mask_png(
    series_id: VisibleSeries,
    position: Position,
    artifact: Annotated[str, Path(pattern=r"^[a-z]{1,20}$", description="Name of the catalogue")],
    house: HouseOf,
) -> Response:
    """Give the mask of one artifact on a slice as a picture."""
    if artifact not in _NAMES:
        raise HTTPException(404, "There is no such artifact.")
    masks = _masks(house, _source(house, series_id, position))
    if not masks.size:
        raise HTTPException(404, "Nothing is located on this slice.")
    return _png(masks[_NAMES.index(artifact)])


def _masks(house: House, source: SliceSource) -> NDArray[np.uint8]:
    """Unpack the masks, (classes, rows, columns); of no size where nothing is located."""
    if source.masks is None:
        return np.zeros((len(_NAMES), 0, 0), np.uint8)
    return house.masks(source.masks)
