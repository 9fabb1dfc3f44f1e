"""Every spec on both engines, every construct of the grammar in a spec, and the page that the specs make."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from efterhand.figures.examples import try_examples
from tests.specs.constructs import constructs_of, every_construct
from tests.specs.document import CHAPTERS, document
from tests.specs.literally import Literally, in_words
from tests.specs.reading import Spec, specs
from tests.specs.service import Service

each_spec = pytest.mark.parametrize("spec", specs(), ids=[spec.name for spec in specs()])


@pytest.fixture(scope="module")
def service(create_database: Callable[[str], str]) -> Iterator[Service]:
    """indicators on a database of its own."""
    made = Service(create_database("template0"))
    yield made
    made.close()


@each_spec
def test_the_definitions_taken_literally_tell_what_the_spec_says(spec: Spec) -> None:
    engine = Literally(spec.catalogue(), spec.events)
    for asked in spec.ask:
        found = engine.cells(asked.figure, asked.at, asked.by)
        assert {dims: in_words(cell) for dims, cell in found.items()} == asked.cells, f"{asked.figure} at {asked.at}"
        if "judgement" in asked.rest:
            assert found["all"].judgement == asked.rest["judgement"]


@each_spec
def test_the_service_tells_what_the_spec_says(spec: Spec, service: Service) -> None:
    for asked in spec.ask:
        with service.told(spec.catalogue(), spec.events, asked.today) as stage:
            figure = stage.figure(asked.figure, asked.at, asked.by)
            found = stage.cells(asked.figure, asked.at, asked.by)
        assert {dims: in_words(cell) for dims, cell in found.items()} == asked.cells, f"{asked.figure} at {asked.at}"
        if "judgement" in asked.rest:
            assert found["all"].judgement == asked.rest["judgement"]
        if "preliminary" in asked.rest:
            assert figure.preliminary == asked.rest["preliminary"]


@each_spec
def test_test_persons_come_out_as_the_spec_expects(spec: Spec) -> None:
    assert [verdict.differences for verdict in try_examples(spec.catalogue()) if verdict.differences] == []


def test_every_construct_of_the_grammar_stands_in_a_spec() -> None:
    used = set().union(*(constructs_of(spec.figures, spec.derived) for spec in specs()))
    assert every_construct() - used == set()
    assert used - every_construct() == set()


def test_every_construct_stands_in_a_spec_that_the_documentation_shows() -> None:
    shown = [spec for spec in specs() if spec.shown]
    used = set().union(*(constructs_of(spec.figures, spec.derived) for spec in shown))
    assert every_construct() - used == set()
    assert {spec.chapter for spec in shown} == set(CHAPTERS)


def test_the_page_on_the_catalogue_is_what_the_specs_say() -> None:
    page = Path(__file__).parents[2] / "docs" / "catalogue.md"
    assert page.read_text(encoding="utf-8") == document(), "python -m tests.specs.document > docs/catalogue.md"
