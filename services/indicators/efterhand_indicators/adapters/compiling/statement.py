"""One SELECT over the facts that yields an indicator's contributions."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    CompoundSelect,
    Date,
    FromClause,
    Integer,
    Numeric,
    Select,
    Text,
    and_,
    any_,
    bindparam,
    cast,
    func,
    or_,
    select,
    true,
    union_all,
)

from efterhand.catalogue import Catalogue, Indicator
from efterhand.catalogue.conditions import ALWAYS, Column
from efterhand.catalogue.factkinds import FactKind
from efterhand.catalogue.model import Derivation, Evidence, EvidenceWhen
from efterhand_indicators.adapters.compiling import dimensions, lookups
from efterhand_indicators.adapters.compiling.conditions import complement, holds
from efterhand_indicators.adapters.compiling.days import year_of
from efterhand_indicators.adapters.compiling.literals import (
    FOR_EVER,
    Uncompilable,
    constant,
    one_row,
    text_constant,
    unknown,
)
from efterhand_indicators.adapters.compiling.measures import further_dimensions, sums_of
from efterhand_indicators.adapters.compiling.rows import Found, Row
from efterhand_indicators.adapters.tables import DIMENSIONS, MERGED, REACHED, SUMS, Tables
from efterhand_indicators.domain.ages import age_classes, classes_for

PERSONS: Final = "persons"
"""Name of the statement's parameter: an array of pseudonyms."""

KEY: Final = ("person", "indicator", "evidence", "protocol", "subject", "first_day")
COLUMNS: Final = (
    "person",
    "indicator",
    "definition",
    "evidence",
    "protocol",
    "subject",
    "first_day",
    "last_day",
    *DIMENSIONS,
    "more",
    "after_day",
    *SUMS,
)

BETWEEN_PARTS: Final = " "
"""Stands between the parts of a key in `subject`; no id holds it, and it sorts before whatever they hold."""


def persons_parameter() -> ColumnElement[Any]:
    """Return the statement's one parameter."""
    return bindparam(PERSONS, type_=ARRAY(Text))


def contributions_of(
    indicator: Indicator, catalogue: Catalogue, tables: Tables, *, of_persons: bool = False
) -> Select[Any] | CompoundSelect[Any]:
    """Return the SELECT of an indicator's contributions.

    Args:
        indicator: the definition.
        catalogue: the kinds of facts that the definition speaks of.
        tables: which facts are read.
        of_persons: only those of the persons in the array parameter, instead of everybody's.

    Raises:
        Uncompilable: the definition asks for what is not kept.
    """
    counted = _Counting(indicator, catalogue, tables).contributions(of_persons=of_persons)
    if indicator.evidence is None:
        return counted
    speaking = _Counting(indicator, catalogue, tables).evidence(indicator.evidence, of_persons=of_persons)
    return union_all(counted, speaking)


class _Counting:
    """One indicator over one set of tables: the FROM clause grows, and names get their columns.

    A look-up is joined when it is first spoken of.
    """

    def __init__(self, indicator: Indicator, catalogue: Catalogue, tables: Tables) -> None:
        self.indicator = indicator
        self.catalogue = catalogue
        self.tables = tables
        self.working_day = tables.working_day
        self.kinds: Mapping[str, FactKind] = catalogue.facts
        self.days: dict[str, ColumnElement[Any]] = {}
        self._names: set[str] = set()
        self._found: dict[str, Found] = {}
        rows = self.rows_of(indicator.counts, "counted")
        self.counted = Row(self, self.kinds[indicator.counts], rows)
        self._born = self.rows_of("person", "born")
        self._further: dict[str, ColumnElement[Any]] = {"sex": self._born.c.sex}
        self._source: FromClause = rows.outerjoin(self._born, self._born.c.person == rows.c.person)

    # --- what names stand for

    def rows_of(self, fact: str, name: str) -> FromClause:
        """Return the rows of a kind of fact, under this name or one like it.

        Raises:
            Uncompilable: they are not kept.
        """
        name = self.free_name(name)
        derived = self.catalogue.derived.get(fact)
        if derived is None:
            if fact not in self.tables.facts:
                raise Uncompilable(f"'{self.indicator.id}': no table is kept of the fact '{fact}'")
            return self.tables.facts[fact].alias(name)
        merged = derived.derivation is Derivation.MERGE
        kept = self.tables.facts[MERGED if merged else REACHED]
        days = ("began_on", "ended_on") if merged else ("total", "reached_on")
        per = [] if derived.per is None else [kept.c.per.label(derived.per)]
        own = select(kept.c.person, *per, *(kept.c[day] for day in days))
        return own.where(kept.c.name == text_constant(fact)).subquery(name)

    def free_name(self, wanted: str) -> str:
        """Return a name, the one wanted or one like it, that the statement does not have yet."""
        name, number = wanted, 1
        while name in self._names:
            number += 1
            name = f"{wanted}_{number}"
        self._names.add(name)
        return name

    def further(self, name: str) -> ColumnElement[Any]:
        """Return what the counted row has beside its columns."""
        return self._further[name]

    def found(self, find: str) -> Found:
        """Return what a look-up of that name has found."""
        if find not in self._found:
            found, on = lookups.joined(find, self.indicator.finds[find], self.counted)
            self._found[find] = found
            self._join(found.row, true() if on is None else on, outer=True)
        return self._found[find]

    def _join(self, other: FromClause, on: ColumnElement[Any], *, outer: bool = False) -> None:
        self._source = self._source.join(other, on, isouter=outer)

    # --- the statements

    def contributions(self, *, of_persons: bool) -> Select[Any]:
        """Return the counted things."""
        first_day, last_day, band, conditions = self._counted_when(of_persons)
        sums = sums_of(self.indicator, self.counted)
        protocol, subject = self._thing()
        reason = self.counted.source.c.reason if self.indicator.by_reason else unknown(Text)
        columns: dict[str, ColumnElement[Any]] = {
            **self._named(evidence=False),
            "protocol": protocol,
            "subject": subject,
            "first_day": first_day,
            "last_day": last_day,
            "sex": self._value("sex"),
            "unit": self._value("unit"),
            "target_group": self._value("target_group"),
            "age_band": band,
            "closure_reason": reason,
            "more": further_dimensions(self.indicator, self.counted),
            "after_day": unknown(Date),
            **vars(sums),
        }
        if not self.indicator.first_per_person:
            return self._select(columns, conditions)
        columns["after_day"] = func.lag(first_day).over(
            partition_by=self.counted.source.c.person, order_by=[first_day, *self._key()]
        )
        things = self._select(columns, conditions).subquery("thing")
        # Of those of one day only the first can ever be the first of a window.
        return select(*things.c).where(or_(things.c.after_day.is_(None), things.c.after_day < things.c.first_day))

    def evidence(self, evidence: Evidence, *, of_persons: bool) -> Select[Any]:
        """Return the days that speak for the counted things, or for persons where these are counted once."""
        *_, conditions = self._counted_when(of_persons)
        speaks = self.counted
        if evidence.fact is not None:
            rows = self.rows_of(evidence.fact, evidence.fact)
            shared = [rows.c[name] == self.counted.value(Column(name)) for name in evidence.same]
            self._join(rows, and_(rows.c.person == self.counted.source.c.person, *shared))
            speaks = self.counted.inside(self.kinds[evidence.fact], rows)
        day = speaks.day(evidence.day)
        if evidence.where != ALWAYS:
            conditions.append(holds(evidence.where, speaks))
        protocol, subject = (text_constant(""), text_constant("")) if self.indicator.once_per else self._thing()
        columns: dict[str, ColumnElement[Any]] = {
            **self._named(evidence=True),
            "protocol": protocol,
            "subject": subject,
            "first_day": day,
            "last_day": day if evidence.when is EvidenceWhen.WITHIN else constant(FOR_EVER),
            **{name: unknown(Text) for name in DIMENSIONS},
            "more": unknown(ARRAY(Text)),
            "after_day": unknown(Date),
            "numerator": constant(1),
            "denominator": unknown(Integer),
            "expected": unknown(Integer),
            "sum": unknown(Numeric),
        }
        return self._select(columns, [*conditions, day.is_not(None)]).distinct()

    def _select(self, columns: Mapping[str, ColumnElement[Any]], conditions: list[ColumnElement[Any]]) -> Select[Any]:
        return select(*(columns[name].label(name) for name in COLUMNS)).select_from(self._source).where(*conditions)

    def _named(self, *, evidence: bool) -> dict[str, ColumnElement[Any]]:
        return {
            "person": self.counted.source.c.person,
            "indicator": text_constant(self.indicator.id),
            "definition": text_constant(self.indicator.definition),
            "evidence": constant(evidence),
        }

    def _thing(self) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
        """Return the protocol of a counted check, else '', and the rest of the counted thing's key as one text."""
        source, key = self.counted.source, list(self.counted.kind.key)
        protocol = text_constant("")
        if "protocol" in key:
            protocol = source.c.protocol
            key.remove("protocol")
        subject = text_constant("")
        for place, name in enumerate(key):
            part = self._as_text(name)
            subject = part if place == 0 else subject + text_constant(BETWEEN_PARTS) + part
        return protocol, subject

    def _key(self) -> list[ColumnElement[Any]]:
        return [self.counted.source.c[name] for name in self.counted.kind.key]

    def _as_text(self, name: str) -> ColumnElement[Any]:
        column = self.counted.source.c[name]
        match self.counted.kind.columns[name].name:
            case "text":
                return column
            case "date":
                return func.to_char(column, text_constant("YYYY-MM-DD"), type_=Text)
            case _:
                return cast(column, Text)

    def _value(self, name: str) -> ColumnElement[Any]:
        return self.counted.source.c[name] if name in self.counted.kind.columns else self._further[name]

    # --- when something counts, and of what unit, group and age it is then

    def _counted_when(
        self, of_persons: bool
    ) -> tuple[ColumnElement[Any], ColumnElement[Any], ColumnElement[Any], list[ColumnElement[Any]]]:
        """Return first and last day, the age band on them, and when there is such a contribution."""
        indicator = self.indicator
        if indicator.during is not None:
            first_day, last_day, band, conditions = self._stretches()
        else:
            first_day, band, conditions = self._point()
            last_day = first_day
        if indicator.where != ALWAYS:
            conditions.append(holds(indicator.where, self.counted))
        if indicator.unless is not None:
            conditions.append(complement(holds(indicator.unless, self.counted)))
        if of_persons:
            conditions.append(self.counted.source.c.person == any_(persons_parameter()))
        return first_day, last_day, band, conditions

    def _point(self) -> tuple[ColumnElement[Any], ColumnElement[Any], list[ColumnElement[Any]]]:
        """Give the measuring day, the age band and the condition that there is such a day."""
        if self.indicator.day is None:
            raise Uncompilable(f"'{self.indicator.id}' has neither a measuring day nor a span")
        as_of = self.counted.day(self.indicator.as_of)
        measured = one_row(
            self.free_name("measured"),
            {
                "day": (Date, self.counted.day(self.indicator.day)),
                "as_of": (Date, as_of),
                "age": (Integer, year_of(as_of) - self._born.c.birth_year),
            },
        )
        self._join(measured, true())
        day, age = measured.c.measured_day, measured.c.measured_age
        self.days["day"] = day
        self._further["age"] = age
        if self._has_case():
            stay = self.rows_of("stay", "stay")
            held = dimensions.stay_on(measured.c.measured_as_of, stay, self.counted.source, self.free_name("held"))
            self._join(held, true(), outer=True)
            self._further |= {"unit": held.c.unit, "target_group": held.c.target_group}
        classes = dimensions.age_table(age_classes(()), self.free_name("ages"))
        self._join(classes, dimensions.has_age(classes, age), outer=True)
        return day, classes.c.band, [day.is_not(None)]

    def _stretches(
        self,
    ) -> tuple[ColumnElement[Any], ColumnElement[Any], ColumnElement[Any], list[ColumnElement[Any]]]:
        """Give first and last day of each stretch with one unit, group and age class, its band, and that it exists."""
        indicator = self.indicator
        if indicator.during is None or (indicator.share is not None or indicator.measured is not None):
            raise Uncompilable(f"'{indicator.id}': what goes on in the window needs a day that speaks for it")
        begins, ends = (self.counted.day(phrase) for phrase in indicator.during)
        firsts: list[ColumnElement[Any]] = [begins]
        lasts: list[ColumnElement[Any]] = [func.coalesce(ends, constant(FOR_EVER))]
        if self._has_case():
            stay = self.rows_of("stay", "stay")
            self._join(stay, and_(*dimensions.of_its_case(stay, self.counted.source)), outer=True)
            self._further |= {"unit": stay.c.unit, "target_group": stay.c.target_group}
            firsts.append(dimensions.held_from(stay, self.rows_of("stay", "earlier")))
            lasts.append(stay.c.until_on)
        classes = dimensions.age_table(classes_for(indicator), self.free_name("ages"), and_none=True)
        birth_year = self._born.c.birth_year
        self._join(classes, dimensions.may_have_age(classes, birth_year))
        self._further["age"] = classes.c.age
        firsts.append(dimensions.first_day_of_age(birth_year, classes.c.first))
        lasts.append(dimensions.last_day_of_age(birth_year, classes.c.last))
        days, first_day, last_day = dimensions.stretch(firsts, lasts)
        self._join(days, true())
        return first_day, last_day, classes.c.band, [begins.is_not(None), first_day <= last_day]

    def _has_case(self) -> bool:
        """Tell whether the counted thing has unit and group of a case and not by itself, and note when of none."""
        if "case_id" in self.counted.kind.columns and "unit" not in self.counted.kind.columns:
            return True
        self._further |= {"unit": unknown(Text), "target_group": unknown(Text)}
        return False
