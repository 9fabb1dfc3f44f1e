"""Intake's other paths: what was refused, the date, catalogue, status, publishing again, disposal, tokens."""

from datetime import date
from importlib.metadata import version
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Row
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from efterhand.access_log.reading import AccessFilter
from efterhand.clock import today_in_stockholm
from efterhand.contracts import REFUSAL_CODES, NotJson, parse_event
from efterhand.disposal import WrongHorizon
from efterhand.timeline.digest import BUCKETS, digest_of
from efterhand.web.paging import DEFAULT_LIMIT, LARGEST_LIMIT, decode_cursor, encode_cursor, page
from efterhand.web.problem import Problem, bad_request, not_available, not_found
from efterhand.web.rights import Principal, Right, requires
from efterhand.web.sight import sight_of
from efterhand_intake.adapters import access, archive, catalogues, disposals, refusals, registers
from efterhand_intake.adapters.writer import NotStored
from efterhand_intake.application import keep_the_date, manage_tokens, publish_again, try_refused_again
from efterhand_intake.application.dispose import Wanted
from efterhand_intake.bootstrap import Services
from efterhand_intake.entrypoints.http_events import answer_of
from efterhand_intake.entrypoints.posted import LARGEST_BODY
from efterhand_intake.entrypoints.sign_in import KeptSessions

MOST_DISPOSALS: Final = 1000
"""Persons that one request may dispose of: for so long nothing else is received."""

Limit = Annotated[int, Query(ge=1, le=LARGEST_LIMIT)]


class NewDate(BaseModel):
    """The date to move to."""

    model_config = ConfigDict(extra="forbid")
    date: date


class Person(BaseModel):
    """A person who is to be disposed of, by hashes: an item of `/indicators/v1/disposable`."""

    model_config = ConfigDict(extra="forbid")
    personhash: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    events: Annotated[int, Field(ge=1)]
    sum: Annotated[str, Field(pattern="^[0-9a-f]{16}$")]
    bucket: Annotated[int, Field(ge=0, lt=BUCKETS)]
    least: Annotated[str, Field(pattern="^[0-9a-f]{16}$")]


class NewDisposals(BaseModel):
    """Up to which horizon, and whom."""

    model_config = ConfigDict(extra="forbid")
    before: date
    persons: Annotated[list[Person], Field(max_length=MOST_DISPOSALS)]


class WantedUnit(BaseModel):
    """The unit that somebody asks access to, and why."""

    model_config = ConfigDict(extra="forbid")
    unit: str
    reason: str


class NewToken(BaseModel):
    """What token is wanted."""

    model_config = ConfigDict(extra="forbid")
    role: str
    source: str | None = None
    unit: str | None = None
    staff: str | None = None
    valid_days: Annotated[int, Field(ge=1, le=3660)] | None = None


def create_routes(services: Services) -> APIRouter:
    """Return the routes under `/intake/v1` that are not for posting events."""
    router = APIRouter(prefix="/intake/v1")
    engine = services.engine
    sessions = KeptSessions(services)

    @router.get("/refused")
    def list_refused(
        principal: Annotated[Principal, requires(Right.REFUSED_READ)],
        code: str | None = None,
        source: str | None = None,
        closed: bool = False,
        cursor: str | None = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> dict[str, Any]:
        """List what was refused, the newest first; a source's token and an integrator see what is their own."""
        _check_code(code)
        before = decode_cursor(cursor, (int,))
        with engine.begin() as connection:
            rows = refusals.listed(
                connection,
                code=code,
                source=source,
                readers=principal.sources(Right.REFUSED_READ),
                closed=closed,
                before=None if before is None else before[0],
                rows=limit + 1,
            )
            items = [_entry(row) for row in rows[:limit]]
            seen = [
                access.seen_in(row.person, item["event"]) for row, item in zip(rows, items, strict=False) if row.person
            ]
            access.log(connection, principal, Right.REFUSED_READ, "refused", seen)
        return page(items, encode_cursor([rows[limit - 1].id]) if len(rows) > limit else None)

    @router.get("/refused/counts")
    def count_refused(
        principal: Annotated[Principal, requires(Right.REFUSED_READ)],
        code: str | None = None,
        source: str | None = None,
    ) -> dict[str, Any]:
        """Count open entries by code and by source; a source's token and an integrator count what is their own."""
        _check_code(code)
        with engine.connect() as connection:
            whole, codes, sources = refusals.count_open_by(
                connection, code=code, source=source, readers=principal.sources(Right.REFUSED_READ)
            )
        return {
            "all": whole,
            "codes": [{"code": each, "count": codes[each]} for each in REFUSAL_CODES if each in codes],
            "sources": [
                {"source": each, "count": sources[each]} for each in sorted(sources, key=lambda name: name or "")
            ],
        }

    @router.get("/access-log")
    def access_log(
        principal: Annotated[Principal, requires(Right.LOG_READ)],
        wanted: Annotated[AccessFilter, Depends()],
        cursor: str | None = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> dict[str, Any]:
        """List who saw whom here, and who broke the glass, the newest line first."""
        with engine.begin() as connection:
            today = registers.stored_date(connection) or today_in_stockholm()
            sight = sight_of(principal, Right.LOG_READ, services.catalogue.units, today)
            found, seen = access.read(connection, wanted, sight, cursor, limit)
            access.log(connection, principal, Right.LOG_READ, "access-log", seen)
        return found

    @router.post("/refused/{entry_id}/resend")
    async def resend(
        entry_id: int, request: Request, _: Annotated[Principal, requires(Right.REFUSED_RESEND)]
    ) -> Response:
        """Send an entry again, as it stands or, with `{"event": …}`, corrected; closes it when it is taken."""
        body = await request.body()
        if len(body) > LARGEST_BODY:
            raise Problem(413, "too_large", "The request is too large")
        return await run_in_threadpool(_resend, services, entry_id, body)

    @router.get("/catalogue")
    def read_catalogue(_: Annotated[Principal, requires(Right.CATALOGUE_READ)]) -> Response:
        """Give what a sender may send."""
        return _json(services.catalogue.as_json())

    @router.get("/catalogue/changes")
    def list_catalogue_changes(
        _: Annotated[Principal, requires(Right.CATALOGUE_READ)],
        cursor: str | None = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> Response:
        """List the catalogues that were taken over, the newest first, with what changed in words."""
        before = decode_cursor(cursor, (int,))
        with engine.connect() as connection:
            rows = catalogues.listed(connection, None if before is None else before[0], limit + 1)
        items = [
            {name: getattr(row, name) for name in ("version", "name", "adopted_on", "adopted_at", "changes")}
            for row in rows[:limit]
        ]
        return _json(page(items, encode_cursor([rows[limit - 1].id]) if len(rows) > limit else None))

    @router.get("/date")
    def read_date(_: Annotated[Principal, requires(Right.STATUS_READ)]) -> dict[str, Any]:
        """Give the business date."""
        with engine.connect() as connection:
            return _date(services, registers.stored_date(connection))

    @router.post("/date")
    def move_date(wanted: NewDate, _: Annotated[Principal, requires(Right.SYSTEM_OPERATE)]) -> dict[str, Any]:
        """Move the business date forward (manual clock)."""
        if services.settings.clock != "manual":
            raise Problem(409, "manual_clock_only", "Only with the manual clock", "The system clock moves by itself.")
        try:
            with engine.begin() as connection:
                keep_the_date.move_to(connection, wanted.date)
        except keep_the_date.DateMovesBack as error:
            raise Problem(
                409, "date_moves_back", "The date moves only forward", f"The business date is {error.stored} already."
            ) from None
        services.relay.notify()
        return _date(services, wanted.date)

    @router.get("/status")
    def read_status(_: Annotated[Principal, requires(Right.STATUS_READ)]) -> Response:
        """Give the state of intake; `lag` is null while Kafka cannot be asked."""
        return _json(_status(services))

    @router.post("/republish", status_code=202)
    def republish(_: Annotated[Principal, requires(Right.SYSTEM_OPERATE)]) -> dict[str, Any]:
        """Publish the whole archive again; the status tells how long that takes."""
        with engine.begin() as connection:
            publish_again.begin(connection)
        services.broker.notify()
        return {"republishing": True}

    @router.post("/disposals")
    def dispose(wanted: NewDisposals, _: Annotated[Principal, requires(Right.SYSTEM_OPERATE)]) -> dict[str, Any]:
        """Dispose of persons of whom nothing lies on or after a day; who has moved on since is left alone."""
        try:
            with engine.begin() as connection:
                done = services.disposer.dispose(
                    connection, wanted.before, [Wanted(**person.model_dump()) for person in wanted.persons]
                )
        except WrongHorizon as error:
            raise bad_request("wrong_horizon", str(error)) from None
        except archive.NoDateYet:
            raise not_available("The business date is not known yet.") from None
        services.relay.notify()
        return {"before": wanted.before, "disposed": len(done.disposed), "moved_on": list(done.moved_on)}

    @router.post("/glass", status_code=201)
    def break_glass(
        wanted: WantedUnit, request: Request, _: Annotated[Principal, requires(Right.GLASS_BREAK)]
    ) -> dict[str, str]:
        """Give the holder of a token access to another unit for some hours; the reason is kept."""
        token = request.headers["authorization"].partition(" ")[2].strip()
        return {"token": sessions.break_glass(token, wanted.unit, wanted.reason)}

    @router.post("/tokens", status_code=201)
    def issue_token(wanted: NewToken, _: Annotated[Principal, requires(Right.TOKENS_MANAGE)]) -> Response:
        """Issue a token; its text is shown this once."""
        try:
            with engine.begin() as connection:
                issued = manage_tokens.issue(
                    connection,
                    services.tokens,
                    wanted.role,
                    wanted.source,
                    wanted.valid_days,
                    unit=wanted.unit,
                    staff=wanted.staff,
                    units=services.catalogue.units.units,
                )
        except manage_tokens.WrongToken as error:
            raise Problem(422, "wrong_token", "No such token can be issued", str(error)) from None
        return _json(issued, 201)

    @router.get("/tokens")
    def list_tokens(
        _: Annotated[Principal, requires(Right.TOKENS_MANAGE)],
        cursor: str | None = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> Response:
        """List issued tokens without their text."""
        after = decode_cursor(cursor, (str,))
        with engine.connect() as connection:
            rows = registers.tokens_after(connection, None if after is None else after[0], limit + 1)
        items = [_token(row) for row in rows[:limit]]
        return _json(page(items, encode_cursor([rows[limit - 1].id]) if len(rows) > limit else None))

    @router.delete("/tokens/{token_id}", status_code=204)
    def revoke_token(token_id: str, _: Annotated[Principal, requires(Right.TOKENS_MANAGE)]) -> Response:
        """Revoke a token; every service hears of it."""
        with engine.begin() as connection:
            known = registers.revoke_token(connection, token_id)
        if not known:
            raise not_found("No token with that id was issued here.")
        services.revocations.add(token_id)
        services.relay.notify()
        return Response(status_code=204)

    return router


def _check_code(code: str | None) -> None:
    if code is not None and code not in REFUSAL_CODES:
        raise bad_request("wrong_code", f"The codes are {', '.join(REFUSAL_CODES)}.")


def _resend(services: Services, entry_id: int, body: bytes) -> Response:
    if not 0 < entry_id < 2**63:
        raise not_found("There is no such entry.")
    with services.engine.connect() as connection:
        entry = refusals.entry(connection, entry_id)
        day = registers.stored_date(connection)
    if entry is None:
        raise not_found("There is no such entry.")
    if entry.closed:
        raise Problem(409, "closed", "The entry is closed", "It was accepted later, or sent again.")
    if day is None:
        raise not_available("The business date is not known yet.")
    if body.strip():
        try:
            given = parse_event(body)
        except NotJson as error:
            raise bad_request("not_json", error.message) from None
        if not isinstance(given, dict) or given.keys() != {"event"}:
            raise bad_request("bad_request", 'Send nothing, or {"event": …} with the corrected event.')
        candidate = try_refused_again.corrected(entry, given["event"])
    elif not entry.is_whole:
        raise Problem(
            409,
            "not_whole",
            "The entry cannot be sent as it stands",
            "Part of the event was not kept: an identity number, or text that is not JSON or too long. "
            'Send {"event": …} with the corrected event.',
        )
    else:
        candidate = try_refused_again.as_it_stands(entry)
    services.writer.judge(candidate, day)
    try:
        decisions = services.writer.apply([candidate])
    except NotStored:
        raise not_available("The event could not be put on disk; send it again later.") from None
    status, answer, media_type = answer_of([candidate], decisions, batch=False)
    return Response(answer, status, media_type=media_type)


def _entry(row: Row[Any]) -> dict[str, Any]:
    event, text = None, row.body
    if row.body is not None and "not_json" not in row.codes and len(row.body) < 64 * 1024:
        try:
            event, text = orjson.loads(row.body), None
        except orjson.JSONDecodeError:
            event = None
    return {
        "id": row.id,
        "outcome": row.outcome,
        "codes": row.codes,
        "field": row.field,
        "message": row.message,
        "source": row.source,
        "event_id": row.event_id,
        "sender": row.sender or None,
        "event": event,
        "text": text,
        "can_be_resent": row.is_whole and not row.closed,
        "times": row.times,
        "first_received": row.first_received,
        "last_received": row.last_received,
        "closed": row.closed,
    }


def _token(row: Row[Any]) -> dict[str, Any]:
    names = ("id", "role", "source", "unit", "staff", "created_at", "expires_at", "revoked_at")
    return {name: getattr(row, name) for name in names}


def _date(services: Services, day: date | None) -> dict[str, Any]:
    if day is None:
        raise not_available("The business date is not known yet.")
    return {"date": day, "clock": services.settings.clock}


def _status(services: Services) -> dict[str, Any]:
    # The outbox before the lag: what leaves the one in between shows in the other.
    with services.engine.connect() as connection:
        depth, age = registers.outbox_state(connection)
        publishing = publish_again.is_under_way(connection)
        status = {
            "date": registers.stored_date(connection),
            "clock": services.settings.clock,
            "outbox": depth,
            "outbox_age_seconds": round(age, 1),
            "republishing": publishing,
            "dirty": int(publishing),
            "parked": registers.count_parked(connection),
            "refused": refusals.count_open(connection),
            "digest": digest_of(archive.digest_rows(connection)),
            "disposed": disposals.count_events(connection),
            "catalogue": services.catalogue.version,
            "version": version("efterhand"),
        }
    return {**status, "lag": services.lag.measure()}


def _json(content: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type=JSONResponse.media_type)
