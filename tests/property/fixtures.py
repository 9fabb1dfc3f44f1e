"""The services on PostgreSQL, for the property tests and the golden histories."""

from collections.abc import Callable, Iterator

import pytest

from tests.property.services import Services


@pytest.fixture(scope="session")
def services(create_database: Callable[[str], str]) -> Iterator[Services]:
    """intake, followup and indicators on a database of their own, with empty tables."""
    made = Services(create_database("template0"))
    yield made
    made.close()
