"""The compiled SELECT says what the definition says: the same as plain Python, also where something is unknown."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Date, Engine, NullPool, bindparam, func, inspect, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from efterhand.catalogue import Catalogue, Indicator
from efterhand.catalogue.conditions import ALWAYS, AllOf, Column, Compare, Exists, Find, Not, OneOf, Order, SameAs, Verb
from efterhand.catalogue.factkinds import fact_kinds
from efterhand.catalogue.model import Between, Bucket, Evidence, EvidenceWhen, Kind
from efterhand.catalogue.phrases import Phrase, parse_phrase
from efterhand.database import bulk_insert, create_engine, downgrade, migrate
from efterhand.dates import add_months, age_band, is_working_day
from efterhand.timeline.facts import Facts
from efterhand.timeline.rules import Subject, holds
from efterhand_indicators.adapters import tables
from efterhand_indicators.adapters.compiler import (
    Uncompilable,
    compile_indicator,
    contributions_of,
    tables_read,
    to_sql,
)
from efterhand_indicators.adapters.compiling.days import moved
from efterhand_indicators.domain.ages import age_classes
from tests.property.product import catalogue
from tests.services.definitions_at_random import DAYS, facts_of, histories, indicators, with_derived_kinds
from tests.services.indicator_bench import by_sql, contribute, lay, literally

# Every example works in a transaction of its own.
EXAMPLES = settings(
    max_examples=80, deadline=None, database=None, print_blob=True, suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="module")
def engine(create_database: Callable[[str], str]) -> Iterator[Engine]:
    url = create_database("template0")
    migrate(url, tables.SCHEMA)
    made = create_engine(url, tables.SCHEMA, pool_size=1)
    yield made
    made.dispose()


def whole() -> Catalogue:
    """The tiny catalogue with two kinds of derived facts."""
    return with_derived_kinds(catalogue())


def readable(statement: str) -> str:
    """The statement with each clause on a line of its own."""
    return re.sub(r"\s+", " ", statement).replace(" FROM", "\nFROM").replace(" WHERE", "\nWHERE")


def sql_of(indicator: Indicator, of: tables.Tables = tables.stored, *, of_persons: bool = False) -> str:
    """The SELECT of an indicator's contributions."""
    return to_sql(contributions_of(indicator, whole(), of, of_persons=of_persons))


def changed(name: str, **changes: Any) -> Indicator:
    """An indicator of the catalogue, otherwise defined."""
    return replace(catalogue().indicators[name], **changes)


def test_an_indicator_is_one_select_in_which_its_definition_can_be_read() -> None:
    known = catalogue().indicators
    closed = readable(sql_of(known["closed_12m"], of_persons=True))
    assert "FROM indicators.fact_case AS counted LEFT OUTER JOIN indicators.fact_person AS born" in closed
    assert "counted.enrolled_on + INTERVAL '12 months' AS DATE" in closed
    assert "CASE WHEN (counted.closed_on <= measured_day) THEN 1 ELSE 0 END AS numerator" in closed
    assert "NOT coalesce(counted.reason = 'referred_back' AND counted.closed_on <= measured_day, false)" in closed
    covered = readable(sql_of(known["self_sufficient_6m"]))
    assert "CASE WHEN (help.person IS NOT NULL) THEN 1 ELSE 0 END AS denominator" in covered
    assert "counted.reason AS closure_reason" in covered
    for indicator in known.values():
        parameters = re.findall(r"%\((\w+)\)s", sql_of(indicator, of_persons=True))
        assert set(parameters) == {"persons"}
        everybody = sql_of(indicator, tables.temporary)
        assert "%(" not in everybody
        assert "indicators." not in everybody


def test_which_tables_an_indicator_reads_is_known_from_its_definition() -> None:
    known = whole().indicators
    reads = {name: tables_read(known[name], whole()) for name in ("closed_12m", "self_sufficient_6m", "offer_90d")}
    assert reads == {
        "closed_12m": {"person", "stay", "case"},
        "self_sufficient_6m": {"person", "stay", "case", "assistance"},
        "offer_90d": {"person", "stay", "check"},
    }
    assert tables_read(known["guidance_share"], whole()) == {"person", "stay", "case", "guidance"}
    # Also what look-ups inside of look-ups read, and the tables in which derived facts lie.
    consent = Exists(Find(Verb.SOME, "consent", "changed_on"))
    offer = Exists(Find(Verb.SOME, "offer", "made_on", where=consent))
    nested = changed(
        "closed_12m", where=Not(offer), finds={"back": Find(Verb.COUNT, "episode", "began_on")}, counts="reached"
    )
    assert tables_read(nested, whole()) == {"person", "stay", "reached", "merged", "offer", "consent"}


def test_months_clamp_in_postgresql_as_in_the_calendar(engine: Engine) -> None:
    days = [date(2015, 12, 25) + timedelta(days=n) for n in range(1700)]
    with engine.connect() as connection:
        for months in (-13, -12, -1, 1, 4, 6, 7, 12, 18):
            shifted = connection.execute(
                text(f"SELECT (day + INTERVAL '{months} months')::date FROM unnest(CAST(:days AS date[])) AS day"),
                {"days": days},
            ).scalars()
            assert list(shifted) == [add_months(day, months) for day in days]


PHRASES = (
    "day",
    "day - 40 days",
    "day + 3 weeks",
    "day - 14 months",
    "day + 2 quarters",
    "day - 1 years",
    "day + 1 working days",
    "day + 5 working days",
    "day + 300 working days",
    "day - 1 working days",
    "day - 7 working days",
    "start of month of day",
    "end of month of day",
    "end of 2nd quarter after day",
    "start of tertial of day",
    "end of 1st tertial before day",
    "start of 3rd year after day",
    "end of year of day",
)


@pytest.mark.parametrize("phrase", PHRASES)
def test_a_phrase_means_the_same_day_in_postgresql_as_in_the_calendar(engine: Engine, phrase: str) -> None:
    days = [date(2015, 12, 20) + timedelta(days=n) for n in range(800)]
    meant = parse_phrase(phrase)
    each = func.unnest(bindparam("days", days, type_=ARRAY(Date))).table_valued("day").render_derived(name="each")
    with engine.connect() as connection:
        found = (
            connection.execute(select(moved(each.c.day, meant, tables.working_day)).select_from(each)).scalars().all()
        )
    assert found == [meant.after(day) for day in days]


def test_working_days_are_kept_for_as_long_as_anybody_plans(engine: Engine) -> None:
    with engine.connect() as connection:
        rows = connection.execute(select(tables.working_day).order_by(tables.working_day.c.day)).all()
    days = [row.day for row in rows]
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert (days[0], days[-1]) == (date(1990, 1, 2), date(2100, 12, 30))
    every = [date(2016, 1, 1) + timedelta(days=n) for n in range(731)]
    assert [day for day in days if day.year in (2016, 2017)] == [day for day in every if is_working_day(day)]


# --- against the literal engine -----------------------------------------------------------------------------------


@settings(EXAMPLES, max_examples=150)
@given(data=st.data())
def test_whatever_a_definition_says_it_means_the_same_in_sql_and_taken_literally(
    engine: Engine, data: st.DataObject
) -> None:
    everything = whole()
    drawn = data.draw(st.lists(histories(), min_size=1, max_size=3))
    people = [facts_of(f"p{number}", rows, everything) for number, rows in enumerate(drawn)]
    indicator = data.draw(indicators(everything.indicators["closed_12m"], everything.facts))
    by = [name for name in indicator.dimensions if data.draw(st.booleans())][:3]
    with engine.connect() as connection:
        lay(connection, people, everything)
        contribute(connection, indicator, everything, people)
        for at in (date(2016, 8, 31), date(2017, 2, 28), date(2018, 1, 31)):
            assert by_sql(connection, indicator, everything, at, by) == literally(indicator, everything, people, at, by)
        connection.rollback()


# --- single constructs, worked out by hand ------------------------------------------------------------------------

ENROLLED = date(2017, 1, 10)
PERSON = {"person": [{"sex": "female", "birth_year": 1990}]}
CASE = {"case_id": "c1", "enrolled_on": ENROLLED, "closed_on": date(2017, 6, 30), "reason": "work"}
STAYS = [
    {"case_id": "c1", "from_on": ENROLLED, "until_on": date(2017, 3, 31), "unit": "north", "target_group": "ordinary"},
    {"case_id": "c1", "from_on": date(2017, 4, 1), "unit": "south", "target_group": "resource"},
]


def contributions(engine: Engine, indicator: Indicator, **rows: Any) -> list[Any]:
    """What the stored facts of one person come to, in the order of their keys."""
    everything = whole()
    people = [facts_of("p1", {**PERSON, "case": [CASE], "stay": STAYS, **rows}, everything)]
    with engine.connect() as connection:
        lay(connection, people, everything)
        found = connection.exec_driver_sql(sql_of(indicator)).mappings().all()
        connection.rollback()
    return sorted(found, key=lambda row: (row["evidence"], row["protocol"], row["subject"], row["first_day"]))


def test_talks_are_kept_beside_the_case_as_days_that_speak_for_the_person(engine: Engine) -> None:
    talks = [{"case_id": "c1", "held_on": day, "nth": 1} for day in (date(2017, 2, 1), date(2017, 9, 1))]
    found = contributions(engine, catalogue().indicators["guidance_share"], guidance=talks)
    assert [(row["evidence"], row["subject"], row["first_day"], row["last_day"], row["unit"]) for row in found] == [
        (False, "c1", ENROLLED, date(2017, 3, 31), "north"),
        (False, "c1", date(2017, 4, 1), date(2017, 6, 30), "south"),
        (True, "", date(2017, 2, 1), date(2017, 2, 1), None),
        (True, "", date(2017, 9, 1), date(2017, 9, 1), None),
    ]
    assert [(row["numerator"], row["denominator"]) for row in found] == [(0, 1), (0, 1), (1, None), (1, None)]
    since = changed(
        "guidance_share", once_per=(), evidence=Evidence(EvidenceWhen.SINCE, Phrase("reason"), None, (), ALWAYS)
    )
    since = replace(since, evidence=Evidence(EvidenceWhen.SINCE, Phrase("closed_on"), None, (), ALWAYS))
    spoken = [row for row in contributions(engine, since) if row["evidence"]]
    assert [(row["subject"], row["first_day"], row["last_day"]) for row in spoken] == [
        ("c1", date(2017, 6, 30), date(9999, 12, 31))
    ]


def test_a_measure_has_the_first_units_before_and_the_last_units_after_the_case(engine: Engine) -> None:
    measure = {"measure_id": "m1", "case_id": "c1", "kind": "stockholmsjobb", "started_on": date(2016, 12, 1)}
    found = contributions(engine, catalogue().indicators["stockholmsjobb_persons"], measure=[measure])
    assert [(row["first_day"], row["last_day"], row["unit"]) for row in found] == [
        (date(2016, 12, 1), date(2017, 3, 31), "north"),
        (date(2017, 4, 1), date(2019, 12, 31), "south"),
        (date(2020, 1, 1), date(2044, 12, 31), "south"),
        (date(2045, 1, 1), date(9999, 12, 31), "south"),
    ]
    assert [row["age_band"] for row in found] == ["25-29", "25-29", "30-54", "55+"]


def test_of_a_persons_things_each_knows_the_one_before_and_of_one_day_only_the_first_is_kept(engine: Engine) -> None:
    measures = [
        {"measure_id": measure, "case_id": "c1", "kind": "internship", "started_on": day}
        for measure, day in (
            ("m3", date(2017, 2, 1)),
            ("m1", date(2017, 2, 1)),
            ("m2", date(2017, 5, 1)),
            ("m4", date(2017, 9, 1)),
        )
    ]
    first = changed("internship_count", where=ALWAYS, first_per_person=True)
    found = contributions(engine, first, measure=measures)
    assert [(row["subject"], row["after_day"]) for row in found] == [
        ("m1", None),
        ("m2", date(2017, 2, 1)),
        ("m4", date(2017, 5, 1)),
    ]


def test_the_part_of_a_split_comes_before_the_further_dimensions(engine: Engine) -> None:
    split = changed(
        "days_to_livelihood",
        kind=Kind.SPLIT,
        measured=Between(Phrase("enrolled_on"), Phrase("closed_on"), "days"),
        buckets=(Bucket("short", upper=100), Bucket("long", lower=100, lower_open=True)),
        by=(Column("on_assistance"), Column("reason")),
    )
    (found,) = contributions(engine, split, case=[{**CASE, "on_assistance": True}])
    assert (found["more"], found["numerator"], found["denominator"], found["sum"]) == (
        ["long", "true", "work"],
        1,
        1,
        None,
    )
    mean = changed("days_to_livelihood")
    (found,) = contributions(engine, mean)
    assert (found["more"], found["numerator"], found["denominator"], found["sum"]) == (None, None, 1, 171)


def test_several_parts_of_a_key_are_one_subject(engine: Engine) -> None:
    offers = [{"case_id": "c1", "made_on": date(2017, 2, 1), "kind": "job", "nth": nth} for nth in (1, 2)]
    counted = changed("internship_count", counts="offer", day=Phrase("made_on"), as_of=Phrase("made_on"), where=ALWAYS)
    found = contributions(engine, counted, offer=offers)
    assert [row["subject"] for row in found] == ["c1 2017-02-01 job 1", "c1 2017-02-01 job 2"]
    assert [row["unit"] for row in found] == ["north", "north"]
    consent = changed(
        "internship_count", counts="consent", day=Phrase("changed_on"), as_of=Phrase("changed_on"), where=ALWAYS
    )
    (found_consent,) = contributions(engine, consent, consent=[{"changed_on": date(2017, 2, 1), "contact": True}])
    assert (found_consent["subject"], found_consent["unit"], found_consent["sex"]) == ("2017-02-01", None, "female")


@EXAMPLES
@given(
    first=st.sampled_from(DAYS),
    length=st.none() | st.integers(0, 2500),
    birth_year=st.integers(1955, 2004),
    ages=st.lists(st.tuples(st.sampled_from(list(Order)), st.integers(14, 60)), max_size=2),
)
def test_stretches_cover_each_day_once_with_the_age_band_of_that_day(
    engine: Engine, first: date, length: int | None, birth_year: int, ages: list[tuple[Order, int]]
) -> None:
    last = None if length is None else first + timedelta(days=length)
    where = AllOf(tuple(Compare(Column("age"), order, bound) for order, bound in ages))
    indicator = changed("unique_persons", where=where)
    stay = {"person": "p1", "case_id": "c1", "from_on": first, "until_on": None, "open_until": last}
    with engine.connect() as connection:
        facts = tables.stored.facts
        bulk_insert(connection, facts["person"], [{"person": "p1", "sex": "male", "birth_year": birth_year}])
        bulk_insert(connection, facts["stay"], [{**stay, "unit": "north", "target_group": "other"}])
        rows = connection.exec_driver_sql(sql_of(indicator)).all()
        connection.rollback()
    nobody = Facts("p1", {})
    for offset in range(0, 2600, 13):
        for day in {first + timedelta(days=offset), date((first + timedelta(days=offset)).year, 12, 31)}:
            age = day.year - birth_year
            counts = (last is None or day <= last) and holds(where, Subject(nobody, {}, {"age": age}))
            bands = [row.age_band for row in rows if row.first_day <= day <= row.last_day]
            assert bands == ([age_band(age)] if counts and day >= first else [])


def test_age_classes_cover_every_age_once() -> None:
    classes = age_classes([AllOf((Compare(Column("age"), Order.MORE, 17), OneOf(Column("age"), (33,))))])
    for age in range(-5, 120):
        found = [
            each
            for each in classes
            if (each.first is None or age >= each.first) and (each.last is None or age <= each.last)
        ]
        assert [each.band for each in found] == [age_band(age)]
        assert (age > 17) == (found[0].age > 17)
        assert (age == 33) == (found[0].age == 33)

    alone = age_classes([], each_age=True)
    assert all(each.first == each.last for each in alone[1:-1])
    inside = Exists(Find(Verb.SOME, "person", None, where=SameAs(Column("birth_year"), Column("age", "counted"))))
    assert age_classes([Not(inside)]) == alone


UNCOMPILABLE: list[tuple[str, dict[str, Any], str]] = [
    ("closed_12m", {"where": Exists(Find(Verb.SOME, "reply", "answered_on"))}, "reply"),
    ("offer_90d", {"where": Exists(Find(Verb.SOME, "reply", "answered_on", replies=True))}, "replies"),
    ("unique_persons", {"share": ALWAYS}, "speaks for it"),
    ("closed_12m", {"where": OneOf(Column("reason"), ("a\\b",))}, "no code may have"),
]


@pytest.mark.parametrize(("name", "changes", "said"), UNCOMPILABLE, ids=[said for _, _, said in UNCOMPILABLE])
def test_what_cannot_be_counted_from_the_stored_facts_is_refused(name: str, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(Uncompilable, match=said):
        compile_indicator(changed(name, **changes), whole(), tables.stored, tables.temporary)


def test_the_migration_makes_the_tables_that_the_service_describes(create_database: Callable[[str], str]) -> None:
    url = create_database("template0")
    migrate(url, tables.SCHEMA)
    # Without a search path the tables are told with their schema.
    made = sqlalchemy.create_engine(url, poolclass=NullPool)
    with made.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "include_name": lambda name, kind, _: kind != "schema" or name == tables.SCHEMA,
                "include_object": lambda _, name, kind, *__: kind != "table" or name != "alembic_version",
                "compare_type": True,
            },
        )
        assert compare_metadata(context, tables.metadata) == []
        otherwise_sorted = connection.execute(
            text(
                "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'indicators'"
                " AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'"
                " AND NOT table_name = ANY('{outbox,parked,position}')"
            )
        ).all()
        assert otherwise_sorted == []
    downgrade(url, tables.SCHEMA)
    with made.connect() as connection:
        assert inspect(connection).get_table_names(tables.SCHEMA) == ["alembic_version"]


def test_every_fact_that_is_kept_has_a_table_whose_key_begins_with_the_person() -> None:
    kept = {name: kind for name, kind in fact_kinds().items() if kind.has_table}
    assert set(tables.stored.facts) == {*kept, tables.MERGED, tables.REACHED}
    for name, kind in kept.items():
        table = tables.stored.facts[name]
        assert [column.name for column in table.columns] == ["person", *kind.columns]
        assert [column.name for column in table.primary_key] == ["person", *kind.key]
    for derived in (tables.MERGED, tables.REACHED):
        assert [column.name for column in tables.stored.facts[derived].primary_key][:3] == ["person", "name", "per"]


def test_the_second_migration_leaves_everybody_to_be_computed_anew(create_database: Callable[[str], str]) -> None:
    url = create_database("template0")
    migrate(url, tables.SCHEMA, "0001")
    made = sqlalchemy.create_engine(url, poolclass=NullPool)

    def context() -> Any:
        with made.connect() as connection:
            return tuple(connection.execute(text("SELECT generation, definitions FROM indicators.context")).one())

    def contributed(connection: Connection) -> int:
        return connection.execute(text("SELECT count(*) FROM indicators.contribution")).scalar_one()  # type: ignore[no-any-return]

    with made.begin() as connection:
        connection.execute(text('UPDATE indicators.context SET definitions = \'{"closed_12m": "1"}\''))
        connection.execute(
            text(
                "INSERT INTO indicators.contribution (person, indicator, definition, protocol, subject, first_day,"
                " last_day, numerator) VALUES ('p1', 'closed_12m', '1', '', 'c1', '2017-01-01', '2017-01-01', 1)"
            )
        )
    migrate(url, tables.SCHEMA, "0002")
    assert context() == (2, {})
    with made.connect() as connection:
        assert contributed(connection) == 0
    downgrade(url, tables.SCHEMA, "0001")
    assert context() == (3, {})
    migrate(url, tables.SCHEMA, "0002")
    assert context() == (4, {})
