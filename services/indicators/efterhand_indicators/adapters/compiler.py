"""From an indicator's definition to one SELECT over the facts that yields its contributions.

The same SELECT serves for the persons of a batch, for everybody, and over temporary tables for what is compared or
asked for as known on a day. Conditions are two-valued: an unknown value fulfils no comparison, and `not` is the
complement. Constants of the definition are written into the statement; its one parameter is the array of persons.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Date,
    FromClause,
    Integer,
    Interval,
    Select,
    Table,
    Text,
    and_,
    any_,
    bindparam,
    case,
    cast,
    delete,
    except_,
    extract,
    false,
    func,
    insert,
    literal_column,
    not_,
    null,
    or_,
    select,
    true,
    values,
)
from sqlalchemy import Column as SqlColumn
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.types import TIMESTAMP, Boolean

from efterhand.catalogue import Indicator
from efterhand.catalogue.conditions import AllOf, AnyOf, Column, Compare, Condition, Known, Not, OneOf, Order, Value
from efterhand.catalogue.factkinds import fact_kinds
from efterhand.catalogue.model import Bound, Find
from efterhand.catalogue.phrases import Phrase
from efterhand_indicators.adapters.tables import DIMENSIONS, SUMS, Tables
from efterhand_indicators.domain.ages import AgeClass, age_classes

FOR_EVER: Final = date(9999, 12, 31)
"""The last day of what goes on."""

PERSONS: Final = "persons"
"""Name of the statements' parameter: an array of pseudonyms."""

KEY: Final = ("person", "indicator", "protocol", "subject", "first_day")
COLUMNS: Final = (
    "person",
    "indicator",
    "definition",
    "protocol",
    "subject",
    "first_day",
    "last_day",
    *DIMENSIONS,
    *SUMS,
)

_DIALECT: Final = PGDialect_psycopg()  # type: ignore[no-untyped-call]


class Uncompilable(ValueError):
    """A definition asks for what cannot be counted from the stored facts; the sentence says what."""


@dataclass(frozen=True)
class CompiledIndicator:
    """An indicator with its statements for the stored tables and for the temporary ones."""

    indicator: Indicator
    reads: frozenset[str]
    """The kinds of facts on which its contributions depend."""
    replace: str
    """Brings the stored contributions of `persons` in line with their facts; unchanged rows are left alone."""
    fill: str
    """Computes the contributions of all facts in the temporary tables."""


def compile_indicator(indicator: Indicator, stored: Tables, temporary: Tables) -> CompiledIndicator:
    """Compile an indicator once, for as long as the process lives.

    Raises:
        Uncompilable: the definition asks for what is not kept.
    """
    fill = insert(temporary.contribution).from_select(COLUMNS, contributions_of(indicator, temporary))
    return CompiledIndicator(
        indicator=indicator,
        reads=facts_read_by(indicator),
        replace=to_sql(_replace(indicator, stored)),
        fill=to_sql(fill),
    )


def facts_read_by(indicator: Indicator) -> frozenset[str]:
    """Return the kinds of facts on which an indicator's contributions depend: person and stay give the dimensions."""
    return frozenset({"person", "stay", indicator.counts, *(find.fact for find in indicator.finds.values())})


def to_sql(statement: Any) -> str:
    """Return a statement as psycopg takes it, with its parameter by name."""
    return str(statement.compile(dialect=_DIALECT))


def persons_parameter() -> ColumnElement[Any]:
    """Return the statements' one parameter."""
    return bindparam(PERSONS, type_=ARRAY(Text))


def contributions_of(indicator: Indicator, tables: Tables, *, of_persons: bool = False) -> Select[Any]:
    """Return the SELECT of an indicator's contributions.

    Args:
        indicator: the definition.
        tables: which facts are read.
        of_persons: only those of the persons in the array parameter, instead of everybody's.

    Raises:
        Uncompilable: the definition asks for what is not kept.
    """
    return _Counting(indicator, tables).select(of_persons=of_persons)


def _replace(indicator: Indicator, stored: Tables) -> Any:
    """Delete what should no longer be there and insert what is not there yet, in one statement.

    The difference is taken by EXCEPT: it knows nothing from nothing apart, and its cost does not hang on an estimate of
    how many persons there are.
    """
    held = stored.contribution
    of_persons = (held.c.person == any_(persons_parameter()), held.c.indicator == text_constant(indicator.id))
    fresh = contributions_of(indicator, stored, of_persons=True).cte("fresh")
    before = select(*(held.c[name] for name in COLUMNS)).where(*of_persons).cte("before")
    superfluous = except_(_rows_of(before), _rows_of(fresh)).cte("superfluous")
    missing = except_(_rows_of(fresh), _rows_of(before)).cte("missing")
    gone = (
        delete(held).where(*(held.c[name] == superfluous.c[name] for name in KEY)).returning(held.c.person).cte("gone")
    )
    # Counting what is gone makes PostgreSQL delete it first: a row that changed takes the place of its predecessor.
    first = select(func.count()).select_from(gone).scalar_subquery() >= literal_column("0")
    return insert(held).from_select(COLUMNS, _rows_of(missing).where(first))


def _rows_of(table: FromClause) -> Select[Any]:
    return select(*(table.c[name] for name in COLUMNS))


# --- constants ----------------------------------------------------------------------------------------------------


def text_constant(text: str) -> ColumnElement[Any]:
    """Return a text as a literal of the statement."""
    if "\\" in text or "\0" in text:
        raise Uncompilable(f"{text!r} holds a character that no code may have")
    return literal_column("'" + text.replace("'", "''") + "'", Text)


def _constant(value: Value) -> ColumnElement[Any]:
    match value:
        case bool():
            return literal_column("true" if value else "false", Boolean)
        case int():
            return literal_column(str(value), Integer)
        case date():
            return literal_column(f"DATE '{value.isoformat()}'", Date)
        case str():
            return text_constant(value)


def _shifted(day: ColumnElement[Any], phrase: Phrase) -> ColumnElement[Any]:
    """Return a day moved as a phrase says; PostgreSQL's months clamp as the calendar's do."""
    if not phrase.count:
        return day
    if phrase.unit == "days":
        return day + _constant(phrase.count)
    if phrase.unit == "months":
        return cast(day + literal_column(f"INTERVAL '{phrase.count} months'", Interval), Date)
    raise Uncompilable(f"'{phrase}': an indicator cannot count in {phrase.unit}; a protocol can")


def _month_of(day: ColumnElement[Any]) -> ColumnElement[Any]:
    return cast(func.date_trunc(text_constant("month"), cast(day, TIMESTAMP)), Date)


def _one_row(name: str, **columns: tuple[type[Any], ColumnElement[Any]]) -> FromClause:
    """Return a row of computed values by name and type, so that the statement says how they come about once."""
    row = values(*(SqlColumn(f"{name}_{column}", kind) for column, (kind, _) in columns.items()))
    return row.data([tuple(value for _, value in columns.values())]).lateral(name)


def _age_table(classes: Iterable[AgeClass]) -> FromClause:
    def whole(number: int | None) -> ColumnElement[Any]:
        return cast(null(), Integer) if number is None else _constant(number)

    def name(band: str | None) -> ColumnElement[Any]:
        return cast(null(), Text) if band is None else text_constant(band)

    return values(
        SqlColumn("first", Integer), SqlColumn("last", Integer), SqlColumn("age", Integer), SqlColumn("band", Text),
        name="ages",
    ).data([(whole(c.first), whole(c.last), whole(c.age), name(c.band)) for c in classes])  # fmt: skip


# --- the statement ------------------------------------------------------------------------------------------------


class _Counting:
    """One indicator over one set of tables: the FROM clause grows, and names get their columns."""

    def __init__(self, indicator: Indicator, tables: Tables) -> None:
        self.indicator = indicator
        self.tables = tables
        self.counted = self._table(indicator.counts).alias("counted")
        self.born = self._table("person").alias("born")
        self.days: dict[str, ColumnElement[Any]] = {
            name: self.counted.c[name]
            for name, declared in fact_kinds()[indicator.counts].columns.items()
            if declared.name == "date"
        }
        self.names: dict[str, ColumnElement[Any]] = {
            **{name: self.counted.c[name] for name in fact_kinds()[indicator.counts].columns},
            "sex": self.born.c.sex,
        }
        self.found: dict[str, FromClause] = {}
        self.source: FromClause = self.counted.join(self.born, self.born.c.person == self.counted.c.person)

    def _table(self, fact: str) -> Table:
        if fact not in self.tables.facts:
            raise Uncompilable(f"'{self.indicator.id}': no table is kept of the fact '{fact}'")
        return self.tables.facts[fact]

    def select(self, *, of_persons: bool) -> Select[Any]:
        """Return the statement."""
        indicator = self.indicator
        if indicator.during is not None:
            first_day, last_day, band, exist = self._stretches()
        else:
            first_day, band, exist = self._point()
            last_day = first_day
        self._look_up()
        conditions = [exist]
        if indicator.where != AllOf(()):
            conditions.append(self._condition(indicator.where))
        if indicator.unless is not None:
            conditions.append(_complement(self._condition(indicator.unless)))
        if of_persons:
            conditions.append(self.counted.c.person == any_(persons_parameter()))
        numerator, denominator, expected = self._sums()
        is_check = indicator.counts == "check"
        by_reason = "closure_reason" in indicator.dimensions
        return (
            select(
                self.counted.c.person.label("person"),
                text_constant(indicator.id).label("indicator"),
                text_constant(indicator.definition).label("definition"),
                (self.counted.c.protocol if is_check else text_constant("")).label("protocol"),
                (self.counted.c.subject if is_check else self.counted.c.case_id).label("subject"),
                first_day.label("first_day"),
                last_day.label("last_day"),
                self.born.c.sex.label("sex"),
                self.names["unit"].label("unit"),
                self.names["target_group"].label("target_group"),
                band.label("age_band"),
                (self.counted.c.reason if by_reason else cast(null(), Text)).label("closure_reason"),
                numerator.label("numerator"),
                denominator.label("denominator"),
                expected.label("expected"),
                cast(null(), self.tables.contribution.c.sum.type).label("sum"),
            )
            .select_from(self.source)
            .where(*conditions)
        )

    def _point(self) -> tuple[ColumnElement[Any], ColumnElement[Any], ColumnElement[Any]]:
        """Give the measuring day, the age band and the condition that there is such a day."""
        phrase = self.indicator.day
        assert phrase is not None  # noqa: S101 - the grammar asks for `day` or `during`
        as_of = self.days[self.indicator.as_of.name]
        on_the_day = _one_row(
            "measured",
            day=(Date, _shifted(self.days[phrase.name], phrase)),
            age=(Integer, cast(extract("year", as_of), Integer) - self.born.c.birth_year),
        )
        measured = self._joined(on_the_day, true())
        day, age = measured.c.measured_day, measured.c.measured_age
        self.days["day"] = day
        self.names["age"] = age
        if self.indicator.counts != "stay":
            self._dimensions_from(self._stay_on(as_of))
        classes = _age_table(age_classes(()))
        known = and_(age >= classes.c.first, or_(classes.c.last.is_(None), age <= classes.c.last))
        bands = self._joined(classes, known, outer=True)
        return day, bands.c.band, day.is_not(None)

    def _stretches(
        self,
    ) -> tuple[ColumnElement[Any], ColumnElement[Any], ColumnElement[Any], ColumnElement[Any]]:
        """Give first and last day of each stretch with one unit, group and age class, its band, and that it exists."""
        indicator = self.indicator
        assert indicator.during is not None  # noqa: S101 - only called then
        if indicator.share is not None:
            raise Uncompilable(f"'{indicator.id}': a share of what goes on in the window needs a measuring day")
        begins, ends = (_shifted(self.days[phrase.name], phrase) for phrase in indicator.during)
        firsts: list[ColumnElement[Any]] = [begins]
        lasts: list[ColumnElement[Any]] = [func.coalesce(ends, _constant(FOR_EVER))]
        if indicator.counts != "stay":
            stay = self._table("stay").alias("stay")
            self._joined(stay, self._same_case(stay))
            self._dimensions_from(stay)
            firsts.append(stay.c.from_on)
            lasts.append(stay.c.until_on)
        classes = _age_table(age_classes([indicator.where, indicator.unless]))
        self._joined(classes, true())
        self.names["age"] = classes.c.age
        # greatest and least pass over what is unknown: an age class or a stay without an end.
        firsts.append(func.make_date(self.born.c.birth_year + classes.c.first, _constant(1), _constant(1)))
        lasts.append(func.make_date(self.born.c.birth_year + classes.c.last, _constant(12), _constant(31)))
        days = _one_row("stretch", first_day=(Date, func.greatest(*firsts)), last_day=(Date, func.least(*lasts)))
        stretch = self._joined(days, true())
        first_day, last_day = stretch.c.stretch_first_day, stretch.c.stretch_last_day
        return first_day, last_day, classes.c.band, and_(begins.is_not(None), first_day <= last_day)

    def _joined(self, other: FromClause, on: ColumnElement[Any], *, outer: bool = False) -> FromClause:
        """Join something to the FROM clause and return it."""
        self.source = self.source.join(other, on, isouter=outer)
        return other

    def _same_case(self, other: FromClause) -> ColumnElement[Any]:
        return and_(other.c.person == self.counted.c.person, other.c.case_id == self.counted.c.case_id)

    def _dimensions_from(self, stay: FromClause) -> None:
        self.names.setdefault("unit", stay.c.unit)
        self.names.setdefault("target_group", stay.c.target_group)

    def _stay_on(self, as_of: ColumnElement[Any]) -> FromClause:
        """Join the case's stay at the end of a day; before the enrolment, the first one."""
        stay = self._table("stay").alias("stay")
        begun = stay.c.from_on <= as_of
        latest_first = case((begun, stay.c.from_on)).desc().nulls_last()
        chosen = (
            select(stay.c.unit, stay.c.target_group)
            .where(self._same_case(stay))
            .order_by(latest_first, stay.c.from_on)
            .limit(literal_column("1"))
        )
        return self._joined(chosen.lateral("held"), true(), outer=True)

    # --- finds

    def _look_up(self) -> None:
        for name, find in self.indicator.finds.items():
            if find.at is not None:
                fact = self._table(find.fact).alias(name)
                on = [fact.c.person == self.counted.c.person, fact.c[find.day] == _month_of(self._day(find.at))]
                self.found[name] = self._joined(fact, and_(*on, *self._where_found(find, fact)), outer=True)
            else:
                self.found[name] = self._joined(self._first_or_last(name, find), true(), outer=True)

    def _first_or_last(self, name: str, find: Find) -> FromClause:
        fact = self._table(find.fact).alias(f"{name}_rows")
        day = fact.c[find.day]
        conditions = [fact.c.person == self.counted.c.person, day.is_not(None), *self._where_found(find, fact)]
        if find.same is not None:
            conditions.append(fact.c[find.same] == self.counted.c[find.same])
        if find.other is not None:
            conditions.append(fact.c[find.other] != self.counted.c[find.other])
        conditions += [*self._bound(day, find.lower, Order.AT_LEAST), *self._bound(day, find.upper, Order.AT_MOST)]
        ties = [fact.c[column] for column in fact_kinds()[find.fact].key]
        order = [day.desc() if find.verb == "last" else day, *ties]
        return select(fact).where(*conditions).order_by(*order).limit(literal_column("1")).lateral(name)

    def _where_found(self, find: Find, fact: FromClause) -> list[ColumnElement[Any]]:
        if find.where is None:
            return []
        return [self._condition(find.where, {column.name: column for column in fact.c})]

    def _bound(self, day: ColumnElement[Any], bound: Bound | None, order: Order) -> list[ColumnElement[Any]]:
        if bound is None:
            return []
        if bound.open:
            order = Order.MORE if order is Order.AT_LEAST else Order.LESS
        return [_compare(day, order, self._day(bound.phrase))]

    def _day(self, phrase: Phrase) -> ColumnElement[Any]:
        return _shifted(self.days[phrase.name], phrase)

    # --- conditions

    def _condition(
        self, condition: Condition, names: Mapping[str, ColumnElement[Any]] | None = None
    ) -> ColumnElement[Any]:
        """Return a condition that is true where it holds, and false or unknown where it does not."""
        scope = self.names if names is None else names
        match condition:
            case OneOf(column, options):
                value = self._value(column, scope)
                if not options:
                    return false()
                if len(options) == 1:
                    return value == _constant(options[0])
                return value.in_([_constant(option) for option in options])
            case Compare(column, order, bound):
                limit = self._day(bound) if isinstance(bound, Phrase) else _constant(bound)
                return _compare(self._value(column, scope), order, limit)
            case Known(column):
                if column.name == "":
                    return self.found[column.find or ""].c.person.is_not(None)
                return self._value(column, scope).is_not(None)
            case AllOf(parts):
                return and_(true(), *(self._condition(part, names) for part in parts))
            case AnyOf(parts):
                return or_(false(), *(self._condition(part, names) for part in parts))
            case Not(part):
                return _complement(self._condition(part, names))

    def _value(self, column: Column, names: Mapping[str, ColumnElement[Any]]) -> ColumnElement[Any]:
        if column.find is None:
            return names[column.name]
        return self.found[column.find].c[column.name]

    # --- sums

    def _sums(self) -> tuple[ColumnElement[Any], ColumnElement[Any], ColumnElement[Any]]:
        one, none, unknown = _constant(1), _constant(0), cast(null(), Integer)
        indicator = self.indicator
        if indicator.share is None:
            return one, unknown, unknown
        share = self._condition(indicator.share)
        if indicator.reported is None:
            return case((share, one), else_=none), one, unknown
        reported = self._condition(indicator.reported)
        return case((and_(reported, share), one), else_=none), case((reported, one), else_=none), one


def _complement(condition: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return what is true exactly where the condition is not: also where it is unknown."""
    return not_(func.coalesce(condition, false()))


def _compare(value: ColumnElement[Any], order: Order, limit: ColumnElement[Any]) -> ColumnElement[Any]:
    match order:
        case Order.LESS:
            return value < limit
        case Order.AT_MOST:
            return value <= limit
        case Order.AT_LEAST:
            return value >= limit
        case Order.MORE:
            return value > limit
