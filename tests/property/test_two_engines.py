"""The figures that the database computes against the definitions taken literally, over random histories.

EFTERHAND_SEED repeats a run: its number is told by what fails. What failed once is kept as a spec.
"""

import os
from collections.abc import Callable, Iterator
from itertools import count
from random import SystemRandom

import pytest
from hypothesis import settings

from tests.specs.constructs import constructs_of, every_construct
from tests.specs.literally import Literally
from tests.specs.random_cases import DAYS, Choice, history
from tests.specs.reading import events_of, specs
from tests.specs.service import Service
from tests.specs.two_engines import Case, FactTables, disagreement, made_small, random_case

FIGURES = 4
"""In each random case."""
TOO_LONG = 20_000
NOT_COMPUTED = {
    *(f"indicator: {each}" for each in ("better", "decimals", "english", "settles", "target", "tests")),
    *(each for each in every_construct() if each.startswith(("formula: ", "better: "))),
}
"""What changes nothing that is added up, and what one and the same code makes of figures."""


@pytest.fixture(scope="module")
def fact_tables(create_database: Callable[[str], str]) -> Iterator[FactTables]:
    """Temporary tables on a database of its own."""
    made = FactTables(create_database("template0"))
    yield made
    made.close()


def first_seed() -> int:
    """Where a run begins."""
    return int(os.environ.get("EFTERHAND_SEED") or SystemRandom().randrange(10**9))


def hold(fact_tables: FactTables, case: Case, seed: int) -> None:
    """Fail where the engines disagree."""
    found = disagreement(fact_tables, case)
    if found is not None:
        pytest.fail(f"EFTERHAND_SEED={seed}\n{made_small(fact_tables, found)}")


@pytest.fixture(scope="module")
def service(create_database: Callable[[str], str]) -> Iterator[Service]:
    """indicators on a database of its own."""
    made = Service(create_database("template0"))
    yield made
    made.close()


@pytest.mark.timeout(1200)
def test_the_service_tells_what_the_specs_definitions_say_of_random_histories(service: Service) -> None:
    begin = first_seed()
    for seed in range(begin, begin + max(5, settings().max_examples // 10)):
        choice = Choice(seed)
        spec = choice.one(specs())
        told = history(choice)
        catalogue = spec.catalogue()
        engine = Literally(catalogue, events_of(told))
        with service.told(catalogue, events_of(told), choice.one(DAYS)) as stage:
            for asked in spec.ask:
                at = choice.one([asked.at, *DAYS])
                by_reading = engine.cells(asked.figure, at, asked.by)
                by_the_service = stage.cells(asked.figure, at, asked.by)
                where = f"EFTERHAND_SEED={seed}: {spec.name}, {asked.figure} at {at}"
                assert by_the_service == by_reading, "\n".join([where, *told])


@pytest.mark.timeout(2000)
def test_the_database_and_the_literal_reading_agree_on_random_definitions(fact_tables: FactTables) -> None:
    begin = first_seed()
    unseen = every_construct() - NOT_COMPUTED
    for seed in count(begin):
        case = random_case(seed, FIGURES)
        constructs = constructs_of(case.written.figures, case.written.derived)
        # Then only those that have a construct which none before them had.
        if seed < begin + settings().max_examples // 2 or unseen & constructs:
            hold(fact_tables, case, seed)
            unseen -= constructs
        elif not unseen:
            break
        assert seed < begin + TOO_LONG, f"EFTERHAND_SEED={begin}: never exercised: {unseen}"
