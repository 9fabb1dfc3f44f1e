"""What of persons a reader sees, said in SQL."""

from typing import Any

from sqlalchemy import ColumnElement

from efterhand.web.sight import Sight


def seen_with(sight: Sight, unit: ColumnElement[Any], protected: ColumnElement[bool]) -> list[ColumnElement[bool]]:
    """Return the conditions on rows, with their unit and whether the person is protected, that a reader sees."""
    conditions: list[ColumnElement[bool]] = [] if sight.units is None else [unit.in_(sorted(sight.units))]
    if sight.protected is not None:
        conditions.append(~protected | unit.in_(sorted(sight.protected)) if sight.protected else ~protected)
    return conditions
