"""STOW-RS (PS3.18, 10.5): a request is an association by other means; its instances go through the same door."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from dicom_scp.deidentify import Announced, check_uid
from dicom_scp.errors import NotUnderstood
from dicom_scp.part10 import opened
from dicom_scp.taking import Peer, Refusal, Taker
from service.access import Permission
from service.dicomweb.assembly import Assembly, Unbuildable, Waiting, built
from service.dicomweb.media import DICOM, DICOM_JSON, DICOM_XML, RELATED, MediaType, choose, parse
from service.dicomweb.multipart import BrokenMultipart, Part, PartReader, TooLarge, boundary_of
from service.dicomweb.stored import Outcome, http_status, model_of, to_xml
from service.dicomweb.tokens import Admission, Client

AT_ONCE = 16  # instances that are being taken
MOST_HELD = 2  # times the largest instance: bytes of all requests that wait to be whole
_ANSWERS = (MediaType(DICOM_JSON), MediaType(DICOM_XML), MediaType("application/json"))

log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a request to bear, as at the DICOM port."""

    instance_bytes: int
    pace_bytes: int  # as many bytes as a PDU may have ...
    pace_s: float  # ... arrive within as many seconds as a PDU may take


class TooSlow(TimeoutError):
    """The request arrives too slowly."""


class Crowded(RuntimeError):
    """Too much is arriving at once."""


@dataclass(slots=True)
class Posting:
    """One request on its way in."""

    client: Client
    root: str  # media type of its parts
    study: str  # keyed Study Instance UID that the URL names, or ""
    reader: PartReader
    assembly: Assembly
    outcomes: list[Outcome] = field(default_factory=list)
    series: set[str] = field(default_factory=set)  # keyed Series Instance UIDs of what was kept
    taking: int = 0  # bytes of the part that goes through the door

    @property
    def held(self) -> int:
        """Bytes that are half here, or not through yet."""
        return self.reader.held + self.assembly.held + self.taking


class Stow:
    """Answers store requests."""

    def __init__(
        self, taker: Taker, admission: Admission, keyed: Callable[[str], str], limits: Limits
    ) -> None:
        self._taker = taker
        self._admission = admission
        self._keyed = keyed
        self._limits = limits
        self._threads = CapacityLimiter(AT_ONCE)
        self._postings: list[Posting] = []

    async def __call__(self, request: Request) -> Response:
        """Take the instances of a request and tell what became of each. Raises HTTPException."""
        client = await self._run(lambda: self._admission.client(request, Permission.STOW))
        answer = _answer_type(request)
        posting = self._begun(request, client)
        self._postings.append(posting)
        whole = False
        peer = Peer(request.client.host if request.client else "", client.ae_title)
        try:
            self._taker.events.association("accepted", peer)
            self._taker.events.active(1)
            await self._received(request, posting)
            whole = True
        finally:
            self._postings.remove(posting)
            self._taker.events.active(-1)
            self._taker.events.association("released" if whole else "aborted", peer)
        series = frozenset(posting.series)
        await self._run(lambda: self._taker.events.released(client.ae_title, series))
        return _response(posting.outcomes, answer)

    def _begun(self, request: Request, client: Client) -> Posting:
        kind = _content_type(request)
        study = request.path_params.get("study", "")
        try:
            if study:
                check_uid(study)
            reader = PartReader(boundary_of(kind), most_bytes=self._limits.instance_bytes)
        except BrokenMultipart as error:
            raise HTTPException(400, f"The request cannot be read: {error}.") from error
        except NotUnderstood as error:
            raise HTTPException(400, "The study in the URL is no UID.") from error
        keyed = self._keyed(study) if study else ""
        return Posting(client, kind.root, keyed, reader, Assembly(self._limits.instance_bytes))

    async def _received(self, request: Request, posting: Posting) -> None:
        try:
            async for chunk in paced(request.stream(), self._limits):
                for part in posting.reader.feed(chunk):
                    posting.taking = len(part.body)
                    posting.outcomes += await self._run(partial(self._outcomes, posting, part))
                    posting.taking = 0
                self._check_room()
            posting.reader.close()
            _check_filled(posting)
        except (BrokenMultipart, TooLarge, TooSlow, Crowded, ClientDisconnect) as error:
            reason, too_large = str(error) or "the client left", isinstance(error, TooLarge)
            await self._run(lambda: self._gave_up(posting, reason, too_large=too_large))
            raise _refusal(error, reason) from error
        posting.outcomes += await self._run(lambda: self._incomplete(posting))

    def _check_room(self) -> None:
        if sum(one.held for one in self._postings) > MOST_HELD * self._limits.instance_bytes:
            raise Crowded("too much is arriving at once")

    def _outcomes(self, posting: Posting, part: Part) -> list[Outcome]:
        """Take the instances that are whole with a part. Raises BrokenMultipart and TooLarge."""
        if posting.root == DICOM:
            return [self._taken(posting, part)]
        return [self._built(posting, *complete) for complete in posting.assembly.add(part)]

    def _incomplete(self, posting: Posting) -> list[Outcome]:
        """Tell of the instances whose bulk data never came."""
        return [self._unbuildable(one, "bulk data is missing") for one in posting.assembly.rest()]

    def _built(self, posting: Posting, waiting: Waiting, bulk: Mapping[str, bytes]) -> Outcome:
        try:
            return self._taken(posting, Part(built(waiting, bulk)))
        except Unbuildable as error:
            return self._unbuildable(waiting, str(error))

    def _unbuildable(self, waiting: Waiting, reason: str) -> Outcome:
        answer = self._taker.refuse(b"", reason, NotUnderstood.status)
        return Outcome(*waiting.names, answer.status)

    def _taken(self, posting: Posting, part: Part) -> Outcome:
        """Take one DICOM file through the door."""
        kind = parse(part.media_type or DICOM)
        try:
            file = opened(part.body if kind is not None and kind.name == DICOM else b"")
        except NotUnderstood as error:
            answer = self._taker.refuse(part.body, str(error), error.status)
            return Outcome("", "", answer.status)
        if not file.sop_instance_uid:
            answer = self._taker.refuse(part.body, "a part is no DICOM file", NotUnderstood.status)
            return Outcome("", "", answer.status)
        names = file.sop_class_uid, file.sop_instance_uid
        announced = Announced(*names, posting.client.ae_title)
        answer = self._taker.take(announced, file.encoded, file.transfer_syntax, study_uid=posting.study)
        if answer.series_uid:
            posting.series.add(answer.series_uid)
        return Outcome(*names, answer.status, dropped=bool(answer.dropped))

    def _gave_up(self, posting: Posting, reason: str, *, too_large: bool) -> None:
        """Tell of a request that ended early; what it brought until then stays."""
        log.warning("request ended early", extra={"reason": reason, "count": len(posting.outcomes)})
        if too_large:
            self._taker.events.refused(Refusal(posting.held, "", reason, 0))

    async def _run(self, function: Callable[[], T]) -> T:
        return await to_thread.run_sync(function, limiter=self._threads)


def _check_filled(posting: Posting) -> None:
    if not posting.outcomes and not posting.assembly.rest():
        raise BrokenMultipart("it holds no instance")


async def paced(chunks: AsyncIterator[bytes], limits: Limits) -> AsyncIterator[bytes]:
    """Pass on the chunks of a body; the time that their reader takes does not count. Raises TooSlow."""
    clock = asyncio.get_running_loop().time
    left, waited = limits.pace_bytes, 0.0
    while True:
        began = clock()
        try:
            async with asyncio.timeout(limits.pace_s - waited):
                chunk = await anext(chunks, None)
        except TimeoutError as error:
            raise TooSlow("its bytes are too far apart") from error
        if chunk is None:
            return
        waited += clock() - began
        left -= len(chunk)
        if left <= 0:
            left, waited = limits.pace_bytes, 0.0
        yield chunk


def _answer_type(request: Request) -> str:
    chosen = choose(request.headers.get("accept", ""), _ANSWERS)
    if chosen is None:
        raise HTTPException(406, f"The answer is {DICOM_JSON} or {DICOM_XML}.")
    return chosen[0].name


def _content_type(request: Request) -> MediaType:
    kind = parse(request.headers.get("content-type", ""))
    if kind is None or kind.name != RELATED or kind.root not in {DICOM, DICOM_JSON}:
        raise HTTPException(415, f'The request is {RELATED} with type="{DICOM}" or type="{DICOM_JSON}".')
    if request.headers.get("content-encoding", "identity") != "identity":
        raise HTTPException(415, "The request has no Content-Encoding: an instance may be compressed inside.")
    return kind


_REFUSALS: dict[type[Exception], tuple[int, str]] = {
    BrokenMultipart: (400, "The request cannot be read"),
    TooLarge: (413, "The request is too large"),
    TooSlow: (408, "The request is too slow"),
    Crowded: (503, "The request has to come again"),
    ClientDisconnect: (400, "The request was broken off"),
}


def _refusal(error: Exception, reason: str) -> HTTPException:
    status, words = _REFUSALS[type(error)]
    headers = {"Retry-After": "5"} if isinstance(error, Crowded) else None
    return HTTPException(status, f"{words}: {reason}.", headers)


def _response(outcomes: list[Outcome], media_type: str) -> Response:
    model, status = model_of(outcomes), http_status(outcomes)
    if media_type == DICOM_XML:
        return Response(to_xml(model), status, media_type=media_type)
    return JSONResponse(model, status, media_type=media_type)
