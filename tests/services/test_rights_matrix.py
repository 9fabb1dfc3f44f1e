"""Every path of every service, by every role: own unit, other unit, protected person.

The paths are taken from the routes of the apps, so that a new one fails here until it is said who may what. Whom an
answer names must be exactly whom the log of who saw whom has got new lines about.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from efterhand.settings import Settings
from efterhand.web.door import create_door
from efterhand.web.references import reference_of
from efterhand.web.rights import ROLES, Grant
from efterhand.web.sight import Sight
from efterhand.web.signin.built_in import built_in_users
from efterhand.web.signin.provider import Provider
from efterhand.web.tokens import Tokens
from efterhand_followup.application.read_checks import CheckFilter, read_checks
from efterhand_followup.application.read_notices import NoticeFilter, read_notices
from efterhand_followup.application.reading import Asked
from efterhand_followup.bootstrap import create_services as create_followup
from efterhand_followup.entrypoints.api import create_app as create_followup_app
from efterhand_indicators.bootstrap import create_services as create_indicators
from efterhand_indicators.entrypoints.api import create_app as create_indicators_app
from efterhand_intake.entrypoints.api import create_app as create_intake_app
from efterhand_intake.entrypoints.sign_in import create_sign_in
from tests.services.followup_town import SECRET, Town, closed, enrolled
from tests.services.followup_town import event as accepted
from tests.services.indicators_office import Office
from tests.services.intake_running import Intake, event, running_intake
from tests.tiny import tiny_catalogue_directory

ENROLLED: Final = date(2016, 3, 1)
TODAY: Final = date(2017, 3, 10)

PERSONS: Final = {
    "person-own": ("north", False),
    "person-other": ("south", False),
    "hidden-own": ("north", True),
    "hidden-other": ("south", True),
}
"""Pseudonym → unit, whether the identity is protected. Own is the unit that a grant for a part is for."""

MACHINES: Final = {"source", "service"}
STAFF: Final = {"administrator", "case_worker", "manager", "register_owner", "protected_officer"}
FIGURES: Final = {"administrator", "manager", "analyst", "case_analyst"}
CASES: Final = {"administrator", "case_analyst"}
LEADERS: Final = {"administrator", "manager"}
REGISTER: Final = {"administrator", "register_owner"}
LOG: Final = {"administrator", "reviewer"}
OPERATE: Final = {"administrator", "operator"}
ADMINISTRATOR: Final = {"administrator"}
REFUSED: Final = {"administrator", "source", "integrator"}
SEES_PROTECTED: Final = {"administrator", "protected_officer"}
EVERYBODY: Final = set(ROLES)

CHECK: Final = "offer_90d:person-own:c-person-own"
OPEN_CHECKS: Final = {person: f"occupation_6m:{person}:c-{person}" for person in PERSONS}
"""What is on the worklist about each person."""
OPEN_CHECK: Final = OPEN_CHECKS["person-own"]
GROUPS: Final = "overdue,todo,waiting,done"
REFERENCES: Final = ",".join(reference_of(Tokens(SECRET), check_id) for check_id in OPEN_CHECKS.values())
REGISTER_MONTH: Final = "2017-04"
"""Seven months after the closures."""
PUT_OFF: Final = {"until": "2017-03-12"}
FIGURE: Final = "/indicators/v1/figures/{indicator}"
CELL: Final = "cell=unit:north"
MOVED: Final = f"from=2017-02-28&to={TODAY}"


@dataclass(frozen=True)
class Way:
    """How a path is asked, and who may."""

    roles: set[str]
    address: str = ""
    """What to ask for, if it is not the path as it stands."""
    body: Any = None
    persons: bool = False
    """Whether the answer shows persons."""


MATRIX: Final[dict[tuple[str, str], Way]] = {
    ("GET", "/followup/v1/openapi.json"): Way(EVERYBODY),
    ("GET", "/followup/v1/checks"): Way(STAFF, persons=True),
    ("GET", "/followup/v1/notices"): Way(STAFF, persons=True),
    ("GET", "/followup/v1/doubts"): Way(STAFF, persons=True),
    ("GET", "/followup/v1/doubts/counts"): Way(STAFF),
    ("GET", "/followup/v1/units"): Way(LEADERS),
    ("GET", "/followup/v1/units/{unit}/summary"): Way(LEADERS, "/followup/v1/units/north/summary"),
    ("GET", "/followup/v1/register"): Way(REGISTER),
    ("GET", "/followup/v1/register/{month}"): Way(REGISTER, f"/followup/v1/register/{REGISTER_MONTH}", persons=True),
    ("GET", "/followup/v1/due-summary"): Way(STAFF),
    ("GET", "/followup/v1/checks/{check_id}/why"): Way(STAFF, f"/followup/v1/checks/{CHECK}/why"),
    ("POST", "/followup/v1/checks/{check_id}/answer"): Way(
        STAFF, f"/followup/v1/checks/{CHECK}/answer", {"on": f"{TODAY}", "response": "declined"}
    ),
    ("GET", "/followup/v1/worklist"): Way(STAFF, f"/followup/v1/worklist?group={GROUPS}", persons=True),
    ("GET", "/followup/v1/worklist/counts"): Way(STAFF),
    ("GET", "/followup/v1/references"): Way(STAFF, f"/followup/v1/references?ref={REFERENCES}", persons=True),
    ("GET", "/followup/v1/checks/{check_id}/story"): Way(STAFF, f"/followup/v1/checks/{OPEN_CHECK}/story"),
    ("POST", "/followup/v1/checks/{check_id}/attempt"): Way(
        STAFF, f"/followup/v1/checks/{OPEN_CHECK}/attempt", {"on": f"{TODAY}", "how": "phone"}
    ),
    ("POST", "/followup/v1/checks/{check_id}/postpone"): Way(
        STAFF, f"/followup/v1/checks/{OPEN_CHECK}/postpone", PUT_OFF
    ),
    ("POST", "/followup/v1/checks/{check_id}/undo"): Way(STAFF, f"/followup/v1/checks/{OPEN_CHECK}/undo", {}),
    ("POST", "/followup/v1/checks/acts"): Way(
        STAFF,
        body={"kind": "postpone", "key": "matrix", "said": PUT_OFF, "checks": [OPEN_CHECK]},
    ),
    ("GET", "/followup/v1/views"): Way(STAFF),
    ("PUT", "/followup/v1/views/{name}"): Way(STAFF, "/followup/v1/views/mine", {"query": "group=overdue"}),
    ("DELETE", "/followup/v1/views/{name}"): Way(STAFF, "/followup/v1/views/mine"),
    ("GET", "/followup/v1/channels"): Way(STAFF),
    ("POST", "/followup/v1/channels"): Way(STAFF, body={"kind": "calendar", "audience": "worker"}),
    ("POST", "/followup/v1/channels/{channel_id}/renew"): Way(STAFF, "/followup/v1/channels/none/renew"),
    ("POST", "/followup/v1/channels/{channel_id}/test"): Way(STAFF, "/followup/v1/channels/none/test"),
    ("POST", "/followup/v1/channels/{channel_id}/retry"): Way(STAFF, "/followup/v1/channels/none/retry"),
    ("DELETE", "/followup/v1/channels/{channel_id}"): Way(STAFF, "/followup/v1/channels/none"),
    ("GET", "/followup/v1/access-log"): Way(LOG, persons=True),
    ("GET", "/followup/v1/status"): Way(EVERYBODY),
    ("POST", "/followup/v1/rebuild"): Way(OPERATE),
    ("POST", "/followup/v1/audit"): Way(OPERATE),
    ("GET", "/indicators/v1/openapi.json"): Way(EVERYBODY),
    ("GET", "/indicators/v1/indicators"): Way(FIGURES),
    ("GET", FIGURE): Way(FIGURES, "/indicators/v1/figures/closed_12m"),
    ("GET", "/indicators/v1/figures"): Way(FIGURES),
    ("GET", f"{FIGURE}/series"): Way(FIGURES, f"/indicators/v1/figures/closed_12m/series?{CELL}"),
    ("GET", f"{FIGURE}/why"): Way(FIGURES, f"/indicators/v1/figures/closed_12m/why?{CELL}"),
    ("GET", f"{FIGURE}/bridge"): Way(FIGURES, f"/indicators/v1/figures/closed_12m/bridge?{MOVED}&{CELL}"),
    ("GET", f"{FIGURE}/cases"): Way(CASES, "/indicators/v1/figures/closed_12m/cases", persons=True),
    ("GET", f"{FIGURE}/bridge/cases"): Way(
        CASES, f"/indicators/v1/figures/closed_12m/bridge/cases?{MOVED}&step=came_in", persons=True
    ),
    ("GET", "/indicators/v1/access-log"): Way(LOG, persons=True),
    ("GET", "/indicators/v1/status"): Way(EVERYBODY),
    ("POST", "/indicators/v1/rebuild"): Way(OPERATE),
    ("POST", "/indicators/v1/audit"): Way(OPERATE),
    ("GET", "/indicators/v1/disposable"): Way(OPERATE),
    ("GET", "/intake/v1/openapi.json"): Way(EVERYBODY),
    ("POST", "/intake/v1/disposals"): Way(OPERATE, body={"before": "2000-01-01", "persons": []}),
    ("POST", "/intake/v1/events"): Way(ADMINISTRATOR | MACHINES, body=[]),
    ("POST", "/intake/v1/events/validate"): Way(ADMINISTRATOR | MACHINES, body=[]),
    ("POST", "/intake/v1/load"): Way(ADMINISTRATOR, body=[]),
    ("GET", "/intake/v1/refused"): Way(REFUSED),
    ("GET", "/intake/v1/refused/counts"): Way(REFUSED),
    ("POST", "/intake/v1/refused/{entry_id}/resend"): Way(ADMINISTRATOR, "/intake/v1/refused/999/resend"),
    ("GET", "/intake/v1/access-log"): Way(LOG),
    ("GET", "/intake/v1/catalogue"): Way(EVERYBODY),
    ("GET", "/intake/v1/catalogue/changes"): Way(EVERYBODY),
    ("GET", "/intake/v1/date"): Way(EVERYBODY),
    ("POST", "/intake/v1/date"): Way(OPERATE, body={"date": f"{TODAY}"}),
    ("GET", "/intake/v1/status"): Way(EVERYBODY),
    ("POST", "/intake/v1/republish"): Way(OPERATE),
    ("POST", "/intake/v1/tokens"): Way(ADMINISTRATOR, body={"role": "analyst"}),
    ("POST", "/intake/v1/glass"): Way(
        {"administrator", "case_worker", "manager"}, body={"unit": "north", "reason": "short"}
    ),
    ("GET", "/intake/v1/tokens"): Way(ADMINISTRATOR),
    ("DELETE", "/intake/v1/tokens/{token_id}"): Way(ADMINISTRATOR, "/intake/v1/tokens/none"),
}

WITHOUT_A_RIGHT: Final = {
    ("GET", "/healthz"),
    # The address of a calendar is the right to read it; it names nobody.
    ("GET", "/followup/v1/calendar/{key}"),
    # The pages ask the services on behalf of whoever looks; what is theirs alone is in the tests of the door.
    ("GET", "/"),
    ("GET", "/static/{name}"),
    ("GET", "/enter"),
    ("GET", "/uppfoljningar"),
    ("POST", "/uppfoljningar/flera"),
    ("POST", "/uppfoljningar/angra"),
    ("POST", "/uppfoljningar/urval"),
    ("POST", "/uppfoljningar/urval/bort"),
    ("GET", "/uppfoljningar/{ref}"),
    ("POST", "/uppfoljningar/{ref}/svar"),
    ("POST", "/uppfoljningar/{ref}/forsok"),
    ("POST", "/uppfoljningar/{ref}/skjut-upp"),
    ("POST", "/uppfoljningar/{ref}/angra"),
    ("GET", "/installningar/aviseringar"),
    ("POST", "/installningar/aviseringar"),
    *(("POST", f"/installningar/aviseringar/{{channel}}/{act}") for act in ("prova", "ny-adress", "igen", "bort")),
    ("GET", "/nyckeltal"),
    ("GET", "/nyckeltal.csv"),
    ("GET", "/nyckeltal/{indicator}"),
    ("GET", "/nyckeltal/{indicator}.csv"),
    ("GET", "/nyckeltal/{indicator}/underlag"),
    ("GET", "/enheter"),
    ("GET", "/enheter/{unit}"),
    ("GET", "/register"),
    ("GET", "/register/{month}"),
    ("GET", "/datakvalitet"),
    ("POST", "/datakvalitet/{entry}/igen"),
    ("GET", "/logga-in"),
    ("GET", "/logga-in/tillbaka"),
    ("POST", "/logga-ut"),
    ("GET", "/valj-anvandare"),
    ("POST", "/valj-anvandare"),
    ("GET", "/annan-enhet"),
    ("POST", "/annan-enhet"),
    # Handed on to the service, which asks for the right.
    *((method, f"/{service}/{{rest:path}}") for service in ("followup", "indicators") for method in (
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE",
    )),
}  # fmt: skip


@dataclass
class House:
    """The three services on one database, without Kafka."""

    url: str
    town: Town
    office: Office
    intake: Intake
    apps: dict[str, FastAPI]
    tokens: Tokens = field(default_factory=lambda: Tokens(SECRET))

    def token(self, role: str, unit: str | None = None, **more: Any) -> str:
        return self.tokens.issue(role, more.get("source"), grants=[Grant(role, unit, **more)], staff=f"{role}-1")

    def ask(self, method: str, address: str, token: str | None, body: Any = None) -> httpx.Response:
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        service = address.split("/")[1]
        return asyncio.run(self._ask(self.apps[service], method, address, headers, body))

    async def _ask(self, app: FastAPI, method: str, address: str, headers: dict[str, str], body: Any) -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://house.test") as client:
            return await client.request(method, address, headers=headers, json=body)

    def logged(self, service: str) -> list[dict[str, Any]]:
        """Return the lines of a service's log and empty it."""
        with self.town.engine.begin() as connection:
            taken = connection.execute(text(f"DELETE FROM {service}.access_log RETURNING *")).mappings()
            return [dict(row) for row in taken]

    def remember(self, service: str) -> None:
        """Let somebody have seen everybody, for those who read the log."""
        with self.town.engine.begin() as connection:
            for person, (unit, _) in PERSONS.items():
                connection.execute(
                    text(
                        f"INSERT INTO {service}.access_log (kind, token_id, role, staff, person, unit)"
                        " VALUES ('checks', 't', 'case_worker', 'cw-9', :person, :unit)"
                    ),
                    {"person": person, "unit": unit},
                )


@pytest.fixture(scope="module")
def house(create_database: Callable[[str], str], migrated_template: str) -> Iterator[House]:
    url = create_database(migrated_template)
    directory = tiny_catalogue_directory()
    town, office = Town(url, directory), Office(url)
    settings = Settings(database_url=url, catalogue=str(directory), secret=SECRET, kafka="127.0.0.1:1", clock="manual")
    followup, indicators = create_followup(settings), create_indicators(settings)
    object.__setattr__(followup, "announcements", _NoKafka())
    object.__setattr__(indicators, "announcements", _NoKafka())
    office.definitions = indicators.definitions
    office.begin_again()
    told = [
        event
        for person, (unit, protected) in PERSONS.items()
        for event in (
            enrolled(person, ENROLLED, case=f"c-{person}", received=TODAY, unit=unit, contact_consent=True),
            enrolled(person, ENROLLED, case="c-shared", received=TODAY, unit=unit),
            closed(person, date(2016, 9, 1), case=f"c-{person}", received=TODAY),
            accepted("person.protected", received=TODAY, person=person, protected=protected, on=ENROLLED),
        )
    ]
    town.set_date(TODAY)
    town.receive(*told)
    town.settle()
    office.move_to(TODAY)
    office.receive(*told)
    office.drain()
    with running_intake(url, secret=SECRET, catalogue=str(directory), start_date=TODAY) as intake:
        apps = {
            "followup": create_followup_app(followup),
            "indicators": create_indicators_app(indicators),
            "intake": create_intake_app(intake.services, publish=False),
        }
        made = House(url, town, office, intake, apps)
        # References lead back when they have been given out.
        made.ask("GET", f"/followup/v1/worklist?group={GROUPS}", made.token("administrator"))
        made.logged("followup")
        yield made
    town.close()
    office.close()
    followup.intake.close()
    for services in (followup, indicators):
        services.computing.dispose()
        services.engine.dispose()


class _NoKafka:
    def lag(self) -> int:
        return 0


def routes(app: FastAPI) -> set[tuple[str, str]]:
    """Every path of an app, with each of its methods."""
    own = set(app.fast_paths)  # type: ignore[attr-defined]
    for route in app.routes:
        for inner in _inner(route):
            own |= {(method, each.path) for each in _inner(inner) for method in each.methods}
    return own


def _inner(route: Any) -> list[Any]:
    """The routes of a router that was included, which may hold others."""
    return list(route.original_router.routes) if hasattr(route, "original_router") else [route]


def every_way_in(house: House) -> set[tuple[str, str]]:
    """The paths of sign-in, of which no installation has all."""
    services, tree = house.intake.services, house.intake.services.catalogue.units
    sign_in = replace(
        create_sign_in(services),
        provider=Provider("https://id.test", "efterhand", "secret", "https://house.test"),
        built_in=built_in_users(tree),
    )
    pages = create_door(services.settings, services.tokens, catalogue=services.catalogue, sign_in=sign_in)
    made = FastAPI(openapi_url=None)
    made.include_router(pages)
    return {
        (method, each.path)
        for route in made.routes
        for inner in _inner(route)
        for each in _inner(inner)
        for method in each.methods
    }


def named_in(answer: httpx.Response) -> set[str]:
    return {person for person in PERSONS if person in answer.text}


def whom(role: str, unit: str | None) -> set[str]:
    """Whom a role sees with a grant for a unit, where it sees persons."""
    return {
        person
        for person, (own, protected) in PERSONS.items()
        if unit in (None, own) and (not protected or role in SEES_PROTECTED)
    }


def test_every_path_of_every_service_is_in_the_matrix(house: House) -> None:
    found = set().union(*(routes(app) for app in house.apps.values()), every_way_in(house))
    assert len(found) > 30
    assert found == MATRIX.keys() | WITHOUT_A_RIGHT


@pytest.mark.parametrize(("method", "path"), MATRIX, ids=map(" ".join, MATRIX))
def test_a_path_is_open_to_its_roles_and_shows_whom_they_may_see_and_writes_down_whom(
    house: House, method: str, path: str
) -> None:
    asked = MATRIX[method, path]
    address, service = asked.address or path, path.split("/")[1]
    assert house.ask(method, address, None, asked.body).status_code == 401
    for role in ROLES:
        for unit in (None, "north"):
            if asked.persons and path.endswith("/access-log"):
                house.logged(service)
                house.remember(service)
            answer = house.ask(method, address, house.token(role, unit), asked.body)
            assert (answer.status_code == 403) == (role not in asked.roles), (role, unit, answer.text)
            assert answer.status_code not in (401, 500)
            if asked.persons and role in asked.roles:
                assert named_in(answer) == whom(role, unit), (role, unit)
            lines = [line for line in house.logged(service) if line["token_id"] != "t"]
            assert {line["person"] for line in lines} == named_in(answer), (role, unit)
            assert {(line["staff"], line["role"]) for line in lines} <= {(f"{role}-1", role)}


ON_A_CHECK: Final[dict[str, tuple[str, Any, int]]] = {
    "why": ("GET", None, 200),
    "story": ("GET", None, 200),
    # Intake is another process, that is not there: what is seen can be acted on, and is not kept.
    "answer": ("POST", {"on": f"{TODAY}", "response": "declined"}, 503),
    "attempt": ("POST", {"on": f"{TODAY}", "how": "phone"}, 503),
    "postpone": ("POST", PUT_OFF, 202),
    "undo": ("POST", {"act": "never-done"}, 409),
}


@pytest.mark.parametrize("path", ON_A_CHECK)
@pytest.mark.parametrize("role", sorted(STAFF))
def test_a_check_outside_the_reach_is_as_one_that_does_not_exist(house: House, role: str, path: str) -> None:
    method, body, status = ON_A_CHECK[path]
    nobody = house.ask(method, f"/followup/v1/checks/offer_90d:nobody:c1/{path}", house.token(role), body)
    assert nobody.status_code == 404
    for unit in (None, "north"):
        for person, check_id in OPEN_CHECKS.items():
            address = f"/followup/v1/checks/{check_id}/{path}"
            answer = house.ask(method, address, house.token(role, unit), body)
            if person in whom(role, unit):
                assert answer.status_code == status, (person, unit, answer.text)
            else:
                assert (answer.status_code, answer.json()) == (404, nobody.json()), (person, unit)


@pytest.mark.parametrize("role", sorted(STAFF))
def test_of_several_checks_those_outside_the_reach_are_not_touched_nor_written_down(house: House, role: str) -> None:
    house.logged("followup")
    for unit in (None, "north"):
        key = f"several-{role}-{unit}"
        body = {"kind": "postpone", "key": key, "said": PUT_OFF, "checks": list(OPEN_CHECKS.values())}
        answer = house.ask("POST", "/followup/v1/checks/acts", house.token(role, unit), body)
        outcome = {each["check"].split(":")[1]: each["code"] for each in answer.json()["results"]}
        seen = whom(role, unit)
        assert outcome == {person: None if person in seen else "not_found" for person in PERSONS}
        assert {line["person"] for line in house.logged("followup")} == seen
        touched = {row["person"] for row in house.town.rows("act") if row["key"] == key}
        assert touched == seen


def test_only_ones_own_acts_are_taken_back_and_none_that_is_not_seen_any_more(house: House) -> None:
    everywhere, north = house.token("case_worker"), house.token("case_worker", "north")
    checks = [OPEN_CHECKS["person-own"], OPEN_CHECKS["person-other"]]
    acts = {"kind": "postpone", "key": "mine-alone", "said": PUT_OFF, "checks": checks}
    assert house.ask("POST", "/followup/v1/checks/acts", everywhere, acts).status_code == 202
    for check_id in checks:
        own = house.ask("GET", f"/followup/v1/checks/{check_id}/story", everywhere).json()["check"]["acts"]
        another = house.ask("GET", f"/followup/v1/checks/{check_id}/story", house.token("manager")).json()
        assert [act["mine"] for act in own if act["key"] == "mine-alone"] == [True]
        assert [act["mine"] for act in another["check"]["acts"] if act["key"] == "mine-alone"] == [False]
        body = {"act": "mine-alone"}
        refused = house.ask("POST", f"/followup/v1/checks/{check_id}/undo", house.token("manager"), body)
        assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_undo")
    back = {"kind": "undo", "key": "back-alone", "said": {"act": "mine-alone"}}
    assert house.ask("POST", "/followup/v1/checks/acts", house.token("manager"), back).json() == {"results": []}
    house.logged("followup")
    # The same member of staff, who sees one of the two units only now.
    answer = house.ask("POST", "/followup/v1/checks/acts", north, back)
    assert [(each["check"], each["saved"]) for each in answer.json()["results"]] == [(checks[0], True)]
    assert {line["person"] for line in house.logged("followup")} == {"person-own"}
    rest = house.ask("POST", "/followup/v1/checks/acts", everywhere, back)
    assert [each["saved"] for each in rest.json()["results"]] == [True, True]


def test_the_worklist_counts_whom_the_reader_sees(house: House) -> None:
    for role in sorted(STAFF):
        for unit in (None, "north", "annex"):
            token = house.token(role, unit)
            counts = house.ask("GET", "/followup/v1/worklist/counts", token).json()
            listed = house.ask("GET", f"/followup/v1/worklist?group={GROUPS}", token).json()
            assert {row["unit"] for row in counts["items"]} == {item["unit"] for item in listed["items"]}
            assert sum(counts["all"].values()) == sum(listed["counts"].values()) - listed["counts"]["done"]
            assert len(listed["items"]) == sum(listed["counts"].values())


@pytest.mark.parametrize("on", ["2016-12-01", "2017-03-20"])
def test_on_another_day_the_same_persons_are_seen(house: House, on: str) -> None:
    for path in ("checks", "notices"):
        for role in sorted(STAFF):
            for unit in (None, "north"):
                answer = house.ask("GET", f"/followup/v1/{path}?on={on}", house.token(role, unit))
                assert named_in(answer) <= whom(role, unit), (path, role, unit)
                assert path == "notices" or named_in(answer) == whom(role, unit), (role, unit)


def test_the_checks_and_notices_of_a_case_follow_it_to_the_unit_that_has_it_now(
    create_database: Callable[[str], str], migrated_template: str
) -> None:
    town = Town(create_database(migrated_template), tiny_catalogue_directory())
    try:
        town.move_to(date(2017, 1, 2))
        town.receive(
            enrolled("mover", date(2017, 1, 2), case="c-mover"),
            about_the_mover("guidance.held", case="c-mover", on=date(2017, 1, 2)),
            about_the_mover("case.transferred", case="c-mover", on=TODAY, unit="south"),
        )
        elsewhere = {"north": "south", "south": "north"}
        for day, unit in ((date(2017, 3, 9), "north"), (TODAY, "south"), (date(2017, 4, 10), "south")):
            town.move_to(day)
            for status in ("open", "withdrawn", None):
                for on in (None, date(2017, 3, 8)):
                    assert whom_notices_show(town, elsewhere[unit], status, on) == [], (day, status, on)
            assert whom_notices_show(town, unit, "open", None)
            for on in (None, date(2017, 3, 8)):
                assert checks_shown(town, unit, on), (day, on)
                assert checks_shown(town, elsewhere[unit], on) == [], (day, on)
    finally:
        town.close()


def about_the_mover(type_: str, **data: Any) -> dict[str, Any]:
    return accepted(type_, received=date(2017, 1, 2), person="mover", **data)


def checks_shown(town: Town, unit: str, on: date | None) -> list[str]:
    """The checks that a reader of one unit sees."""
    with town.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        asked = Asked(on, Sight(frozenset({unit})))
        page = read_checks(connection, town.catalogue, asked, CheckFilter(), None, 100)
    return [each["id"] for each in page["items"]]


def whom_notices_show(town: Town, unit: str, status: Any, on: date | None) -> list[str]:
    """The notices that a reader of one unit sees."""
    with town.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        asked = Asked(on, Sight(frozenset({unit})))
        page = read_notices(connection, town.catalogue, asked, NoticeFilter(status=status), None, 100)
    return [each["id"] for each in page["items"] if each["check"] is not None]


def test_the_summary_counts_whom_the_reader_sees(house: House) -> None:
    for on in ("", "?on=2016-03-20"):
        for role in sorted(STAFF):
            counted = [
                {row["unit"] for row in house.ask("GET", f"/followup/v1/due-summary{on}", token).json()["items"]}
                for token in (house.token(role), house.token(role, "north"), house.token(role, "annex"))
            ]
            assert counted == [{"north", "south"}, {"north"}, set()], (role, on)


def test_sums_count_whom_the_reader_sees(house: House) -> None:
    for role in sorted(LEADERS):
        for unit in (None, "north"):
            token = house.token(role, unit)
            items = house.ask("GET", "/followup/v1/units", token).json()["items"]
            assert {each["unit"] for each in items} >= ({"north"} if unit else {"city", "north", "south"})
            assert unit is None or "city" not in {each["unit"] for each in items}
            for each in items:
                told = house.ask("GET", f"/followup/v1/units/{each['unit']}/summary", token).json()
                listed = house.ask("GET", f"/followup/v1/worklist?unit={each['unit']}", token).json()
                counted = sum(told["all"][group] for group in ("overdue", "todo", "waiting"))
                assert counted == len(listed["items"]) == sum(each[group] for group in ("overdue", "todo", "waiting"))
            outside = house.ask("GET", "/followup/v1/units/south/summary", token).status_code
            assert outside == (404 if unit else 200)
    for role in sorted(STAFF):
        for unit in (None, "north"):
            token = house.token(role, unit)
            counts = house.ask("GET", "/followup/v1/doubts/counts", token).json()
            assert counts["all"] == len(house.ask("GET", "/followup/v1/doubts", token).json()["items"])


def test_a_months_file_names_the_same_persons_as_its_pages_and_leaves_the_same_lines(house: House) -> None:
    house.logged("followup")
    for role in sorted(REGISTER):
        for unit in (None, "north"):
            address = f"/followup/v1/register/{REGISTER_MONTH}?format=csv"
            answer = house.ask("GET", address, house.token(role, unit))
            assert answer.headers["content-type"] == "text/csv; charset=utf-8"
            assert named_in(answer) == whom(role, unit), (role, unit)
            lines = house.logged("followup")
            assert {(line["person"], line["kind"]) for line in lines} == {
                (each, "register") for each in whom(role, unit)
            }


def test_an_exact_figure_outside_the_reach_is_refused_and_left_out_of_a_breakdown(house: House) -> None:
    own = house.token("manager", "north")
    rows = house.ask("GET", "/indicators/v1/figures/closed_12m?by=unit,sex", own).json()["rows"]
    assert {row["dims"].get("unit") for row in rows} == {None, "north"}
    grouped = house.ask("GET", "/indicators/v1/figures/closed_12m?by=unit,target_group", own).json()["rows"]
    assert {tuple(sorted(row["dims"])) for row in grouped} == {(), ("unit",), ("target_group", "unit")}
    told = {"unit:north": 200, "unit:south": 403, "unit:city": 403, "target_group:ordinary": 403, "sex:female": 200}
    for read in ("why?cell=", f"bridge?{MOVED}&cell=", "series?months=2&cell="):
        for cell, status in told.items():
            address = f"/indicators/v1/figures/closed_12m/{read}{cell}"
            assert house.ask("GET", address, own).status_code == status, address
            assert house.ask("GET", address, house.token("analyst")).status_code == 200, address
    for cell, status in told.items():
        assert house.ask("GET", f"/indicators/v1/figures?cell={cell}", own).status_code == status, cell
    for address in ("figures?by=sex,unit", "figures/closed_12m/series?by=sex,unit"):
        answer = house.ask("GET", f"/indicators/v1/{address}", own).json()
        for item in answer.get("items", [answer]):
            units = {row["dims"].get("unit") for window in item["windows"] for row in window["rows"]}
            assert units <= {None, "north"}, address
    cases = "/indicators/v1/figures/closed_12m/cases?cell=unit:south"
    refused = house.ask("GET", cases, house.token("case_analyst", "north"))
    assert (refused.status_code, refused.json()["code"]) == (403, "outside_reach")


def test_a_broken_glass_opens_the_unit_with_its_reason_and_not_whom_a_named_role_sees_and_ends(house: House) -> None:
    own = Grant("case_worker", "north")
    house.logged("followup")
    for until, seen in ((4e9, {"person-own": None, "person-other": "Vikarie"}), (1.0, {"person-own": None})):
        lent = Grant("case_worker", "south", until=until, reason="Vikarie")
        token = house.tokens.issue("case_worker", grants=[own, lent], staff="cw-1")
        for path in ("checks", "notices", "doubts", "worklist", f"references?ref={REFERENCES}"):
            answer = house.ask("GET", f"/followup/v1/{path}", token)
            assert named_in(answer) == seen.keys(), path
            assert {line["person"]: line["reason"] for line in house.logged("followup")} == seen, path


def test_where_no_line_can_be_kept_nothing_is_shown(house: House) -> None:
    shown = {
        "/followup/v1/checks": "followup",
        "/followup/v1/worklist": "followup",
        f"/followup/v1/references?ref={REFERENCES}": "followup",
        f"/followup/v1/checks/{OPEN_CHECK}/story": "followup",
        f"/followup/v1/register/{REGISTER_MONTH}?format=csv": "followup",
        "/indicators/v1/figures/closed_12m/cases": "indicators",
    }
    for address, service in shown.items():
        house.town.do(f"ALTER TABLE {service}.access_log RENAME TO away")
        try:
            answer = house.ask("GET", address, house.token("administrator"))
        finally:
            house.town.do(f"ALTER TABLE {service}.away RENAME TO access_log")
        assert answer.status_code == 500
        assert named_in(answer) == set()


def test_an_integrator_sees_what_was_refused_of_its_sources_and_that_is_written_down(house: House) -> None:
    house.intake.empty()
    for source, person in (("/a", "person-own"), ("/b", "person-other")):
        house.intake.post(event("e1", source=source, data={"person": person, "reason": "no-such"}))
    house.logged("intake")
    for token, seen in (
        (house.token("integrator", source="/a"), {"person-own"}),
        (house.token("integrator"), {"person-own", "person-other"}),
        (house.tokens.issue("source", "/b"), {"person-other"}),
        (house.tokens.issue("source", "/c"), set()),
    ):
        answer = house.ask("GET", "/intake/v1/refused", token)
        assert named_in(answer) == seen
        assert {(line["person"], line["case_id"]) for line in house.logged("intake")} == {
            (each, "c-1") for each in seen
        }
    for token, number in (
        (house.token("integrator", source="/a"), 1),
        (house.token("integrator"), 2),
        (house.tokens.issue("source", "/c"), 0),
    ):
        counts = house.ask("GET", "/intake/v1/refused/counts", token).json()
        assert (counts["all"], sum(each["count"] for each in counts["sources"])) == (number, number)
    assert house.logged("intake") == []
    house.ask("GET", "/intake/v1/refused", house.token("administrator"))
    answer = house.ask("GET", "/intake/v1/access-log?person=person-own", house.token("reviewer"))
    assert [line["person"] for line in answer.json()["items"]] == ["person-own"]
    assert [(line["kind"], line["person"]) for line in house.logged("intake")][-1] == ("access-log", "person-own")
