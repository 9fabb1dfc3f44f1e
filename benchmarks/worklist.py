"""How long the worklist takes at the server with 200,000 open checks in 60 units.

The tables are filled by COPY, as the worker would leave them: three checks settled for each open one, some tried, some
put off. Then the real API process is asked, one question after the other, for what staff ask for. Before any time
counts, what the list says is held against what was filled in. The plans of the slowest questions are kept beside the
results.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg
import yaml
from sqlalchemy import create_engine
from sqlalchemy.dialects import postgresql

import efterhand.catalogue
from benchmarks.common import (
    OTHERS,
    RESULTS,
    Goal,
    Neighbours,
    Report,
    Servers,
    Wrong,
    arguments,
    connect,
    environment,
    finish,
    process,
    say,
    servers,
    service,
    settings,
    wait_until,
)
from efterhand.catalogue import load_catalogue
from efterhand.catalogue.fingerprints import fingerprints_of_protocols
from efterhand.demo.municipality import LAST_DAY
from efterhand.embedded import ports
from efterhand.web.sight import Sight
from efterhand.web.tokens import Tokens
from efterhand_followup.adapters.worklist_query import WorkFilter, counting, listing
from efterhand_followup.application.read_worklist import register_protocols
from efterhand_followup.domain.worklist import OPEN_GROUPS, Group

OPEN_CHECKS: Final = 200_000
OPEN_CHECKS_SMALL: Final = 4_000
UNITS: Final = 60
SETTLED_FOR_EACH: Final = 3
WORKERS_OF_A_UNIT: Final = 12
QUESTIONS: Final = 30
QUESTIONS_SMALL: Final = 5
GOAL_MS: Final = 200.0
TODAY: Final = LAST_DAY
PAGE: Final = 50

PROTOCOLS: Final = (
    ("offer_90d", "case.enrolled", 90, -30, 1),
    ("plan_5d", "case.enrolled", 7, 0, 1),
    ("occupation_3m", "measure.ended", 91, -14, 61),
    ("occupation_6m", "case.closed", 183, -14, 61),
    ("higher_vocational_6m", "measure.ended", 183, -14, 61),
    ("assistance_7m", "case.closed", 213, 0, 91),
    ("assistance_4m", "measure.ended", 122, 0, 91),
)
"""Protocol, what it follows, days to due, to the first reminder, to giving up."""

COLUMNS: Final = (
    "person", "id", "protocol", "subject", "case_id", "anchor_on", "due", "outcome", "outcome_on", "gives_up_on",
    "gives_up_as", "first_received", "unit", "worker", "state", "late", "settled_on", "protected", "because",
    "attempts", "tried_on",
)  # fmt: skip

Row = dict[str, Any]


@dataclass(frozen=True)
class Question:
    """What is asked, and how many checks it must find in all open groups together."""

    name: str
    query: dict[str, str]
    wanted: Callable[[Row], bool]


def catalogue_of_many_units(directory: Path) -> Path:
    """Stockholm's catalogue with sixty places to work, ten under each of six areas."""
    source = Path(efterhand.catalogue.__file__).parent / "stockholm"
    shutil.copytree(source, directory)
    tree: list[dict[str, Any]] = yaml.safe_load((directory / "units.yaml").read_text(encoding="utf-8"))
    top = tree[0]["id"]
    for area in range(6):
        under = [{"parent": top, "from": date(2008, 1, 1)}]
        tree.append({"id": f"area-{area}", "name": f"Area {area}", "under": under})
    for unit in range(UNITS):
        under = [{"parent": f"area-{unit % 6}", "from": date(2008, 1, 1)}]
        tree.append({"id": unit_id(unit), "name": f"Unit {unit}", "under": under})
    (directory / "units.yaml").write_text(yaml.safe_dump(tree, allow_unicode=True), encoding="utf-8")
    return directory


def unit_id(number: int) -> str:
    """The id of one of the places to work."""
    return f"unit-{number:02}"


def open_checks(count: int, chance: random.Random) -> Iterator[Row]:
    """Checks that are upcoming, due or overdue today."""
    for number in range(count):
        protocol, _, to_due, reminder, gives_up = PROTOCOLS[number % len(PROTOCOLS)]
        due = TODAY + timedelta(days=chance.randint(-gives_up + 1, -reminder))
        state = "overdue" if due < TODAY else "due" if due == TODAY else "upcoming"
        row = check(f"o{number}", protocol, due, to_due, gives_up, chance)
        tried = chance.random() < 0.1
        tried_on = TODAY - timedelta(days=chance.randint(0, 30)) if tried else None
        attempts = [{"on": str(tried_on), "how": "phone", "source": "/efterhand/followup", "id": f"a{number}"}]
        yield {**row, "state": state, "tried_on": tried_on, "attempts": attempts if tried else []}


def settled_checks(count: int, chance: random.Random) -> Iterator[Row]:
    """Checks of the last eight years that nobody has to do anything about."""
    for number in range(count):
        protocol, _, to_due, _, gives_up = PROTOCOLS[number % len(PROTOCOLS)]
        due = TODAY - timedelta(days=chance.randint(2, 8 * 365))
        settled_on = due - timedelta(days=1)
        row = check(f"s{number}", protocol, due, to_due, gives_up, chance)
        yield {**row, "state": "answered", "outcome": "answered", "outcome_on": settled_on, "settled_on": settled_on}


def check(name: str, protocol: str, due: date, to_due: int, gives_up: int, chance: random.Random) -> Row:
    """A check with what all of them have."""
    unit = chance.randrange(UNITS)
    case = f"{name[0]}-{2010 + chance.randrange(8)}-{name[1:]:0>7}"
    return {
        "person": f"p-{name}-{chance.getrandbits(64):016x}",
        "protocol": protocol,
        "subject": case,
        "case_id": case,
        "anchor_on": due - timedelta(days=to_due),
        "due": due,
        "outcome": None,
        "outcome_on": None,
        "gives_up_on": due + timedelta(days=gives_up),
        "gives_up_as": "expired",
        "first_received": due - timedelta(days=to_due),
        "unit": unit_id(unit),
        "worker": f"w-{unit:02}-{chance.randrange(WORKERS_OF_A_UNIT):02}",
        "late": False,
        "settled_on": None,
        "protected": chance.random() < 0.005,
        "because": [{"source": "/stockholm/flai", "id": f"e-{name}"}],
        "attempts": [],
        "tried_on": None,
    }


def fill(url: str, catalogue: Path, open_count: int) -> tuple[list[Row], set[str]]:
    """Fill the tables; gives the open checks, and the ids of those that are put off."""
    chance = random.Random(2017)
    loaded = load_catalogue(str(catalogue))
    opened = list(open_checks(open_count, chance))
    put_off = set()
    with connect(url) as connection, connection.cursor() as cursor:
        into = f'COPY followup."check" ({", ".join(COLUMNS)}) FROM STDIN'
        with cursor.copy(into.encode()) as copy:
            for rows in (opened, settled_checks(open_count * SETTLED_FOR_EACH, chance)):
                for row in rows:
                    row["id"] = f"{row['protocol']}:{row['person']}:{row['subject']}"
                    copy.write_row([_value(row[name]) for name in COLUMNS])
        with cursor.copy(b"COPY followup.postponement (person, check_id, until_on) FROM STDIN") as copy:
            for row in opened:
                if chance.random() < 0.05:
                    put_off.add(row["id"])
                    until = TODAY + timedelta(days=chance.randint(1, 20))
                    copy.write_row([row["person"], row["id"], until])
        connection.execute(
            "UPDATE followup.check AS held SET postponed_until = until_on FROM followup.postponement AS put_off"
            " WHERE held.person = put_off.person AND held.id = put_off.check_id"
        )
        protocols = psycopg.types.json.Jsonb(fingerprints_of_protocols(loaded))
        connection.execute(
            "UPDATE followup.context SET business_date = %s, started_on = %s, catalogue = %s, protocols = %s,"
            " definitions = %s",
            (TODAY, TODAY, loaded.version, protocols, protocols),
        )
        connection.execute("VACUUM ANALYZE")
    return opened, put_off


def _value(value: Any) -> Any:
    return psycopg.types.json.Jsonb(value) if isinstance(value, list) else value


def questions(opened: list[Row]) -> list[Question]:
    """What staff ask for."""
    worker, case = opened[0]["worker"], opened[1]["case_id"]
    area = {unit_id(number) for number in range(0, UNITS, 6)}
    return [
        Question("the whole city", {}, lambda row: True),
        Question("the whole city, by case", {"sort": "case"}, lambda row: True),
        Question("the whole city, to be done now", {"group": "overdue,todo"}, lambda row: True),
        Question("the whole city, not yet overdue", {"group": "todo"}, lambda row: True),
        Question("the whole city, what waits", {"group": "waiting"}, lambda row: True),
        Question("the whole city, also what is done", {"group": "overdue,todo,waiting,done"}, lambda row: True),
        Question("the whole city, last due first", {"sort": "-due"}, lambda row: True),
        Question("an area of ten units", {"unit": "area-0"}, lambda row: row["unit"] in area),
        Question("a unit", {"unit": unit_id(7)}, lambda row: row["unit"] == unit_id(7)),
        Question("a worker", {"worker": worker}, lambda row: row["worker"] == worker),
        Question("two protocols", {"protocol": "occupation_6m,occupation_3m"},
                 lambda row: row["protocol"] in ("occupation_6m", "occupation_3m")),
        Question("a part of a case's number", {"case": case[-6:]}, lambda row: case[-6:] in row["case_id"]),
    ]  # fmt: skip


def expected(opened: list[Row], put_off: set[str], wanted: Callable[[Row], bool]) -> Counter[str]:
    """The counts of the open groups, by the rule said once more."""
    counts: Counter[str] = Counter({"overdue": 0, "todo": 0, "waiting": 0})
    for row in opened:
        if not wanted(row):
            continue
        tried = row["tried_on"] is not None and (TODAY - row["tried_on"]).days < 14
        waits = tried or row["id"] in put_off or row["protocol"].startswith("assistance")
        counts["waiting" if waits else "overdue" if row["state"] == "overdue" else "todo"] += 1
    return counts


def ask(client: httpx.Client, question: Question) -> tuple[float, dict[str, Any]]:
    """Milliseconds, and what was answered."""
    begun = time.perf_counter()
    answer = client.get("/followup/v1/worklist", params={**question.query, "limit": str(PAGE)})
    taken = (time.perf_counter() - begun) * 1000
    if answer.status_code != 200:
        raise Wrong(f"{question.name}: {answer.status_code} {answer.text[:500]}")
    return taken, answer.json()


def keep_plans(url: str, catalogue: Path, to: Path) -> None:
    """Write down how the database answers for the whole city: the list, and the counts."""
    loaded = load_catalogue(str(catalogue))
    among = WorkFilter(TODAY, None, register_protocols(loaded), Sight(None))
    statements = {
        "The list, the first page of everything that is open": listing(among, OPEN_GROUPS, "due", None, PAGE + 1),
        "The list, the first page of what is to be done now": listing(
            among, (Group.OVERDUE, Group.TODO), "due", None, PAGE + 1
        ),
        "The counts of the open groups": counting(among),
    }
    told = [
        "# How PostgreSQL answers the worklist",
        "",
        "`EXPLAIN (ANALYZE, BUFFERS)`; made by benchmarks/worklist.py.",
    ]
    engine = create_engine(url)
    with engine.connect() as connection:
        for title, statement in statements.items():
            compiled = statement.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})
            plan = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS) {str(compiled).replace('%', '%%')}")
            told += ["", f"## {title}", "", "```", *plan.scalars(), "```"]
    engine.dispose()
    to.write_text("\n".join(re.sub(r"\s+$", "", line) for line in told) + "\n", encoding="utf-8")


def measure(made: Servers, report: Report, rounds: int, open_count: int, number: int, keep: bool) -> None:
    """Fill, start the API, check what it says, and ask."""
    catalogue = catalogue_of_many_units(made.directory / "catalogue")
    url = made.new_database()
    say("filling the tables")
    opened, put_off = fill(url, catalogue, open_count)
    port = ports.choose()
    told = settings(database_url=url, kafka=made.kafka, catalogue=str(catalogue), port=port)
    token = Tokens(told.secret.get_secret_value()).issue("administrator")
    with process(service("followup-api"), environment(told), made.directory / "followup-api.log"):
        base = f"http://127.0.0.1:{port}"
        with httpx.Client(
            base_url=base, trust_env=False, headers={"authorization": f"Bearer {token}"}, timeout=30
        ) as client:
            wait_until(lambda: _is_ready(client), "the API is ready", 60)
            asked = questions(opened)
            for question in asked:
                _, answer = ask(client, question)
                counts = {name: answer["counts"][name] for name in ("overdue", "todo", "waiting")}
                if counts != dict(expected(opened, put_off, question.wanted)):
                    raise Wrong(f"{question.name}: {counts}, not {expected(opened, put_off, question.wanted)}")
            say("asking")
            for _ in range(rounds):
                neighbours = Neighbours()
                taken: dict[str, list[float]] = {question.name: [] for question in asked}
                for _ in range(number):
                    for question in asked:
                        taken[question.name].append(ask(client, question)[0])
                numbers = {}
                for name, times in taken.items():
                    numbers[f"{name}: p50"] = statistics.median(times)
                    numbers[f"{name}: p99"] = sorted(times)[max(0, round(len(times) * 0.99) - 1)]
                report.add_round({**numbers, OTHERS: neighbours.share()})
    if keep:
        keep_plans(url, catalogue, RESULTS / "worklist-plans.md")


def _is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").status_code == 200
    except httpx.HTTPError:
        return False


def main() -> None:
    """Measure, print, keep."""
    given = arguments(__doc__ or "")
    load_before = os.getloadavg()[0]
    open_count = OPEN_CHECKS_SMALL if given.small else OPEN_CHECKS
    number = QUESTIONS_SMALL if given.small else QUESTIONS
    report = Report("worklist", "Milliseconds of GET /followup/v1/worklist, at the server")
    report.facts = {
        "open checks": open_count,
        "settled checks beside them": open_count * SETTLED_FOR_EACH,
        "units": UNITS,
        "checks on a page": PAGE,
        "questions of each kind a round": number,
    }
    with servers() as made:
        measure(made, report, given.rounds, open_count, number, keep=not given.small or given.keep)
    names = dict.fromkeys(name for numbers in report.rounds for name in numbers if name != OTHERS)
    report.units = dict.fromkeys(names, "ms")
    report.goals = [Goal(name, GOAL_MS, at_least=False) for name in names]
    report.notes.append("one connection, one question after the other; with the counts of every group in each answer")
    report.notes.append("how the database answers: worklist-plans.md")
    finish(report, given, load_before)


if __name__ == "__main__":
    main()
