"""The counted things behind one cell of a figure, and how those of two windows differ."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    Integer,
    RowMapping,
    Select,
    Text,
    and_,
    any_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    not_,
    null,
    or_,
    select,
    true,
    tuple_,
    union_all,
)

from efterhand.catalogue import Indicator
from efterhand.catalogue.model import Kind
from efterhand.figures.cells import Window
from efterhand_indicators.adapters.figure_query import (
    PART,
    dimension_columns,
    in_window,
    rows_in_window,
    with_evidence,
)

THING: Final = ("person", "protocol", "subject", "counted_as")
"""What a counted thing is known by. Of a person who is counted once, protocol and subject are empty; `counted_as` holds
the dimensions in which the person is counted once each."""

SUMMED: Final = ("numerator", "denominator", "expected", "sum")
VALUES: Final = (*SUMMED, "part")
"""What a thing adds to a figure; where one of these is another one, it counts otherwise."""

_DAYS: Final = ("first_day", "last_day")
_BETWEEN: Final = "\x1f"
"""Stands between dimensions in `counted_as`; no code holds it."""


class Reading(StrEnum):
    """Which things: the earlier window's as they were known then or now, or the later window's as known now."""

    THEN = "then"
    NOW = "now"
    LATER = "later"


class Step(StrEnum):
    """What leads from an earlier figure to a later one."""

    CORRECTED = "corrected"
    CAME_IN = "came_in"
    WENT_OUT = "went_out"
    CHANGED = "changed"


BETWEEN: Final = {
    Step.CORRECTED: (Reading.THEN, Reading.NOW),
    Step.CAME_IN: (Reading.NOW, Reading.LATER),
    Step.WENT_OUT: (Reading.NOW, Reading.LATER),
    Step.CHANGED: (Reading.NOW, Reading.LATER),
}
"""Each step leads from one reading to another."""


@dataclass(frozen=True)
class Restriction:
    """One cell: dimensions and their values; of a split perhaps the one part whose things make the numerator."""

    dims: Mapping[str, str]
    part: str | None = None
    within: frozenset[str] | None = None
    """Only what is counted in one of these units, whatever the cell; None: in any."""

    def parameters(self) -> dict[str, Any]:
        """Return the values that the statements ask for, but for the units."""
        own = {f"cell_{place}": value for place, (name, value) in enumerate(self.dims.items()) if name != "unit"}
        within = {} if self.within is None else {"within": sorted(self.within)}
        return {**own, **within, **({} if self.part is None else {"part": self.part})}

    def units(self, ancestors: Mapping[str, Iterable[str]], name: str = "") -> dict[str, Any]:
        """Return the units that lie in the cell's; `name` is that of the window on whose last day they do."""
        if "unit" not in self.dims:
            return {}
        return {f"{name}units": [unit for unit, above in ancestors.items() if self.dims["unit"] in above]}


class ThingQuery:
    """The statements about the counted things of one indicator in one cell."""

    def __init__(self, indicator: Indicator, restriction: Restriction) -> None:
        self.indicator = indicator
        self.restriction = restriction

    # --- one window

    def things(
        self,
        *,
        derived_anew: bool = False,
        after: bool = False,
        of_part: bool = False,
        window: str = "",
        name: str = "",
    ) -> Select[Any]:
        """Return the SELECT of each counted thing once: what it is known by, what it adds, its first and last day.

        Its parameters: those of `in_window` and of the restriction; `anew` with `derived_anew`.

        Args:
            derived_anew: the temporary contributions stand in for those of the persons in `anew`.
            after: only things after the one whose key is given by the parameters `after_0`, …
            of_part: of a split, only the things of the restriction's part, and not all of the cell.
            window: tells the windows of a statement apart.
            name: of the contributions in the statement.
        """
        contribution = rows_in_window(derived_anew, window).cte(f"{name}contribution")
        source, numerator = with_evidence(self.indicator, contribution)
        own = dimension_columns(self.indicator, contribution)
        part = own.get(PART, cast(null(), Text))
        of_it = true() if self.restriction.part is None else part == bindparam("part", type_=Text)
        if self.indicator.kind is Kind.SPLIT:
            whole = self.restriction.part is None
            numerator = cast(null(), Integer) if whole else case((and_(numerator == 1, of_it), 1), else_=0)
        conditions = [not_(contribution.c.evidence), *self._in_cell(own, window)]
        if of_part:
            conditions.append(of_it)
        key, grouping = self._key(contribution, own)
        if after:
            given = [bindparam(f"after_{place}", type_=Text) for place in range(len(THING))]
            conditions.append(tuple_(*key.values()) > tuple_(*given))
        values = [numerator, *(contribution.c[each] for each in SUMMED[1:]), part]
        return (
            select(
                *(column.label(each) for each, column in key.items()),
                *(func.max(value).label(each) for each, value in zip(VALUES, values, strict=True)),
                func.min(contribution.c.first_day).label("first_day"),
                func.max(contribution.c.last_day).label("last_day"),
            )
            .select_from(source)
            .where(*conditions)
            .group_by(*grouping)
        )

    def page(self, *, derived_anew: bool, after: bool) -> Select[Any]:
        """Return the SELECT of `things` (of a split, those of the restriction's part) in the order of their keys."""
        return _ordered(self.things(derived_anew=derived_anew, after=after, of_part=True))

    def behind(self, *, derived_anew: bool) -> Select[Any]:
        """Return the SELECT of the rows behind the things of the persons in `persons`, and of the days that speak.

        Its columns: what the thing is known by, its own protocol and subject (`of_protocol`, `of_subject`), `evidence`,
        first and last day, the part of a split and the dimensions (see `labels_of`).
        """
        contribution = rows_in_window(derived_anew).cte("contribution")
        own = dimension_columns(self.indicator, contribution)
        key, _ = self._key(contribution, own)
        return (
            select(
                *(column.label(each) for each, column in key.items()),
                contribution.c.protocol.label("of_protocol"),
                contribution.c.subject.label("of_subject"),
                *(contribution.c[each] for each in ("evidence", *_DAYS)),
                *(own[each].label(label) for each, label in labels_of(self.indicator).items()),
            )
            .where(
                contribution.c.person == any_(bindparam("persons", type_=ARRAY(Text))),
                or_(contribution.c.evidence, and_(true(), *self._in_cell(own, ""))),
            )
            .order_by(*(contribution.c[each] for each in ("person", "first_day", "protocol", "subject")))
        )

    def parameters(
        self, windows: Mapping[str, Window], ancestors: Mapping[str, Mapping[str, Iterable[str]]]
    ) -> dict[str, Any]:
        """Return the parameters of a statement over some windows, by their names.

        Args:
            windows: each by the name that it has in the statement; a statement over one window calls it ''.
            ancestors: of each of the windows, of each unit itself and the units above it on the window's last day.
        """
        given = self.restriction.parameters()
        for name, window in windows.items():
            given |= in_window(self.indicator, window, name) | self.restriction.units(ancestors[name], name)
        return given

    def _in_cell(self, own: Mapping[str, ColumnElement[Any]], window: str) -> list[ColumnElement[bool]]:
        conditions = []
        if self.restriction.within is not None:
            conditions.append(own["unit"] == any_(bindparam("within", type_=ARRAY(Text))))
        for place, each in enumerate(self.restriction.dims):
            if each == "unit":
                conditions.append(own[each] == any_(bindparam(f"{window}units", type_=ARRAY(Text))))
            else:
                conditions.append(own[each] == bindparam(f"cell_{place}", type_=Text))
        return conditions

    def _key(
        self, contribution: CTE, own: Mapping[str, ColumnElement[Any]]
    ) -> tuple[dict[str, ColumnElement[Any]], list[ColumnElement[Any]]]:
        """Return what things are known by, and the columns that this is made of."""
        none = literal_column("''", Text)
        if not self.indicator.once_per:
            plain: list[ColumnElement[Any]] = [contribution.c[each] for each in THING[:3]]
            return dict(zip(THING, [*plain, none], strict=True)), plain
        dims = [own[each] if each in own else contribution.c[each] for each in self.indicator.once_per[1:]]
        said: list[ColumnElement[Any]] = [func.coalesce(each, "", type_=Text) for each in dims] or [none]
        counted_as = said[0]
        for each in said[1:]:
            counted_as = counted_as + _BETWEEN + each
        person = contribution.c.person
        return dict(zip(THING, [person, none, none, counted_as], strict=True)), [person, *dims]

    # --- two windows

    def totals(self) -> Select[Any]:
        """Return the SELECT of how many things are in which readings, differ between which, and what they add up to.

        Its columns: for each reading whether the things are in it (`in_then`, …), for each two that follow each other
        whether they count otherwise (`now_differs`, `later_differs`), `things`, and their sums in each reading.

        Its parameters, as of `differing`: those of two windows called `earlier_` and `later_`, and `anew`.
        """
        compared = self._compared().cte("compared")
        now, later = (differ.label(name) for name, differ in self._differences(compared).items())
        within = [compared.c[f"in_{reading}"] for reading in Reading]
        sums = [
            func.coalesce(func.sum(compared.c[f"{each}_{reading}"]), 0).label(f"{each}_{reading}")
            for reading in Reading
            for each in SUMMED
        ]
        return select(*within, now, later, func.count().label("things"), *sums).group_by(*within, now, later)

    def middles(self) -> Select[Any]:
        """Return the SELECT of the middle of the numbers, as known then and later."""
        compared = self._compared().cte("compared")
        half = func.percentile_cont(literal_column("0.5"))
        return select(
            *(half.within_group(compared.c[f"sum_{each}"]).label(each) for each in (Reading.THEN, Reading.LATER))
        )

    def differing(self, step: Step, *, after: bool) -> Select[Any]:
        """Return the SELECT of the things that make a step, in the order of their keys.

        Its columns: what a thing is known by, and for each reading whether it is in it, what it adds, and its days.
        """
        compared = self._compared().cte("compared")
        differences = self._differences(compared)
        now, later = compared.c.in_now, compared.c.in_later
        conditions = {
            Step.CORRECTED: differences["now_differs"],
            Step.CAME_IN: and_(not_(now), later),
            Step.WENT_OUT: and_(now, not_(later)),
            Step.CHANGED: and_(now, later, differences["later_differs"]),
        }
        found = select(compared).where(conditions[step])
        if after:
            given = [bindparam(f"after_{place}", type_=Text) for place in range(len(THING))]
            found = found.where(tuple_(*(compared.c[each] for each in THING)) > tuple_(*given))
        return _ordered(found)

    def _compared(self) -> Select[Any]:
        """Return the SELECT of each thing once, with what it adds in each reading."""
        windows = {Reading.THEN: "earlier_", Reading.NOW: "earlier_", Reading.LATER: "later_"}
        tagged = []
        for reading, window in windows.items():
            things = self.things(derived_anew=reading is Reading.THEN, window=window, name=f"{reading}_").subquery()
            tagged.append(select(literal_column(f"'{reading}'", Text).label("reading"), *things.c))
        each = union_all(*tagged).subquery("each")
        key = [each.c[name] for name in THING]
        columns: list[ColumnElement[Any]] = []
        for reading in Reading:
            there = each.c.reading == literal_column(f"'{reading}'", Text)
            columns.append(func.bool_or(there).label(f"in_{reading}"))
            columns += [func.max(each.c[name]).filter(there).label(f"{name}_{reading}") for name in (*VALUES, *_DAYS)]
        return select(*key, *columns).group_by(*key)

    @staticmethod
    def _differences(compared: CTE) -> dict[str, ColumnElement[bool]]:
        """Return whether a thing counts otherwise than in the reading before; to be or not to be there is, too."""
        found = {}
        for before, after in ((Reading.THEN, Reading.NOW), (Reading.NOW, Reading.LATER)):
            values = [compared.c[f"{name}_{after}"].is_distinct_from(compared.c[f"{name}_{before}"]) for name in VALUES]
            found[f"{after}_differs"] = or_(compared.c[f"in_{after}"] != compared.c[f"in_{before}"], *values)
        return found


def labels_of(indicator: Indicator) -> dict[str, str]:
    """Return what the dimensions are called in `ThingQuery.behind`, the part of a split last."""
    names = [*indicator.dimensions, *([PART] if indicator.kind is Kind.SPLIT else [])]
    return {name: f"dim_{place}" for place, name in enumerate(names)}


def counted_as(indicator: Indicator, row: RowMapping) -> dict[str, str]:
    """Return the dimensions in which a person is counted once each, as they are for this thing."""
    said = str(row["counted_as"]).split(_BETWEEN)
    return {name: value for name, value in zip(indicator.once_per[1:], said, strict=False) if value}


def key_of(row: Mapping[Any, Any]) -> tuple[str, ...]:
    """Return what a thing is known by."""
    return tuple(str(row[name]) for name in THING)


def after_parameters(key: Sequence[str]) -> dict[str, str]:
    """Return the parameters for a page that begins after a key."""
    return {f"after_{place}": part for place, part in enumerate(key)}


def _ordered(statement: Select[Any]) -> Select[Any]:
    columns = statement.selected_columns
    return statement.order_by(*(columns[name] for name in THING))
