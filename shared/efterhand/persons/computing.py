"""How far everybody has been computed by what holds now."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from efterhand.persons.tables import PersonTables


@dataclass(frozen=True)
class Computing:
    """`done` of `of` persons have been computed by what holds now; the others still stand as they were before."""

    done: int
    of: int

    def as_json(self) -> dict[str, int]:
        """Return it as a status shows it."""
        return {"done": self.done, "of": self.of}


def read_computing(connection: Connection, tables: PersonTables, generation: int) -> Computing:
    """Count the persons who have been computed in a generation, and all of them."""
    reached = tables.person.c.generation >= generation
    done, of = connection.execute(select(func.count().filter(reached), func.count()).select_from(tables.person)).one()
    return Computing(done, of)
