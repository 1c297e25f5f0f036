"""The API: scanners and destinations, whether they answer, and who was turned away."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, HTTPException, Path, Response

from dicom_scp.transfer_syntaxes import TRANSFER_SYNTAXES
from service.ledger.nodes import KeyUsed, NodeChanged, NodeExists, NoNode
from service.operating.node_desk import Node, NotAsked, NotReached
from service.operating.node_views import Probe
from service.operating.nodes import KeptScanner, UnfitNode
from service.operating.refusals import Refusal, refusals
from service.settings_tables import (
    DicomDestination,
    FolderDestination,
    ResearchDestination,
    Scanner,
    StowDestination,
)
from service.web.access import Operator, StatusReader
from service.web.answers import instant
from service.web.deps import HouseOf, IdempotencyKey
from service.web.nodes_wire import (
    NewNode,
    NodeAnswer,
    NodeList,
    NodeVersion,
    NodeVersions,
    ProbeAnswer,
    Refusals,
    RefusedAnswer,
    TurnedAway,
)
from service.web.problems import documented

router = APIRouter(prefix="/api/v1", tags=["nodes"])

MOST_REFUSED = 100
SYNTAXES: Mapping[str, str] = {
    "explicit": "Explicit VR Little Endian",
    "implicit": "Implicit VR Little Endian",
}
_ETAG = {"ETag": {"description": "What If-Match of the next change holds", "schema": {"type": "string"}}}

NodeId = Annotated[
    str,
    Path(pattern=r"^(scanner|to):[A-Za-z0-9][A-Za-z0-9 ._-]{0,31}$", description="scanner:NAME or to:NAME"),
]
IfMatch = Annotated[str | None, Header(max_length=24, description="ETag of what was seen")]
Given = Annotated[NewNode, Body(discriminator="role")]


@router.get("/nodes", summary="Scanners and destinations", responses=documented(401, 403))
def list_nodes(house: HouseOf, _caller: StatusReader) -> NodeList:
    """List the nodes of the settings file and those of the console, with what is known of each."""
    profiles = [profile.name for profile in house.nodes.file.tls_profile]
    return NodeList(items=[_answer(node) for node in house.nodes.all()], tls_profiles=profiles)


@router.post(
    "/nodes",
    summary="Add a node",
    status_code=201,
    responses={201: {"headers": _ETAG}, **documented(400, 401, 403, 409, 413)},
)
def add_node(
    response: Response, house: HouseOf, caller: Operator, given: Given, key: IdempotencyKey
) -> NodeAnswer:
    """Add a scanner, which is let in, or a destination, which gets results from the next series on."""
    try:
        row = house.nodes.add(given.id, given.told(), caller.name, key)
    except UnfitNode as error:
        raise HTTPException(400, str(error)) from error
    except (NodeExists, KeyUsed) as error:
        raise HTTPException(409, str(error)) from error
    response.headers["ETag"] = f'"{row.version}"'
    return _answer(house.nodes.node(given.id))


@router.put(
    "/nodes/{node_id}",
    summary="Change a node",
    responses={200: {"headers": _ETAG}, **documented(400, 401, 403, 404, 409, 412, 413, 428)},
)
def change_node(
    response: Response,
    node_id: NodeId,
    house: HouseOf,
    caller: Operator,
    given: Given,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> NodeAnswer:
    """Change a node that the console keeps."""
    try:
        row = house.nodes.change(node_id, given.told(), _version(if_match), caller.name, key)
    except UnfitNode as error:
        raise HTTPException(400, str(error)) from error
    except (NodeExists, KeyUsed) as error:
        raise HTTPException(409, str(error)) from error
    except NoNode as error:
        raise HTTPException(404, str(error)) from error
    except NodeChanged as error:
        raise HTTPException(412, str(error)) from error
    response.headers["ETag"] = f'"{row.version}"'
    return _answer(house.nodes.node(node_id))


@router.delete(
    "/nodes/{node_id}",
    summary="Remove a node",
    status_code=204,
    responses=documented(401, 403, 404, 409, 412, 428),
)
def remove_node(
    node_id: NodeId, house: HouseOf, caller: Operator, key: IdempotencyKey, if_match: IfMatch = None
) -> None:
    """Remove a node that the console keeps; what waits for it waits for a person."""
    try:
        house.nodes.remove(node_id, _version(if_match), caller.name, key)
    except NoNode as error:
        raise HTTPException(404, str(error)) from error
    except KeyUsed as error:
        raise HTTPException(409, str(error)) from error
    except NodeChanged as error:
        raise HTTPException(412, str(error)) from error


@router.get(
    "/nodes/{node_id}/versions", summary="What a node was before", responses=documented(401, 403, 404)
)
def list_versions(node_id: NodeId, house: HouseOf, _caller: StatusReader) -> NodeVersions:
    """List all versions of a node that the console keeps or kept, newest first."""
    rows = house.nodes.book.versions(node_id)
    if not rows:
        raise HTTPException(404, str(NoNode.__doc__))
    return NodeVersions(
        items=[
            NodeVersion(
                version=row.version,
                at=instant(row.at),
                by=row.by,
                told=None if row.told is None else dict(row.told),
            )
            for row in rows
        ]
    )


@router.post(
    "/nodes/{node_id}/echo", summary="Ask whether a node answers", responses=documented(401, 403, 404, 409)
)
def echo(node_id: NodeId, house: HouseOf, _caller: Operator) -> ProbeAnswer:
    """Ask by C-ECHO, or what fits its kind; the answer, or that there was none, is here within five seconds."""
    try:
        return _probe(house.nodes.echo(node_id))
    except NoNode as error:
        raise HTTPException(404, str(error)) from error
    except NotReached as error:
        raise HTTPException(409, str(error)) from error
    except NotAsked as error:
        raise HTTPException(503, str(error), {"Retry-After": "5"}) from error


@router.get("/refusals", summary="Who was turned away, and why", responses=documented(401, 403))
def list_refusals(house: HouseOf, _caller: StatusReader) -> Refusals:
    """Tell who was not let in and what would let them in, and which instances were not taken."""
    desk = house.nodes
    found = refusals(desk.callers.all(), desk.roster.fresh().allow)
    return Refusals(
        callers=[_turned_away(one) for one in found],
        instances=[
            RefusedAnswer(at=instant(one.at), status=f"0x{one.status:04X}", reason=one.reason, size=one.size)
            for one in desk.callers.refused(MOST_REFUSED)
        ],
    )


def _version(if_match: str | None) -> int:
    if if_match is None:
        raise HTTPException(428, "If-Match must say what was seen: the ETag of the node.")
    text = if_match.strip('"')
    if not (text.isascii() and text.isdecimal()):
        raise HTTPException(412, str(NodeChanged.__doc__))
    return int(text)


def _turned_away(one: Refusal) -> TurnedAway:
    return TurnedAway(
        address=one.call.address,
        ae_title=one.call.ae_title,
        count=one.call.count,
        first_at=instant(one.call.first_at),
        last_at=instant(one.call.last_at),
        why=one.why,
        let_in_now=one.let_in_now,
        network=one.network,
        settings=one.settings,
    )


def _probe(probe: Probe) -> ProbeAnswer:
    return ProbeAnswer(at=instant(probe.at), good=probe.good, told=probe.told, seconds=probe.seconds)


def _answer(node: Node) -> NodeAnswer:
    entry, row, sending, call = node.entry, node.row, node.sending, node.call
    seen = call.last_at if call else sending.sent_at if sending else None
    tried = sending.tried_at if sending else None
    told: dict[str, Any] = {
        "kind": getattr(entry, "kind", "scanner"),
        "ae_title": getattr(entry, "ae_title", None) or "",
        "calling_ae_title": getattr(entry, "calling_ae_title", None) or "",
        "host": _place(entry),
        "port": getattr(entry, "port", None) if getattr(entry, "host", None) else None,
        "network": (entry.network or "") if isinstance(entry, KeptScanner) else "",
        "tls": (isinstance(entry, DicomDestination) and entry.tls is not None)
        or _place(entry).startswith("https:"),
        "tls_profile": getattr(entry, "tls_profile", None) or "",
        "lacks": node.lacks,
        "transfer_syntaxes": _syntaxes(entry),
        "results": list(getattr(entry, "results", ())),
        "send": getattr(entry, "send", ""),
        "bundle": getattr(entry, "bundle", ""),
        "recheck": bool(getattr(entry, "recheck", False)),
        "can_echo": not node.lacks and (not isinstance(entry, Scanner) or entry.host is not None),
    }
    return NodeAnswer(
        id=node.id,
        role="scanner" if isinstance(entry, Scanner) else "destination",
        name=entry.name,
        source="file" if row is None else "console",
        overridden=node.overridden,
        version=None if row is None else row.version,
        changed_at=None if row is None else instant(row.at),
        changed_by="" if row is None else row.by,
        last_seen_at=None if seen is None else instant(seen),
        last_tried_at=None if tried is None else instant(tried),
        last_answer=sending.answer if sending else call.result if call else "",
        probe=None if node.probe is None else _probe(node.probe),
        **told,
    )


def _place(entry: object) -> str:
    """Say where a node is reached."""
    if isinstance(entry, StowDestination):
        return entry.url
    if isinstance(entry, FolderDestination) or (
        isinstance(entry, ResearchDestination) and entry.host is None
    ):
        return str(entry.folder)
    return getattr(entry, "host", None) or ""


def _syntaxes(entry: object) -> list[str]:
    if isinstance(entry, Scanner):
        from pydicom.uid import UID  # noqa: PLC0415 - its table is slow to load

        return [UID(uid).name for uid in TRANSFER_SYNTAXES]
    return [SYNTAXES[syntax]] if (syntax := getattr(entry, "transfer_syntax", None)) else []
