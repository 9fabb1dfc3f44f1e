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
from sqlalchemy import Connection, Engine, NullPool, inspect, text

from efterhand.catalogue import Indicator
from efterhand.catalogue.conditions import ALWAYS, AllOf, AnyOf, Column, Compare, Condition, Known, Not, OneOf, Order
from efterhand.catalogue.factkinds import fact_kinds
from efterhand.catalogue.model import Bound, Find
from efterhand.catalogue.phrases import Phrase
from efterhand.database import bulk_insert, create_engine, downgrade, migrate
from efterhand.dates import add_months, age_band
from efterhand.timeline.facts import Fact, Facts, Provenance
from efterhand.timeline.rules import Subject, holds, look_up
from efterhand_indicators.adapters import tables
from efterhand_indicators.adapters.compiler import (
    Uncompilable,
    compile_indicator,
    contributions_of,
    facts_read_by,
    to_sql,
)
from efterhand_indicators.domain.ages import age_classes
from tests.property.product import catalogue

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


def readable(statement: str) -> str:
    """The statement with each clause on a line of its own."""
    return re.sub(r"\s+", " ", statement).replace(" FROM", "\nFROM").replace(" WHERE", "\nWHERE")


def test_an_indicator_is_one_select_in_which_its_definition_can_be_read() -> None:
    indicators = catalogue().indicators
    closed = readable(to_sql(contributions_of(indicators["closed_12m"], tables.stored, of_persons=True)))
    assert "FROM indicators.fact_case AS counted JOIN indicators.fact_person AS born" in closed
    assert "counted.enrolled_on + INTERVAL '12 months' AS DATE" in closed
    assert "CASE WHEN (counted.closed_on <= measured_day) THEN 1 ELSE 0 END AS numerator" in closed
    assert "NOT coalesce(counted.reason = 'referred_back' AND counted.closed_on <= measured_day, false)" in closed
    covered = readable(to_sql(contributions_of(indicators["self_sufficient_6m"], tables.stored)))
    assert "CASE WHEN (help.person IS NOT NULL) THEN 1 ELSE 0 END AS denominator" in covered
    assert "counted.reason AS closure_reason" in covered
    for indicator in indicators.values():
        parameters = re.findall(r"%\((\w+)\)s", to_sql(contributions_of(indicator, tables.stored, of_persons=True)))
        assert parameters == ["persons"]
        everybody = to_sql(contributions_of(indicator, tables.temporary))
        assert "%(" not in everybody
        assert "indicators." not in everybody


def test_which_facts_an_indicator_reads_is_known_from_its_definition() -> None:
    reads = {name: facts_read_by(indicator) for name, indicator in catalogue().indicators.items()}
    assert reads == {
        "closed_12m": {"person", "stay", "case"},
        "self_sufficient_6m": {"person", "stay", "case", "assistance"},
        "offer_90d": {"person", "stay", "check"},
        "unique_persons": {"person", "stay"},
    }


def test_months_clamp_in_postgresql_as_in_the_calendar(engine: Engine) -> None:
    days = [date(2015, 12, 25) + timedelta(days=n) for n in range(1700)]
    with engine.connect() as connection:
        for months in (-13, -12, -1, 1, 4, 6, 7, 12, 18):
            shifted = connection.execute(
                text(f"SELECT (day + INTERVAL '{months} months')::date FROM unnest(CAST(:days AS date[])) AS day"),
                {"days": days},
            ).scalars()
            assert list(shifted) == [add_months(day, months) for day in days]


DAYS = [date(2016, 2, 29), date(2016, 3, 1), date(2017, 2, 28), date(2017, 8, 31), date(2018, 1, 1)]
REASONS = ["work", "studies", "moved"]


def conditions() -> st.SearchStrategy[Condition]:
    """Conditions on a case that may be open, and on an assistance that may be unknown."""
    day = st.builds(
        Phrase,
        st.sampled_from(["enrolled_on", "closed_on", "day"]),
        st.sampled_from([0, -1, 3]),
        st.sampled_from(["days", "months"]),
    )
    order = st.sampled_from(list(Order))
    reasons = st.lists(st.sampled_from(REASONS), min_size=0, max_size=2, unique=True).map(tuple)
    leaves = st.one_of(
        st.builds(OneOf, st.just(Column("reason")), reasons),
        st.builds(OneOf, st.just(Column("receives", "help")), st.just((False,))),
        st.builds(OneOf, st.just(Column("unit")), st.just(("north",))),
        st.builds(OneOf, st.just(Column("sex")), st.just(("female",))),
        st.builds(Compare, st.just(Column("closed_on")), order, day),
        st.builds(Compare, st.just(Column("age")), order, st.integers(18, 31)),
        st.builds(
            Known, st.sampled_from([Column("closed_on"), Column("", "help"), Column("reason"), Column("", "other")])
        ),
        st.builds(Compare, st.just(Column("enrolled_on", "other")), order, day),
        st.just(ALWAYS),
        st.just(AnyOf(())),
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            inner.map(Not),
            st.lists(inner, max_size=3).map(lambda parts: AllOf(tuple(parts))),
            st.lists(inner, max_size=3).map(lambda parts: AnyOf(tuple(parts))),
        ),
        max_leaves=6,
    )


CASES = st.lists(
    st.fixed_dictionaries(
        {
            "enrolled_on": st.sampled_from(DAYS),
            "closed_on": st.none() | st.sampled_from(DAYS),
            "reason": st.none() | st.sampled_from(REASONS),
        }
    ),
    min_size=1,
    max_size=3,
)
FINDS = st.builds(
    Find,
    verb=st.sampled_from(["first", "last"]),
    fact=st.just("case"),
    day=st.sampled_from(["enrolled_on", "closed_on"]),
    other=st.just("case_id"),
    lower=st.none() | st.builds(Bound, st.just(Phrase("enrolled_on")), st.booleans()),
    upper=st.none() | st.builds(Bound, st.just(Phrase("closed_on", 1, "months")), st.booleans()),
    where=st.none() | st.just(Not(OneOf(Column("reason"), ("work",)))),
)


def _fact(values: dict[str, Any], rank: int = 0) -> Fact:
    return Fact(values, Provenance(("/s", str(rank)), date(2017, 1, 1), (rank,)))


@EXAMPLES
@given(
    cases=CASES,
    months=st.dictionaries(st.sampled_from([date(2017, 3, 1), date(2017, 9, 1)]), st.booleans()),
    where=conditions(),
    unless=st.none() | conditions(),
    share=conditions(),
    reported=st.none() | conditions(),
    other=FINDS,
)
def test_conditions_and_finds_mean_the_same_in_sql_and_in_python(
    engine: Engine,
    cases: list[dict[str, Any]],
    months: dict[date, bool],
    where: Condition,
    unless: Condition | None,
    share: Condition,
    reported: Condition | None,
    other: Find,
) -> None:
    rows = [{"case_id": f"c{n}", **values} for n, values in enumerate(cases)]
    finds = {
        "help": Find(verb="at", fact="assistance", day="month", at=Phrase("day")),
        "other": other,
    }
    indicator = replace(
        catalogue().indicators["closed_12m"],
        day=Phrase("enrolled_on", 6, "months"),
        finds=finds,
        where=where,
        unless=unless,
        share=share,
        reported=reported,
    )
    facts = Facts(
        "p1",
        {
            "case": tuple(_fact(row) for row in rows),
            "assistance": tuple(_fact({"month": m, "receives": r}) for m, r in months.items()),
        },
    )
    expected = {}
    for case in facts.of("case"):
        day = add_months(case.values["enrolled_on"], 6)
        values = {
            **case.values,
            "age": case.values["enrolled_on"].year - 1990,
            "sex": "female",
            "unit": "north" if case.values["case_id"] == "c0" else "south",
        }
        alone = Subject(facts, values, {"day": day})
        subject = replace(alone, found={name: look_up(find, alone) for name, find in finds.items()})
        if not holds(where, subject) or (unless is not None and holds(unless, subject)):
            continue
        told = reported is None or holds(reported, subject)
        expected[case.values["case_id"]] = (
            day,
            int(told and holds(share, subject)),
            int(told),
            None if reported is None else 1,
        )
    with engine.connect() as connection:
        _store(connection, rows, months)
        found = connection.exec_driver_sql(to_sql(contributions_of(indicator, tables.stored))).all()
        connection.rollback()
    # Two cases of the same day are told apart by their ids in SQL, by their rank in Python: leave such finds out.
    days = [row[other.day] for row in rows]
    if len(set(days)) == len(days):
        assert {row.subject: (row.first_day, row.numerator, row.denominator, row.expected) for row in found} == expected


def _store(connection: Connection, cases: list[dict[str, Any]], months: dict[date, bool]) -> None:
    facts = tables.stored.facts
    bulk_insert(connection, facts["person"], [{"person": "p1", "sex": "female", "birth_year": 1990}])
    bulk_insert(connection, facts["case"], [{"person": "p1", **row} for row in cases])
    bulk_insert(
        connection,
        facts["stay"],
        [
            {
                "person": "p1",
                "case_id": row["case_id"],
                "from_on": row["enrolled_on"],
                "until_on": None,
                "open_until": row["closed_on"],
                "unit": "north" if row["case_id"] == "c0" else "south",
                "target_group": "ordinary",
            }
            for row in cases
        ],
    )
    bulk_insert(
        connection,
        facts["assistance"],
        [{"person": "p1", "month": month, "receives": receives} for month, receives in months.items()],
    )


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
    indicator = replace(catalogue().indicators["unique_persons"], where=where)
    stay = {"person": "p1", "case_id": "c1", "from_on": first, "until_on": None, "open_until": last}
    with engine.connect() as connection:
        facts = tables.stored.facts
        bulk_insert(connection, facts["person"], [{"person": "p1", "sex": "male", "birth_year": birth_year}])
        bulk_insert(connection, facts["stay"], [{**stay, "unit": "north", "target_group": "other"}])
        rows = connection.exec_driver_sql(to_sql(contributions_of(indicator, tables.stored))).all()
        connection.rollback()
    nobody = Facts("p1", {})
    for offset in range(0, 2600, 13):
        for day in {first + timedelta(days=offset), date((first + timedelta(days=offset)).year, 12, 31)}:
            age = day.year - birth_year
            counts = (last is None or day <= last) and holds(where, Subject(nobody, {"age": age}, {}))
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


UNCOMPILABLE: list[tuple[str, dict[str, Any], str]] = [
    ("closed_12m", {"day": Phrase("enrolled_on", 5, "working days")}, "working days"),
    ("closed_12m", {"finds": {"offer": Find(verb="first", fact="offer", day="made_on")}}, "offer"),
    ("unique_persons", {"share": ALWAYS}, "measuring day"),
]


@pytest.mark.parametrize(("name", "changes", "said"), UNCOMPILABLE, ids=[said for _, _, said in UNCOMPILABLE])
def test_what_cannot_be_counted_from_the_stored_facts_is_refused(name: str, changes: dict[str, Any], said: str) -> None:
    indicator: Indicator = replace(catalogue().indicators[name], **changes)
    with pytest.raises(Uncompilable, match=said):
        compile_indicator(indicator, tables.stored, tables.temporary)


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
    assert set(tables.stored.facts) == set(kept)
    for name, kind in kept.items():
        table = tables.stored.facts[name]
        assert [column.name for column in table.columns] == ["person", *kind.columns]
        assert [column.name for column in table.primary_key] == ["person", *kind.key]
