"""The service on PostgreSQL, with any catalogue and history."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date

from sqlalchemy import Engine

from efterhand.catalogue import Catalogue
from efterhand.database import create_engine, migrate
from efterhand.figures.cells import Cell
from efterhand_indicators.adapters import context_store
from efterhand_indicators.application.adopt_catalogue import adopt_catalogue
from efterhand_indicators.application.apply_events import ApplyEvents
from efterhand_indicators.application.definitions import compile_definitions
from efterhand_indicators.application.figures import Figure, read_figure
from tests.property.services import SECRET, record
from tests.specs.literally import Sent, dims_in_words


class Stage:
    """The service as it stands when a history has come to it."""

    def __init__(self, figures: Callable[[str, date, Sequence[str]], Figure]) -> None:
        self._figures = figures

    def figure(self, figure: str, at: date, by: Sequence[str]) -> Figure:
        """What the read of figures gives."""
        return self._figures(figure, at, by)

    def cells(self, figure: str, at: date, by: Sequence[str]) -> dict[str, Cell]:
        """What is shown of an indicator or a formula."""
        return {dims_in_words(each.dims): each for each in self.figure(figure, at, by).cells}


class Service:
    """indicators on a database of its own. A stage lives in one transaction that is rolled back."""

    def __init__(self, url: str) -> None:
        migrate(url, "indicators")
        self._engine: Engine = create_engine(url, "indicators", pool_size=1)

    @contextmanager
    def told(self, catalogue: Catalogue, events: Iterable[Sent], today: date) -> Iterator[Stage]:
        """The service with a catalogue and a history, on a business date."""
        definitions = compile_definitions(catalogue, "test")
        with self._engine.connect() as connection:
            adopt_catalogue(connection, definitions)
            context_store.move_business_date(connection, today)
            ApplyEvents(definitions, SECRET)(connection, [record(event, 0) for event in events])
            yield Stage(lambda figure, at, by: read_figure(connection, definitions, figure, at, by))
            connection.rollback()

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()
