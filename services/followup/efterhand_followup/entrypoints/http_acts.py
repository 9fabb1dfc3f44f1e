"""The paths by which staff act on checks. What becomes an event passes intake before it is said to be saved."""

import uuid
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from sqlalchemy import Connection
from starlette.responses import JSONResponse, Response

from efterhand.web.problem import Problem, bad_request, not_available
from efterhand.web.rights import Principal, Right, requires
from efterhand_followup.adapters.act_store import accept_acts, drop_acts
from efterhand_followup.adapters.intake_client import IntakeUnavailable
from efterhand_followup.application.act_on_checks import KINDS, MOST_AT_ONCE, UseCase, act_on_checks
from efterhand_followup.application.acting import Acting, must_be_key
from efterhand_followup.application.answer_check import answer_check
from efterhand_followup.application.attempt_check import attempt_check
from efterhand_followup.application.postpone_check import postpone_check
from efterhand_followup.application.undo_act import undo_act
from efterhand_followup.application.who_is_seen import seen_in_ids
from efterhand_followup.bootstrap import Services
from efterhand_followup.domain.acts import Act
from efterhand_followup.entrypoints.requests import services_of, viewer_of, write_down

router = APIRouter(prefix="/followup/v1")

Actor = Annotated[Principal, requires(Right.CHECKS_ANSWER)]
Said = Annotated[dict[str, Any], Body()]


@router.post("/checks/{check_id}/answer")
def answer(request: Request, principal: Actor, check_id: str, body: Said) -> Response:
    """Answer a check. The answer goes through intake, whose refusal is passed on as it is."""
    return _act(services_of(request), principal, answer_check, check_id, body)


@router.post("/checks/{check_id}/attempt")
def attempt(request: Request, principal: Actor, check_id: str, body: Said) -> Response:
    """Note that somebody tried to reach the person: `on`, `how`. It goes through intake as an answer does."""
    return _act(services_of(request), principal, attempt_check, check_id, body)


@router.post("/checks/{check_id}/postpone")
def postpone(request: Request, principal: Actor, check_id: str, body: Said) -> Response:
    """Let a check wait until a day: `until`."""
    return _act(services_of(request), principal, postpone_check, check_id, body)


@router.post("/checks/{check_id}/undo")
def undo(request: Request, principal: Actor, check_id: str, body: Said) -> Response:
    """Take back what one did oneself: `act`, its key; without it, what one did last."""
    return _act(services_of(request), principal, undo_act, check_id, body)


@router.post("/checks/acts")
def acts(
    request: Request,
    principal: Actor,
    kind: Annotated[str, Body()],
    key: Annotated[str, Body()],
    said: Annotated[dict[str, Any], Body()],
    checks: Annotated[list[str], Body(max_length=MOST_AT_ONCE)] = [],  # noqa: B006
) -> Response:
    """Do the same with several checks: 202 when all of it is saved, 207 when some is not, with the reason of each.

    Taking back needs no checks: it is then of all that was done under the key `act`.
    """
    if kind not in KINDS:
        raise bad_request("wrong_kind", f"There is no kind {kind!r}; the kinds are {', '.join(KINDS)}.")
    services = services_of(request)
    with services.engine.begin() as connection:
        acting = _acting(connection, services, principal)
        done = act_on_checks(connection, acting, kind, list(dict.fromkeys(checks)), must_be_key(key), said)
        seen = seen_in_ids(connection, [check_id for check_id, each in done.items() if not _is_not_found(each)])
    write_down(services, principal, Right.CHECKS_ANSWER, "acts", seen, acting.viewer.sight)
    kept = [each for each in done.values() if isinstance(each, Act)]
    refused = _pass_on(services, kept)
    results = [_result(check_id, each, refused.get(check_id)) for check_id, each in done.items()]
    return JSONResponse({"results": results}, 202 if all(each["saved"] for each in results) else 207)


def _acting(connection: Connection, services: Services, principal: Principal) -> Acting:
    viewer = viewer_of(connection, services, principal, Right.CHECKS_ANSWER)
    return Acting(services.catalogue, viewer, services.settings.clock == "manual")


def _is_not_found(done: Act | Problem) -> bool:
    return isinstance(done, Problem) and done.status == 404


def _act(services: Services, principal: Principal, use_case: UseCase, check_id: str, body: dict[str, Any]) -> Response:
    """Do one thing with one check. Without a key in the body the same request twice is two acts."""
    key = must_be_key(body.pop("key", uuid.uuid4().hex))
    with services.engine.begin() as connection:
        act = use_case(connection, _acting(connection, services, principal), check_id, key, body)
    if act.event is None:
        return JSONResponse({"key": act.key}, 202)
    event = {"source": act.event["source"], "id": act.event["id"]}
    if not act.accepted:
        # No connection is held while the door is asked.
        try:
            reply = services.intake.post(act.event)
        except IntakeUnavailable:
            raise _not_kept() from None
        _settle(services, [act], [] if reply.accepted else [act])
        if not reply.accepted:
            return Response(reply.body, reply.status, media_type=reply.media_type)
    return JSONResponse({"key": act.key, "event": event}, 202)


def _pass_on(services: Services, acts: Sequence[Act]) -> dict[str, str]:
    """Hand the events of acts to intake; return why some are refused, by check."""
    waiting = [act for act in acts if act.event is not None and not act.accepted]
    try:
        said = services.intake.post_all([act.event for act in waiting if act.event is not None])
    except IntakeUnavailable:
        raise _not_kept() from None
    refused = {act.check_id: why for act, why in zip(waiting, said, strict=True) if why is not None}
    _settle(services, waiting, [act for act in waiting if act.check_id in refused])
    return refused


def _settle(services: Services, posted: Sequence[Act], refused: Sequence[Act]) -> None:
    """Note what intake said: what it has counts, what it refuses is forgotten."""
    with services.engine.begin() as connection:
        accept_acts(connection, [act for act in posted if act not in refused])
        drop_acts(connection, refused)


def _result(check_id: str, done: Act | Problem, refused: str | None) -> dict[str, Any]:
    if isinstance(done, Problem):
        return {"check": check_id, "saved": False, "code": done.code, "message": done.detail or done.title}
    if refused is not None:
        return {"check": check_id, "saved": False, "code": "refused", "message": refused}
    return {"check": check_id, "saved": True, "code": None, "message": None}


def _not_kept() -> Problem:
    return not_available("It was not kept, because intake does not answer. Sent again with its key it is the same act.")
