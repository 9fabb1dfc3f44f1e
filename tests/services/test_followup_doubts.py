"""The data-quality list of followup: what stands on it and on which days, who sees it, and what keeps it in line."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from click.testing import CliRunner
from prometheus_client import CollectorRegistry, generate_latest

from efterhand.cli import group
from efterhand.cli.system import System
from efterhand.database import downgrade, migrate
from efterhand.timeline.doubts import CODES
from efterhand.web.references import reference_of
from efterhand.web.sight import EVERYTHING
from efterhand.web.tokens import Tokens
from efterhand_followup.adapters import tables
from efterhand_followup.application.audit import audit
from efterhand_followup.application.move_date import adopt_catalogue
from efterhand_followup.application.read_doubts import DoubtFilter, read_doubts
from efterhand_followup.bootstrap import Services
from efterhand_followup.domain.doubts import ADVICE
from efterhand_followup.entrypoints.metrics import StateCollector
from tests.services.followup_town import SECRET, Sent, Town, closed, enrolled, event, town
from tests.services.test_followup_service import client_of, erased, http, places_that_hold, services, url

__all__ = ["client_of", "http", "services", "town", "url"]

START = date(2017, 1, 2)
BEFORE = START - timedelta(days=1)
SOURCE = "/tiny/a"

Entry = tuple[str, str, str]


def listed(town: Town, wanted: DoubtFilter | None = None, *, limit: int = 1000) -> list[dict[str, Any]]:
    """The whole list as an administrator sees it, page by page."""
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        with town.engine.connect() as connection:
            page = read_doubts(connection, town.catalogue, wanted or DoubtFilter(), EVERYTHING, cursor, limit)
        items += page["items"]
        cursor = page["next"]
        if cursor is None:
            return items


def entries(town: Town, wanted: DoubtFilter | None = None, *, limit: int = 1000) -> list[Entry]:
    """Code, person and what it is about, of each entry."""
    return [(each["code"], each["person"], each["about"]) for each in listed(town, wanted, limit=limit)]


def transferred(on: date, *, case: str = "c1", id_: str | None = None, **more: Any) -> Sent:
    return event("case.transferred", received=START, id_=id_, person="p1", case=case, on=on, **more)


def measure(what: str, on: date, id_: str, **more: Any) -> Sent:
    return event(f"measure.{what}", received=START, id_=id_, person="p1", case="c1", measure="m1", on=on, **more)


def retraction(id_: str, of: str, *, source: str = SOURCE, person: str = "p1") -> Sent:
    target = {"source": SOURCE, "id": of}
    return event("event.retracted", received=START, source=source, id_=id_, person=person, retracts=target)


HISTORIES: dict[str, tuple[list[Sent], list[dict[str, Any]]]] = {
    "a retraction from another source": (
        [enrolled("p1", START, id_="e1"), retraction("r1", "e1", source="/tiny/b")],
        [{"code": "retraction_without_effect", "about": "/tiny/b r1", "case": None, "unit": None, "events": ["r1"]}],
    ),
    "a retraction of a retraction": (
        [enrolled("p1", START, id_="e2"), retraction("r2", "e2"), retraction("r3", "r2")],
        [{"code": "retraction_without_effect", "about": "/tiny/a r3", "case": None, "unit": None, "events": ["r3"]}],
    ),
    "a closure before the enrolment": (
        [enrolled("p1", START), {**closed("p1", BEFORE), "id": "x1"}],
        [{"code": "closure_before_enrolment", "about": "/tiny/a x1", "case": "c1", "unit": "north", "events": ["x1"]}],
    ),
    "a transfer before the enrolment": (
        [enrolled("p1", START), transferred(BEFORE, id_="t1", unit="south"), transferred(START, unit="annex")],
        [{"code": "transfer_before_enrolment", "about": "/tiny/a t1", "case": "c1", "unit": "annex", "events": ["t1"]}],
    ),
    "an end before the start": (
        [
            enrolled("p1", START),
            measure("started", START, "m1", kind="internship"),
            measure("ended", BEFORE, "m2"),
        ],
        [{"code": "end_before_start", "about": "/tiny/a m2", "case": "c1", "unit": "north", "events": ["m2"]}],
    ),
    "two cases open at one unit": (
        [enrolled("p1", BEFORE), enrolled("p1", START, case="c2")],
        [
            {
                "code": "two_open_at_one_unit",
                "about": "c1 c2",
                "case": "c1",
                "unit": "north",
                "since": START,
            }
        ],
    ),
    "sex and year of birth that disagree": (
        [
            enrolled("p1", START, id_="e3"),
            enrolled("p1", START, case="c2", unit="south", id_="e4", sex="male", birth_year=1990),
        ],
        [
            {"code": "disagreement", "about": "birth_year", "case": None, "unit": None, "events": ["e3", "e4"]},
            {"code": "disagreement", "about": "sex", "case": None, "unit": None, "events": ["e3", "e4"]},
        ],
    ),
    "a case of two persons": (
        [enrolled("p1", START, id_="e5"), enrolled("p2", START, id_="e6", unit="south")],
        [
            {"code": "case_of_two_persons", "about": "c1", "case": "c1", "unit": "north", "events": ["e5"]},
            {"code": "case_of_two_persons", "about": "c1", "case": "c1", "unit": "south", "events": ["e6"]},
        ],
    ),
    "nothing doubtful": (
        [
            enrolled("p1", START),
            closed("p1", START),
            enrolled("p1", START, case="c2", unit="south"),
            enrolled("p2", START, case="c3"),
            transferred(START, unit="south", case="c2"),
        ],
        [],
    ),
}


@pytest.mark.parametrize("history", HISTORIES)
def test_each_kind_of_doubt_stands_on_the_list_with_its_case_unit_and_events(town: Town, history: str) -> None:
    events, expected = HISTORIES[history]
    town.move_to(START)
    town.receive(*events)
    found = listed(town)
    assert len(found) == len(expected)
    for shown, wanted in zip(found, expected, strict=True):
        known = {**shown, "events": [each["id"] for each in shown["events"]]}
        assert {name: known[name] for name in wanted} == wanted


def test_an_entry_reads_as_documented(town: Town, http: httpx.Client) -> None:
    town.move_to(START)
    town.receive(enrolled("p1", START), {**closed("p1", BEFORE), "id": "x1"})
    assert http.get("/followup/v1/doubts").json() == {
        "items": [
            {
                "code": "closure_before_enrolment",
                "about": "/tiny/a x1",
                "person": "p1",
                "case": "c1",
                "unit": "north",
                "events": [{"source": "/tiny/a", "id": "x1"}],
                "since": None,
                "advice": {
                    "sv": {
                        "means": "Avslutet är daterat före inskrivningen. Det räknas inte: ärendet är öppet.",
                        "do": "Rätta datumet för avslutet eller inskrivningen i ärendesystemet, som då skickar en ny "
                        "händelse.",
                    },
                    "en": {
                        "means": "The closure is dated before the enrolment. It is ignored: the case is open.",
                        "do": "Correct the date of the closure or the enrolment in the case system, which then sends a "
                        "new event.",
                    },
                },
                "check": "offer_90d:p1:c1",
                "ref": reference_of(Tokens(SECRET), "offer_90d:p1:c1"),
                "link": None,
            }
        ],
        "next": None,
    }


def test_a_case_that_waits_is_listed_from_the_30th_day_until_its_enrolment_comes(town: Town) -> None:
    town.move_to(START)
    town.receive(closed("p1", START, received=START))
    town.move_to(START + timedelta(days=29))
    assert listed(town) == []
    town.move_to(START + timedelta(days=30))
    (entry,) = listed(town)
    assert (entry["code"], entry["about"], entry["unit"]) == ("waits_for_enrolment", "c1", None)
    assert entry["since"] == START + timedelta(days=30)
    town.receive(enrolled("p1", START, received=START + timedelta(days=30)))
    assert listed(town) == []


def test_no_row_changes_on_the_day_on_which_an_entry_comes_or_goes(town: Town) -> None:
    """Midnight asks for nothing: another date alone, before anything is computed, shows another list."""
    town.move_to(START)
    town.receive(
        enrolled("p1", START + timedelta(days=1), received=START),
        enrolled("p1", START, case="c2"),
        closed("p1", START + timedelta(days=1), case="c2", received=START),
        closed("p2", START, case="c9"),
    )
    rows = town.rows("doubt")
    assert len(rows) == 2
    seen = []
    for days in (0, 1, 2, 29, 30):
        town.set_date(START + timedelta(days=days))
        seen.append([code for code, _, _ in entries(town)])
        assert town.rows("doubt") == rows
    assert seen == [[], ["two_open_at_one_unit"], [], [], ["waits_for_enrolment"]]
    town.settle()
    assert town.rows("doubt") == rows


def test_the_unit_is_that_of_the_case_on_the_business_date(town: Town) -> None:
    town.move_to(START)
    town.receive(
        enrolled("p1", START), closed("p1", BEFORE), transferred(START + timedelta(days=1), unit="south"),
        enrolled("p2", START),
    )  # fmt: skip
    assert {(each["code"], each["person"]): each["unit"] for each in listed(town)} == {
        ("closure_before_enrolment", "p1"): "north",
        ("case_of_two_persons", "p1"): "north",
        ("case_of_two_persons", "p2"): "north",
    }
    town.move_to(START + timedelta(days=1))
    assert {each["unit"] for each in listed(town) if each["person"] == "p1"} == {"south"}


def test_that_two_persons_have_one_case_shows_whoever_comes_first_and_goes_with_either(town: Town) -> None:
    events = [enrolled(person, START, id_=f"e-{person}") for person in ("p1", "p2", "p3")]
    both = [("case_of_two_persons", "p1", "c1"), ("case_of_two_persons", "p2", "c1")]
    for order in permutations(events):
        town.begin_again()
        town.move_to(START)
        for each in order:
            town.receive(each)
        assert entries(town) == [*both, ("case_of_two_persons", "p3", "c1")]
        town.receive(retraction("r", "e-p3", person="p3"))
        assert entries(town) == both
        town.receive(erased("p1", START))
        assert entries(town) == []
        town.receive(enrolled("p4", START))
        assert {person for _, person, _ in entries(town)} == {"p2", "p4"}
        assert audit(town.engine, town.catalogue, SECRET).differences == []


def test_a_case_number_that_is_only_spoken_of_by_another_person_is_no_case_of_two_persons(town: Town) -> None:
    town.move_to(START)
    town.receive(enrolled("p1", START), closed("p2", START))
    assert entries(town) == []


def test_an_entry_goes_when_what_was_wrong_is_put_right(town: Town) -> None:
    town.move_to(START)
    town.receive(enrolled("p1", START), {**closed("p1", BEFORE), "id": "x1"})
    assert len(entries(town)) == 1
    town.receive(retraction("r1", "x1"))
    assert entries(town) == []
    town.receive({**closed("p1", START), "id": "x2"})
    assert entries(town) == []
    town.receive({**closed("p1", BEFORE), "id": "x3", "time": "2017-01-02T09:00:00+01:00"})
    assert len(entries(town)) == 1
    assert audit(town.engine, town.catalogue, SECRET).differences == []


# --- who sees what ---


def test_entries_about_protected_persons_are_seen_only_with_the_right(
    town: Town, client_of: Callable[[str | None], httpx.Client], http: httpx.Client
) -> None:
    town.move_to(START)
    town.receive(enrolled("open", START), enrolled("hidden", START), closed("open", BEFORE), closed("hidden", BEFORE))
    town.receive(event("person.protected", received=START, person="hidden", protected=True, on=START))
    codes = ["case_of_two_persons", "closure_before_enrolment"]
    for role in ("case_worker", "manager"):
        seen = client_of(role).get("/followup/v1/doubts").json()["items"]
        assert [(each["code"], each["person"]) for each in seen] == [(code, "open") for code in codes]
        assert all("protected" not in each for each in seen)
    seen = http.get("/followup/v1/doubts").json()["items"]
    assert [(each["code"], each["person"], each.get("protected")) for each in seen] == [
        *((code, "hidden", True) for code in codes),
        *((code, "open", None) for code in codes),
    ]
    # From the day on which it was said that the protection ends.
    tomorrow = START + timedelta(days=1)
    town.receive(event("person.protected", received=START, person="hidden", protected=False, on=tomorrow))
    town.move_to(tomorrow)
    assert len(client_of("case_worker").get("/followup/v1/doubts").json()["items"]) == 4


def test_an_entry_leads_to_its_case_where_there_is_one(
    town: Town, client_of: Callable[[str | None], httpx.Client], services: Services
) -> None:
    links = services.settings.model_copy(update={"case_links": {SOURCE: "https://x.se/{case}"}})
    object.__setattr__(services, "settings", links)
    town.move_to(START)
    town.receive(enrolled("p1", START), closed("p1", BEFORE), retraction("r1", "n1", source="/tiny/b"))
    entry = client_of("case_worker").get("/followup/v1/doubts").json()["items"][0]
    assert entry["link"] == "https://x.se/c1"
    found = client_of("case_worker").get("/followup/v1/references", params={"ref": entry["ref"]}).json()["items"]
    assert found == [{"ref": entry["ref"], "check": entry["check"]}]
    town.move_to(START + timedelta(days=40))
    town.receive(transferred(START, case="c9"))
    waits = next(each for each in listed_by(client_of("administrator")) if each["code"] == "waits_for_enrolment")
    assert (waits["check"], waits["ref"], waits["link"]) == (None, None, None)


def listed_by(client: httpx.Client) -> list[dict[str, Any]]:
    """The list as somebody reads it."""
    items: list[dict[str, Any]] = client.get("/followup/v1/doubts").json()["items"]
    return items


def test_the_counts_are_those_of_the_list_whatever_is_chosen(town: Town, http: httpx.Client) -> None:
    town.move_to(START)
    town.receive(enrolled("p1", START), closed("p1", BEFORE), enrolled("p2", START, case="c2", unit="south"))
    town.receive({**closed("p2", BEFORE, case="c2"), "source": "/tiny/b"}, enrolled("p3", START, case="c2"))
    town.receive(enrolled("p3", START, case="c3"))
    names = ("unit", "source", "code")
    wanted = [
        {},
        {"unit": "south"},
        {"unit": "city"},
        {"source": "/tiny/b"},
        {"source": SOURCE, "unit": "north"},
        {"code": "case_of_two_persons"},
        {"code": "closure_before_enrolment", "source": SOURCE},
    ]
    for query in wanted:
        counts = http.get("/followup/v1/doubts/counts", params=query).json()
        assert counts["all"] == len(http.get("/followup/v1/doubts", params=query).json()["items"]), query
        for name in ("source", "code"):
            for row in counts[f"{name}s"]:
                narrowed = {**query, name: row[name]}
                assert row["count"] == len(http.get("/followup/v1/doubts", params=narrowed).json()["items"]), narrowed
        others = {each: query[each] for each in names if each in query and each != "unit"}
        units = [each["unit"] for each in http.get("/followup/v1/doubts", params=others).json()["items"]]
        assert {row["unit"]: row["count"] for row in counts["units"]} == {each: units.count(each) for each in units}


def test_the_counts_are_of_what_the_reader_sees(town: Town, client_of: Callable[[str | None], httpx.Client]) -> None:
    town.move_to(START)
    town.receive(enrolled("hidden", START), closed("hidden", BEFORE))
    town.receive(event("person.protected", received=START, person="hidden", protected=True, on=START))
    told = {
        role: client_of(role).get("/followup/v1/doubts/counts").json()["all"] for role in ("manager", "administrator")
    }
    assert told == {"manager": 0, "administrator": 1}


def test_the_list_needs_its_right(client_of: Callable[[str | None], httpx.Client]) -> None:
    assert client_of("analyst").get("/followup/v1/doubts").status_code == 403
    assert client_of(None).get("/followup/v1/doubts").status_code == 401


def test_before_a_business_date_is_known_the_list_asks_to_try_again(http: httpx.Client) -> None:
    assert http.get("/followup/v1/doubts").status_code == 503


@pytest.mark.parametrize("query", ["code=doubtful", "cursor=x", "limit=0"])
def test_a_question_that_makes_no_sense_is_answered_with_a_problem(town: Town, http: httpx.Client, query: str) -> None:
    town.move_to(START)
    answer = http.get(f"/followup/v1/doubts?{query}")
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


def test_entries_are_filtered_and_come_in_pages(town: Town, http: httpx.Client) -> None:
    town.move_to(START)
    for n in range(1, 6):
        unit = "north" if n % 2 else "south"
        town.receive(enrolled(f"p{n}", START, case=f"c{(n + 1) // 2}", unit=unit), closed(f"p{n}", BEFORE, case="c9"))
        town.receive({**closed(f"p{n}", BEFORE, case=f"c{(n + 1) // 2}"), "source": f"/tiny/{n}"})
    town.move_to(START + timedelta(days=30))
    everything = entries(town)
    assert len(everything) == 5 + 5 + 4
    assert everything == sorted(everything, key=lambda entry: (entry[1], f"{entry[0]} {entry[2]}"))
    for limit in (1, 2, 3, 14):
        assert entries(town, limit=limit) == everything
    waiting = DoubtFilter(code="waits_for_enrolment")
    assert entries(town, waiting, limit=2) == [("waits_for_enrolment", f"p{n}", "c9") for n in range(1, 6)]
    shared = DoubtFilter(code="case_of_two_persons")
    assert [person for _, person, _ in entries(town, shared, limit=3)] == ["p1", "p2", "p3", "p4"]
    assert entries(town, DoubtFilter(source="/tiny/3")) == [("closure_before_enrolment", "p3", everything[7][2])]
    assert {person for _, person, _ in entries(town, DoubtFilter(unit="south"))} == {"p2", "p4"}
    assert {person for _, person, _ in entries(town, DoubtFilter(unit="city"))} == {f"p{n}" for n in range(1, 6)}
    # Nobody knows the unit of a case without an enrolment.
    assert entries(town, DoubtFilter(unit="city", code="waits_for_enrolment")) == []
    assert entries(town, DoubtFilter(unit="nowhere")) == []


# --- what keeps it in line ---


def busy(town: Town) -> None:
    """A town with something of each table."""
    town.move_to(START)
    town.receive(
        enrolled("p1", START), closed("p1", BEFORE), enrolled("p2", START), closed("p2", START, case="c9"),
        enrolled("p3", START, case="c3"),
    )  # fmt: skip
    town.move_to(START + timedelta(days=40))


def test_an_erasure_takes_the_person_off_the_list(town: Town) -> None:
    busy(town)
    assert {"doubt.person", "person_case.person"} <= set(places_that_hold(town, "p1"))
    town.receive(erased("p1", START))
    assert places_that_hold(town, "p1") == []
    assert entries(town) == [("waits_for_enrolment", "p2", "c9")]


@pytest.mark.parametrize(
    ("planted", "table"),
    [
        ("UPDATE followup.doubt SET unit = 'south' WHERE person = 'p1'", "doubt"),
        ("UPDATE followup.doubt SET from_on = from_on + 1 WHERE person = 'p2'", "doubt"),
        ("UPDATE followup.doubt SET events = '[]' WHERE person = 'p1'", "doubt"),
        ("UPDATE followup.doubt SET protected = true WHERE person = 'p1'", "doubt"),
        ("DELETE FROM followup.doubt WHERE person = 'p1'", "doubt"),
        ("INSERT INTO followup.doubt VALUES ('p9', 'x', 'x', 'x', NULL, NULL, '[]', NULL, NULL, false)", "doubt"),
        ("UPDATE followup.person_case SET unit = 'south' WHERE person = 'p3'", "person_case"),
        ("DELETE FROM followup.person_case WHERE person = 'p3'", "person_case"),
        ("INSERT INTO followup.person_case VALUES ('p3', 'c1', 'north', '[]', false)", "person_case"),
        ("INSERT INTO followup.person_case VALUES ('p9', 'c1', 'north', '[]', false)", "person_case"),
    ],
)
def test_the_audit_finds_a_wrong_row_and_a_rebuild_puts_it_right(town: Town, planted: str, table: str) -> None:
    busy(town)
    assert audit(town.engine, town.catalogue, SECRET).differences == []
    right = listed(town)
    town.do(planted)
    assert {each["table"] for each in audit(town.engine, town.catalogue, SECRET).differences} >= {table}
    if "p9" not in planted:  # of whom there is nothing that could be computed
        town.do("UPDATE followup.context SET generation = generation + 1")
        town.settle()
        assert audit(town.engine, town.catalogue, SECRET).differences == []
        assert listed(town) == right


def test_a_new_schema_has_everybody_computed_anew_and_the_list_filled(town: Town) -> None:
    busy(town)
    right = town.state()
    town.engine.dispose()
    downgrade(town.url, "followup", "0001")
    migrate(town.url, "followup")
    assert town.rows("doubt") == town.rows("person_case") == []
    with town.engine.begin() as connection:
        adopt_catalogue(connection, town.catalogue)
    town.settle()
    for each in (right, state := town.state()):
        for table in ("person", "context"):
            for row in each[table]:
                row["generation"] = 0
    assert state == right
    assert audit(town.engine, town.catalogue, SECRET).differences == []


def test_the_migrations_make_the_tables_of_the_code(empty_database_url: str) -> None:
    migrate(empty_database_url, "followup")
    # Without a search path the tables are told with their schema.
    plain = sqlalchemy.create_engine(empty_database_url, poolclass=sqlalchemy.NullPool)
    with plain.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "include_name": lambda name, kind, _: kind != "schema" or name == tables.SCHEMA,
                "version_table_schema": tables.SCHEMA,
            },
        )
        assert compare_metadata(context, tables.metadata) == []
        not_by_bytes = connection.exec_driver_sql(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'followup'"
            " AND table_name IN ('doubt', 'person_case') AND data_type = 'text'"
            " AND collation_name IS DISTINCT FROM 'C'"
        )
        assert not_by_bytes.all() == []


# --- beside the list ---


def test_the_metrics_count_the_entries_that_stand_by_code_alone(town: Town, services: Services) -> None:
    busy(town)
    registry = CollectorRegistry()
    registry.register(StateCollector(services.engine))
    shown = [
        line for line in generate_latest(registry).decode().splitlines() if line.startswith("efterhand_followup_d")
    ]
    counts = {"closure_before_enrolment": 1, "waits_for_enrolment": 1, "case_of_two_persons": 2}
    assert [line for line in shown if "doubts_open" in line] == [
        f'efterhand_followup_doubts_open{{code="{code}"}} {counts.get(code, 0)}.0' for code in CODES
    ]


def test_every_code_says_what_it_means_and_what_to_do_in_both_languages() -> None:
    assert set(ADVICE) == set(CODES)
    for advice in ADVICE.values():
        assert set(advice) == {"sv", "en"}
        assert all(each.means and each.do for each in advice.values())


def test_the_page_for_staff_says_the_same_of_every_code() -> None:
    page = (Path(__file__).parents[2] / "docs" / "staff.md").read_text(encoding="utf-8")
    for code in CODES:
        swedish = ADVICE[code]["sv"]
        assert f"| `{code}` | {swedish.means} | {swedish.do} |" in page


def test_the_command_lists_entries_and_says_what_to_do(
    town: Town, services: Services, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy(town)
    system = System(url, services.tokens.issue("case_worker"))
    monkeypatch.setattr(System, "running", lambda: system)
    asked = ["doubts", "--code", "waits_for_enrolment"]
    as_csv = CliRunner().invoke(group, [*asked, "--csv"])
    assert re.sub(r"n\d+", "n", as_csv.stdout).splitlines() == [
        "code,about,person,case,unit,since,events",
        'waits_for_enrolment,c9,p2,c9,,2017-02-01,"id=n, source=/tiny/a"',
    ]
    as_table = CliRunner().invoke(group, asked)
    assert "c9" in as_table.stdout
    assert "Send the enrolment." in as_table.stderr
    system.close()
