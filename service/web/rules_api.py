"""The API: site rules, their versions, and trying them out."""

import difflib
import time
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Literal

from anyio import to_thread
from fastapi import APIRouter, Depends, Header, HTTPException, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError

from dicom_scp.errors import Refused
from service.ledger.rules import ChangedMeanwhile, NoVersion
from service.naming import NamesSomebody
from service.routing import Rulebook
from service.routing.conditions import Index, Share, VerdictName
from service.routing.text import Problem, UnfitRules, write
from service.routing.views import ErrandSelection, ErrandState, Version
from service.web import rules_answers as answers
from service.web import rules_wire as wire
from service.web.access import RuleKeeper, StatusReader, VisibleSeries
from service.web.api import PAGED, link_next
from service.web.deps import Cursor, HouseOf, Limit
from service.web.house import House
from service.web.problems import documented

router = APIRouter(prefix="/api/v1", tags=["rules"])

MOST_FILE = 64 << 20  # bytes of a DICOM file that is tried
FILE_PATH = "/api/v1/rules/describe"
_ETAG = {"ETag": {"description": "What If-Match of the next change holds", "schema": {"type": "string"}}}
WITH_ETAG: dict[int | str, dict[str, object]] = {200: {"headers": _ETAG}}
CHANGING = documented(400, 401, 403, 404, 409, 412, 413, 428)

Number = Annotated[int, Path(ge=1, le=10**12, description="Number of a version")]
ErrandId = Annotated[str, Path(pattern=r"^[0-9]{1,15}$", description="Opaque id of what a rule ordered")]
IfMatch = Annotated[str | None, Header(max_length=80, description="ETag of what was seen")]


def _unfit(problems: Sequence[Problem]) -> RequestValidationError:
    """Answer 422 with each problem at its place."""
    return RequestValidationError(
        [{"loc": ("body", *one.path.split(".")), "msg": one.message, "type": "rules"} for one in problems]
    )


def _read(house: House, given: wire.RulesGiven | None) -> Rulebook:
    if given is None:
        return house.rules.in_force()[1]
    try:
        return house.rules.read(given.content)
    except UnfitRules as error:
        raise _unfit(error.problems) from error


def _seen(if_match: str | None) -> int:
    if if_match is None:
        raise HTTPException(428, "If-Match must say what was seen: the ETag of the rules.")
    number = if_match.strip('"')
    if not (number.isascii() and number.isdecimal()):
        raise HTTPException(412, ChangedMeanwhile.__doc__)
    return int(number)


def _told(house: House, response: Response) -> wire.RulesAnswer:
    version, rulebook, problems = house.rules.in_force()
    state, why = house.rules.file()
    response.headers["ETag"] = f'"{0 if version is None else version.number}"'
    return wire.RulesAnswer(
        version=None if version is None else answers.version_answer(version),
        rulebook=rulebook,
        toml=write(rulebook),
        problems=answers.problem_answers(list(problems)),
        names=answers.names_answer(house.rules.names),
        file=state,
        file_problem=why,
    )


@router.get("/rules", summary="The rules in force", responses=WITH_ETAG | documented(401, 403))
def get_rules(response: Response, house: HouseOf, _caller: StatusReader) -> wire.RulesAnswer:
    """Tell the site rules in force, as values and as a file, and what rules may name."""
    return _told(house, response)


@router.put("/rules", summary="Change the rules", responses=WITH_ETAG | CHANGING)
def put_rules(
    response: Response, house: HouseOf, caller: RuleKeeper, given: wire.NewRules, if_match: IfMatch = None
) -> wire.RulesAnswer:
    """Put rules into force as a new version; what is in force already is not written again."""
    seen = _seen(if_match)
    rulebook = _read(house, given)
    try:
        house.rules.save(rulebook, seen=seen, by=caller.name, why=given.why.strip())
    except NamesSomebody as error:
        raise HTTPException(422, str(error)) from error
    except ChangedMeanwhile as error:
        raise HTTPException(412, str(error)) from error
    return _told(house, response)


@router.post("/rules/check", summary="Check rules", responses=documented(401, 403, 413))
def check_rules(house: HouseOf, _caller: RuleKeeper, given: wire.RulesGiven) -> wire.CheckAnswer:
    """Check rules and give them in both forms; nothing is kept."""
    try:
        rulebook = house.rules.read(given.content)
    except UnfitRules as error:
        return wire.CheckAnswer(problems=answers.problem_answers(error.problems), rulebook=None, toml=None)
    return wire.CheckAnswer(problems=[], rulebook=rulebook, toml=write(rulebook))


@router.get("/rules/versions", summary="Versions of the rules", responses=PAGED)
def list_versions(
    request: Request,
    response: Response,
    house: HouseOf,
    _caller: StatusReader,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> wire.VersionPage:
    """List the versions, newest first, a page at a time."""
    versions, following = house.rules.rulebooks.page(limit, cursor)
    link_next(request, response, following)
    return wire.VersionPage(items=[answers.version_answer(one) for one in versions], next_cursor=following)


@router.get(
    "/rules/versions/{number}", summary="One version of the rules", responses=documented(401, 403, 404)
)
def get_version(number: Number, house: HouseOf, _caller: StatusReader) -> wire.OldRules:
    """Tell one version."""
    version = _version(house, number)
    try:
        rulebook: Rulebook | None = house.rules.read(version.content)
    except UnfitRules:
        rulebook = None
    return wire.OldRules(
        version=answers.version_answer(version), rulebook=rulebook, toml=_toml(house, number)
    )


@router.get(
    "/rules/versions/{number}/diff",
    summary="What changed between versions",
    responses=documented(401, 403, 404),
)
def get_diff(
    number: Number,
    house: HouseOf,
    _caller: StatusReader,
    since: Annotated[int, Query(ge=0, le=10**12, description="The other version; 0: no rules")],
) -> wire.DiffAnswer:
    """Compare a version with another one, line by line."""
    before = _toml(house, since).splitlines() if since else []
    after = _toml(house, number).splitlines()
    told: list[wire.DiffLine] = []
    # Whole lines alone: ndiff looks into lines that are alike, which takes minutes for long rules.
    for kind, i, j, k, m in difflib.SequenceMatcher(None, before, after).get_opcodes():
        if kind == "equal":
            told += [wire.DiffLine(mark=" ", text=line) for line in before[i:j]]
            continue
        told += [wire.DiffLine(mark="-", text=line) for line in before[i:j]]
        told += [wire.DiffLine(mark="+", text=line) for line in after[k:m]]
    return wire.DiffAnswer(lines=told)


@router.post(
    "/rules/versions/{number}/restore", summary="Go back to a version", responses=WITH_ETAG | CHANGING
)
def restore_version(
    response: Response,
    number: Number,
    house: HouseOf,
    caller: RuleKeeper,
    given: wire.Restoring,
    if_match: IfMatch = None,
) -> wire.RulesAnswer:
    """Put an old version into force again, as a new one."""
    seen = _seen(if_match)
    try:
        house.rules.restore(number, seen=seen, by=caller.name, why=given.why.strip())
    except NamesSomebody as error:
        raise HTTPException(422, str(error)) from error
    except NoVersion as error:
        raise HTTPException(404, str(error)) from error
    except ChangedMeanwhile as error:
        raise HTTPException(412, str(error)) from error
    except UnfitRules as error:
        raise HTTPException(409, f"That version cannot be in force here: {error}") from error
    return _told(house, response)


@router.post("/rules/dry-run", summary="Try rules on the last verdicts", responses=documented(401, 403, 413))
def dry_run(house: HouseOf, _caller: RuleKeeper, given: wire.DryRun) -> wire.DryRunAnswer:
    """Say what rules would have made of the last verdicts; nothing is done."""
    rulebook = _read(house, given.rules)
    tried = house.rules.dry_run(rulebook, given.last)
    counted = Counter(rule.name for one in tried for rule in one.decision.fired)
    return wire.DryRunAnswer(
        held={rule.name: counted[rule.name] for rule in rulebook.rule},
        items=[answers.past_answer(one) for one in tried],
    )


@router.post("/rules/try", summary="Try rules on a case", responses=documented(401, 403, 413))
def try_rules(house: HouseOf, _caller: RuleKeeper, given: wire.Trial) -> wire.DecisionAnswer:
    """Say what rules would make of a verdict on a series; nothing is done."""
    rulebook = _read(house, given.rules)
    return answers.decision_answer(
        house.rules.tried(rulebook, answers.case_of_shape(given.case, time.time()))
    )


@router.post(
    "/rules/describe",
    summary="Describe a DICOM file for a trial",
    responses=documented(400, 401, 403, 413),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/dicom": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def describe_file(
    request: Request,
    house: HouseOf,
    _caller: RuleKeeper,
    verdict: VerdictName = "Usable",
    index: Annotated[Index | None, Query()] = None,
    suitability: Annotated[Share | None, Query()] = None,
) -> wire.CaseShape:
    """Take the identity off a file and tell what rules see of it; the file is not kept."""
    shape = wire.CaseShape(verdict=verdict, index=index, suitability=suitability)
    case = answers.case_of_shape(shape, time.time())
    content = await request.body()
    try:
        return answers.shape_of_case(await to_thread.run_sync(house.rules.described, content, case))
    except Refused as error:
        raise HTTPException(400, f"This is no MR image that is scored here: {error}") from error


def _selection(
    series: Annotated[
        str | None, Query(pattern=r"^[A-Za-z0-9._-]{1,80}$", description="Only those of this series")
    ] = None,
    channel: Annotated[
        str | None, Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,31}$", description="Only this way")
    ] = None,
    state: Annotated[ErrandState | None, Query(description="Only those in this state")] = None,
) -> ErrandSelection:
    return ErrandSelection(series, channel, state)


@router.get("/errands", summary="What rules ordered", responses=PAGED)
def list_errands(
    request: Request,
    response: Response,
    house: HouseOf,
    _caller: StatusReader,
    selection: Annotated[ErrandSelection, Depends(_selection)],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> wire.ErrandPage:
    """List alerts and forwards, newest first, a page at a time."""
    views, following = house.rules.errands.page(limit, cursor, selection)
    link_next(request, response, following)
    return wire.ErrandPage(items=[answers.errand_answer(one) for one in views], next_cursor=following)


@router.post("/errands/{errand_id}/retry", summary="Try again now", responses=documented(401, 403, 409))
def retry_errand(errand_id: ErrandId, house: HouseOf, caller: RuleKeeper) -> wire.ErrandAnswer:
    """Let what was given up, or waits, be tried now."""
    return _changed(house, errand_id, "retry", caller.name)


@router.post("/errands/{errand_id}/discard", summary="Give it up", responses=documented(401, 403, 409))
def discard_errand(errand_id: ErrandId, house: HouseOf, caller: RuleKeeper) -> wire.ErrandAnswer:
    """Let what waits, or was given up, never be done."""
    return _changed(house, errand_id, "discard", caller.name)


@router.get("/series/{series_id}/rules", summary="Which rules fired", responses=documented(401, 403, 404))
def list_firings(series_id: VisibleSeries, house: HouseOf) -> wire.FiringList:
    """Tell which rules held at the verdicts of a series, of which version, and what they said of its results."""
    return wire.FiringList(
        items=[answers.firing_answer(one) for one in house.rules.errands.firings(series_id)]
    )


def _changed(house: House, errand_id: str, what: Literal["retry", "discard"], by: str) -> wire.ErrandAnswer:
    view = house.rules.look_after(int(errand_id), what, by)
    if view is None:
        raise HTTPException(409, "It is done already, or there is no such.")
    return answers.errand_answer(view)


def _version(house: House, number: int) -> Version:
    try:
        return house.rules.rulebooks.version(number)
    except NoVersion as error:
        raise HTTPException(404, str(error)) from error


def _toml(house: House, number: int) -> str:
    try:
        return house.rules.toml(number)
    except NoVersion as error:
        raise HTTPException(404, str(error)) from error
    except UnfitRules as error:
        return "\n".join(f"# {problem}" for problem in error.problems) + "\n"
