"""The business date: it has one owner, holds over restarts and moves only forward."""

from datetime import date

from sqlalchemy import Connection

from efterhand_intake.adapters import archive, registers


class DateMovesBack(ValueError):
    """The business date never moves back."""

    def __init__(self, stored: date) -> None:
        super().__init__(stored.isoformat())
        self.stored = stored


def begin_with(connection: Connection, day: date) -> date:
    """Return the stored business date; where there is none yet, `day` becomes it. Announced in either case."""
    archive.lock(connection, alone=True)
    stored = registers.stored_date(connection)
    if stored is None:
        registers.store_date(connection, day)
        return day
    # Said again at each start, because a broker that has lost its data knows no date.
    registers.announce_date(connection, stored)
    return stored


def move_to(connection: Connection, day: date) -> bool:
    """Move the business date forward to `day` and announce it; False when it is that day already.

    What is received meanwhile waits, so that everything received on the old date is stored before the new one is told.

    Raises:
        DateMovesBack: the stored date is later.
    """
    archive.lock(connection, alone=True)
    stored = registers.stored_date(connection)
    if stored is not None and stored > day:
        raise DateMovesBack(stored)
    if stored == day:
        return False
    registers.store_date(connection, day)
    return True
