"""QIDO-RS and WADO-RS as HTTP: results leave here under the true identity, each time for somebody who may."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from pydicom.dataset import Dataset
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from dicom_scp.deidentify import check_uid
from dicom_scp.errors import NotUnderstood
from service.access import Permission
from service.dicomweb.media import DICOM, DICOM_JSON, OCTET_STREAM, RELATED, MediaType, choose
from service.dicomweb.multipart import Part, related
from service.dicomweb.pictures import (
    JPEG,
    LARGEST_SIDE,
    PNG,
    QUALITY,
    NoPicture,
    frame_count,
    media_type_of,
    plain_frame,
    rendered_frame,
    stored_frame,
)
from service.dicomweb.qido import Entry, UnfitQuery, read_query, search
from service.dicomweb.results import Found, Gone, Model, Results, plain_model
from service.dicomweb.tokens import Admission, Client

_MODELS = (MediaType(DICOM_JSON), MediaType("application/json"))
_OBJECTS = MediaType(RELATED, {"type": DICOM})
_PIXEL_DATA = "7FE00010"
_PATHS = ("study", "series", "instance")
_PAGE_LEFT = '299 scanside "There are more results: ask with offset and limit."'
_NOT_FUZZY = (
    '299 scanside "The fuzzymatching parameter is not supported. Only literal matching has been performed."'
)

T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a URL names."""

    study: str = ""
    series: str = ""
    instance: str = ""

    @classmethod
    def of(cls, request: Request) -> "Asked":
        """Read the path. Raises HTTPException where it names something that is no UID."""
        uids = [str(request.path_params.get(name, "")) for name in _PATHS]
        try:
            for uid in uids:
                if uid:
                    check_uid(uid)
        except NotUnderstood as error:
            raise HTTPException(400, "The URL names something that is no UID.") from error
        return cls(*uids)


class Retrieval:
    """Answers searches and retrievals, and keeps a line of each for the audit: who, what kind, how many."""

    def __init__(self, results: Results, admission: Admission) -> None:
        self._results = results
        self._admission = admission

    def routes(self, root: str) -> list[Route]:
        """Give the routes below a root such as /dicom-web."""
        study = f"{root}/studies/{{study}}"
        series = f"{study}/series/{{series}}"
        instance = f"{series}/instances/{{instance}}"
        searches = {
            "studies": (f"{root}/studies",),
            "series": (f"{root}/series", f"{study}/series"),
            "instances": (f"{root}/instances", f"{study}/instances", f"{series}/instances"),
        }
        found = [
            Route(path, partial(self._searched, level=level))
            for level, paths in searches.items()
            for path in paths
        ]
        for path in (study, series, instance):
            found.append(Route(path, self._retrieved))
            found.append(Route(f"{path}/metadata", self._metadata))
        found.append(Route(f"{instance}/frames/{{frames}}", self._frames))
        found.append(Route(f"{instance}/frames/{{frames}}/rendered", self._rendered))
        found.append(Route(f"{instance}/rendered", self._rendered))
        found.append(Route(f"{instance}/bulkdata/{_PIXEL_DATA}", self._pixels))
        return found

    async def _searched(self, request: Request, *, level: str) -> Response:
        client = await self._client(request)
        chosen = _chosen(request, _MODELS, f"A search is answered as {DICOM_JSON}.")
        asked = Asked.of(request)
        try:
            query = read_query(level, request.query_params.multi_items())
        except UnfitQuery as error:
            raise HTTPException(400, f"The search does not fit: {error}.") from error
        study, series = asked.study or query.study, asked.series or query.series

        def page() -> tuple[list[Model], bool]:
            found = self._results.find(study, series)
            entries, more = search(query, found)
            base = _base(request)
            told = [
                self._told(entry, base, level, query.included, all_=query.everything) for entry in entries
            ]
            _audit(client, "search", [one for entry in entries for one in entry.found])
            return told, more

        models, more = await run_in_threadpool(page)
        warnings = [_PAGE_LEFT] * more + [_NOT_FUZZY] * query.fuzzy
        headers = {"Warning": ", ".join(warnings)} if warnings else {}
        if not models:
            return Response(status_code=204, headers=headers)
        return JSONResponse(models, media_type=chosen.name, headers=headers)

    def _told(self, entry: Entry, base: str, level: str, included: frozenset[str], *, all_: bool) -> Model:
        """Give the entry with where to fetch it, and the further attributes that were asked for."""
        first = entry.found[0]
        path = f"{base}/studies/{first.text('StudyInstanceUID')}"
        if level != "studies":
            path += f"/series/{first.text('SeriesInstanceUID')}"
        if level == "instances":
            path += f"/instances/{first.text('SOPInstanceUID')}"
        model = {**entry.model, "00081190": {"vr": "UR", "Value": [path]}}
        further = included - model.keys()
        if further or (all_ and level == "instances"):
            try:
                whole = self._model(first, base)
            except Gone:
                return model
            model |= {tag: whole[tag] for tag in (whole if all_ else further & whole.keys())}
        return dict(sorted(model.items()))

    async def _retrieved(self, request: Request) -> Response:
        client = await self._client(request)
        found = await self._found(request)
        offers = [_OBJECTS, MediaType(DICOM)] if len(found) == 1 else [_OBJECTS]
        chosen, asked = _chosen_with_range(request, offers, f'Objects leave as {RELATED}; type="{DICOM}".')
        await run_in_threadpool(self._check_syntax, found, asked.parameters.get("transfer-syntax", "*"))
        _audit(client, "retrieve", found)
        if chosen is not _OBJECTS:
            content = await self._opened(lambda: self._results.content(found[0].shelved))
            return Response(content, media_type=DICOM)
        kind, chunks = related(self._parts(found))
        return StreamingResponse(chunks, media_type=kind)

    def _parts(self, found: Sequence[Found]) -> Iterator[Part]:
        for one in found:
            yield Part(self._results.content(one.shelved))

    def _check_syntax(self, found: Sequence[Found], wanted: str) -> None:
        """Raise HTTPException unless all objects stand in the transfer syntax that is wanted."""
        for one in found if wanted != "*" else ():
            if self._dataset(one).file_meta.TransferSyntaxUID != wanted:
                raise HTTPException(406, "Objects leave in the transfer syntax in which they are kept.")

    async def _metadata(self, request: Request) -> Response:
        client = await self._client(request)
        chosen = _chosen(request, _MODELS, f"Metadata leave as {DICOM_JSON}.")
        found = await self._found(request)
        base = _base(request)
        models = await self._opened(lambda: [self._model(one, base) for one in found])
        _audit(client, "metadata", found)
        return JSONResponse(models, media_type=chosen.name)

    def _model(self, found: Found, base: str) -> Model:
        """Give everything but the pixels, which are only pointed at. Raises Gone."""
        dataset = self._results.dataset(found.shelved)
        vr = ""
        if "PixelData" in dataset:
            vr = dataset["PixelData"].VR
            del dataset.PixelData
        model = dict(plain_model(dataset))
        if vr:
            uids = (found.text(name) for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"))
            study, series, instance = uids
            link = f"{base}/studies/{study}/series/{series}/instances/{instance}/bulkdata/{_PIXEL_DATA}"
            model[_PIXEL_DATA] = {"vr": vr, "BulkDataURI": link}
        return model

    async def _frames(self, request: Request) -> Response:
        client, one, dataset = await self._image(request)
        numbers = _numbers(str(request.path_params["frames"]), frame_count(dataset))
        offers = [MediaType(RELATED, {"type": kind}) for kind in {media_type_of(dataset): 0, OCTET_STREAM: 0}]
        chosen, _ = _chosen_with_range(request, offers, "Frames leave as they are stored, or uncompressed.")
        give = stored_frame if chosen.root == media_type_of(dataset) else plain_frame
        frames = await self._opened(lambda: [Part(give(dataset, n), chosen.root) for n in numbers])
        _audit(client, "frames", [one])
        kind, chunks = related(frames, chosen.root)
        return StreamingResponse(chunks, media_type=kind)

    async def _pixels(self, request: Request) -> Response:
        client, one, dataset = await self._image(request)
        offers = [MediaType(RELATED, {"type": OCTET_STREAM}), MediaType(OCTET_STREAM)]
        chosen, _ = _chosen_with_range(request, offers, f"Bulk data leave as {OCTET_STREAM}.")
        _audit(client, "bulkdata", [one])
        if chosen.name == OCTET_STREAM:
            return Response(dataset.PixelData, media_type=OCTET_STREAM)
        kind, chunks = related([Part(dataset.PixelData, OCTET_STREAM)], OCTET_STREAM)
        return StreamingResponse(chunks, media_type=kind)

    async def _rendered(self, request: Request) -> Response:
        client, one, dataset = await self._image(request)
        number = _numbers(str(request.path_params.get("frames", "1")), frame_count(dataset))[0]
        chosen = _chosen(request, [MediaType(JPEG), MediaType(PNG)], f"Pictures leave as {JPEG} or {PNG}.")
        quality, viewport = _quality(request), _viewport(request)
        drawn = await self._opened(
            lambda: rendered_frame(dataset, number, chosen.name, quality=quality, viewport=viewport)
        )
        _audit(client, "rendered", [one])
        return Response(drawn, media_type=chosen.name)

    async def _image(self, request: Request) -> tuple[Client, Found, Dataset]:
        """Give who asks, the instance, and its data set, which has pixels. Raises HTTPException."""
        client = await self._client(request)
        (one,) = await self._found(request)
        dataset = await self._opened(lambda: self._dataset(one))
        if not frame_count(dataset):
            raise HTTPException(406, "This result has no frames.")
        return client, one, dataset

    def _dataset(self, one: Found) -> Dataset:
        return self._results.dataset(one.shelved)

    async def _client(self, request: Request) -> Client:
        return await run_in_threadpool(self._admission.client, request, Permission.RESULTS)

    async def _found(self, request: Request) -> list[Found]:
        asked = Asked.of(request)
        found = await run_in_threadpool(
            lambda: list(self._results.find(asked.study, asked.series, asked.instance))
        )
        if not found:
            raise HTTPException(404, "There is no such result.")
        return found

    async def _opened(self, function: Callable[[], T]) -> T:
        try:
            return await run_in_threadpool(function)
        except Gone as error:
            raise HTTPException(404, "There is no such result.") from error
        except NoPicture as error:
            raise HTTPException(406, "The result has no picture of that kind.") from error


def _audit(client: Client, operation: str, found: Sequence[Found]) -> None:
    """Say that results were shown to somebody: by pseudonymous names alone."""
    series = sorted({one.shelved.series_id for one in found})
    extra = {"peer": client.name, "operation": operation, "count": len(found), "series": series}
    log.info("results shown", extra=extra)


def _base(request: Request) -> str:
    return f"{str(request.base_url).rstrip('/')}/dicom-web"


def _chosen(request: Request, offers: Sequence[MediaType], otherwise: str) -> MediaType:
    return _chosen_with_range(request, offers, otherwise)[0]


def _chosen_with_range(
    request: Request, offers: Sequence[MediaType], otherwise: str
) -> tuple[MediaType, MediaType]:
    found = choose(request.headers.get("accept", ""), offers)
    if found is None:
        raise HTTPException(406, otherwise)
    return found


def _numbers(text: str, most: int) -> list[int]:
    """Read frame numbers with commas between. Raises HTTPException."""
    parts = text.split(",")
    if not all(part.isascii() and part.isdecimal() and len(part) < 9 for part in parts):
        raise HTTPException(400, "The frames are numbers with commas between them.")
    numbers = [int(part) for part in parts]
    if len(numbers) > most or not all(1 <= number <= most for number in numbers):
        raise HTTPException(404, "There is no such frame.")
    return numbers


def _quality(request: Request) -> int:
    text = request.query_params.get("quality", str(QUALITY))
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:4]) <= 100):
        raise HTTPException(400, "The quality is a number from 1 to 100.")
    return int(text)


def _viewport(request: Request) -> tuple[int, int] | None:
    text = request.query_params.get("viewport")
    if text is None:
        return None
    parts = text.split(",")
    if len(parts) != 2 or not all(part.isascii() and part.isdecimal() and len(part) < 6 for part in parts):
        raise HTTPException(400, "The viewport is its width and height.")
    width, height = int(parts[0]), int(parts[1])
    if not (1 <= width <= LARGEST_SIDE and 1 <= height <= LARGEST_SIDE):
        raise HTTPException(400, f"The viewport's sides are from 1 to {LARGEST_SIDE}.")
    return width, height
