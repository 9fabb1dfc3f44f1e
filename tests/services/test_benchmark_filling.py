"""The COPY loader of the benchmarks, and the rivals: what they write and compute is what the product would."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from benchmarks.common import Wrong, connect, settings
from benchmarks.filling import Block, check, open_for
from benchmarks.population import LAST_DAY, TOKEN, persons
from benchmarks.rivals import Duck, Nightly, compare, product_cells
from efterhand.database import create_engine
from efterhand_indicators.application.definitions import Definitions
from efterhand_indicators.bootstrap import make_computing_engine, make_definitions

PERSONS = 60
COPIES = 3


@pytest.fixture(scope="module")
def definitions() -> Definitions:
    return make_definitions(settings())


@pytest.fixture(scope="module")
def filled_template(create_database: Callable[[str], str], migrated_template: str, definitions: Definitions) -> str:
    """The name of a database that the loader has filled."""
    block = Block(create_database(migrated_template), definitions, PERSONS)
    url = create_database(migrated_template)
    engine = make_computing_engine(url)
    open_for(engine, definitions)
    engine.dispose()
    block.write(url, range(COPIES))
    return str(make_url(url).database)


@pytest.fixture
def filled(create_database: Callable[[str], str], filled_template: str) -> str:
    return create_database(filled_template)


def test_the_audit_accepts_what_was_written_by_copy(filled: str, definitions: Definitions) -> None:
    assert check(filled, definitions) == PERSONS * COPIES


WRONG = {
    "a hash of an event": "UPDATE indicators.event SET hash = hash + 1",
    "a bucket": "UPDATE indicators.event SET bucket = (bucket + 1) % 256",
    "a keyed hash of a person": "UPDATE indicators.person SET personhash = reverse(personhash)",
    "a fingerprint of facts": 'UPDATE indicators.person SET facts = facts || \'{"case": "0000000000000000"}\'',
    "a fact": "UPDATE indicators.fact_case SET enrolled_on = enrolled_on - 1",
    "a contribution": "UPDATE indicators.contribution SET first_day = first_day - 1",
}


@pytest.mark.parametrize("what", WRONG)
def test_the_audit_finds_one_row_that_was_written_wrongly(filled: str, definitions: Definitions, what: str) -> None:
    with connect(filled) as connection:
        table = WRONG[what].split()[1]
        row = f"(SELECT ctid FROM {table} WHERE person LIKE 'x00002x%' ORDER BY person LIMIT 1)"
        connection.execute(f"{WRONG[what]} WHERE ctid = {row}".encode())
    with pytest.raises(Wrong, match=r"the audit found [12] differences"):
        check(filled, definitions)


def test_the_same_seed_gives_the_same_lives_and_another_one_others() -> None:
    told = [[recorded.event for recorded in life] for life in persons(20)]
    assert told == [[recorded.event for recorded in life] for life in persons(20)]
    assert told != [[recorded.event for recorded in life] for life in persons(20, seed=1)]


def test_every_name_of_a_person_begins_with_the_token() -> None:
    for life in persons(50):
        for recorded in life:
            event = recorded.event
            names = [event["data"][name] for name in ("person", "case", "measure", "subject") if name in event["data"]]
            names += [event["data"]["retracts"]["id"]] if "retracts" in event["data"] else []
            assert all(name.startswith(f"{TOKEN}-") for name in [event["id"], *names]), event


@pytest.mark.parametrize("at", [LAST_DAY, date(2013, 5, 17), date(2016, 2, 29)], ids=str)
def test_the_rivals_cells_are_ours_and_one_that_is_not_is_told(
    filled: str, definitions: Definitions, tmp_path: Path, at: date
) -> None:
    engine = create_engine(filled, "indicators")
    ours = product_cells(engine, definitions, at)
    engine.dispose()
    for rival in (
        Nightly(filled, definitions.catalogue),
        Duck(filled, definitions.catalogue, tmp_path),
    ):
        rival.load()
        rival.run(at)
        theirs = dict(rival.cells())
        assert compare(rival.name, ours, theirs) == len(ours)
        some = next(iter(theirs))
        numerator, *others = theirs[some]
        with pytest.raises(Wrong, match="1 of"):
            compare(rival.name, ours, {**theirs, some: (numerator + 1, *others)})
        rival.close()
