"""The routes of the figures: all of them, one of them, the cases behind it, and both as files."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote

from fastapi import Request
from starlette.responses import Response

from efterhand.clock import today_in_stockholm
from efterhand.dates import add_months, last_day_of_month
from efterhand.web.door.figures import Definition, FigureWords, Notes, definitions_of
from efterhand.web.door.figures_cases import FigureCases
from efterhand.web.door.figures_choice import FigureChoice, month_end_in
from efterhand.web.door.figures_file import as_file
from efterhand.web.door.figures_page import MONTHS, FigurePage
from efterhand.web.door.figures_table import SEXES, FigureTable
from efterhand.web.door.front import reach_of_data
from efterhand.web.door.house import Holder, House
from efterhand.web.door.reading import SERVICES, Caller, Reply, nothing
from efterhand.web.door.replies import business_date
from efterhand.web.door.words import Words
from efterhand.web.rights import Right
from efterhand.web.sight import units_of

PATIENCE: Final = 20.0
"""Seconds that these pages wait for figures that are added up from every case."""


@dataclass(frozen=True)
class _Asked:
    """Who asks, in which language, on which business date, and what was chosen."""

    holder: Holder
    words: Words
    today: date
    choice: FigureChoice
    units: frozenset[str] | None
    reach: list[dict[str, str]]
    """How far the data reaches, in words."""


class FigurePages:
    """`/nyckeltal` and what lies below it."""

    def __init__(self, house: House) -> None:
        """`house` is what all pages share."""
        self._house = house

    async def table(self, request: Request) -> Response:
        """Show every figure."""
        return await self._with(request, Right.FIGURES_READ, self._table)

    async def table_file(self, request: Request) -> Response:
        """Give every figure as a file."""
        return await self._with(request, Right.FIGURES_READ, self._table_file)

    async def figure(self, request: Request, indicator: str) -> Response:
        """Show one figure."""
        return await self._with(request, Right.FIGURES_READ, self._figure, indicator)

    async def figure_file(self, request: Request, indicator: str) -> Response:
        """Give the months of one figure as a file."""
        return await self._with(request, Right.FIGURES_READ, self._figure_file, indicator)

    async def cases(self, request: Request, indicator: str) -> Response:
        """Show the cases behind a figure."""
        return await self._with(request, Right.CASES_READ, self._cases, indicator)

    # --- parts of them ---

    async def _with(self, request: Request, right: Right, make: Any, indicator: str | None = None) -> Response:
        """Make a page for whoever has the right; else say what is in the way."""
        house = self._house
        holder = house.reader(request)
        if holder is None:
            return house.log_in(request)
        words = house.words(request)
        if not holder.principal.may(right):
            return self._no_right(request, right)
        definition = None if indicator is None else definitions_of(house.catalogue).get(indicator)
        if indicator is not None and definition is None:
            text = words.text
            return house.refused(
                request, text("Nyckeltalet finns inte"), text("Välj ett nyckeltal i tabellen."), status=404
            )
        async with house.caller(holder, PATIENCE) as caller:
            told = await asyncio.gather(*(caller.get(service, "status") for service in SERVICES))
            statuses = dict(zip(SERVICES, told, strict=True))
            today = business_date(statuses) or today_in_stockholm()
            choice = FigureChoice.of(request.query_params, house.catalogue, today)
            units = units_of(holder.principal.reach(right), house.catalogue.units, today)
            asked = _Asked(holder, words, today, choice, units, reach_of_data(words, statuses))
            more = () if definition is None else (definition,)
            response: Response = await make(request, caller, asked, *more)
        return response

    def _no_right(self, request: Request, right: Right) -> Response:
        if right is not Right.CASES_READ:
            return self._house.not_yours(request)
        text = self._house.words(request).text
        return self._house.refused(
            request,
            text("Du har inte rätt att se ärendena bakom nyckeltal"),
            text(
                "Nyckeltalens värden kan du se ändå, om du har rätt till dem. Be den som delar ut behörighet om hjälp."
            ),
        )

    async def _table(self, request: Request, caller: Caller, asked: _Asked) -> Response:
        reply = await self._read_table(caller, asked)
        context = self._table_of(asked).context(reply, asked.reach)
        return self._house.page(request, "figures.html", context)

    async def _table_file(self, request: Request, caller: Caller, asked: _Asked) -> Response:
        reply = await self._read_table(caller, asked)
        if not reply.answered:
            return self._no_file(request, self._table_of(asked).no_table(reply))
        rows = _table_rows(asked.words, self._table_of(asked), reply.body["items"])
        return as_file(asked.words, f"nyckeltal-{asked.choice.at}", rows)

    async def _figure(self, request: Request, caller: Caller, asked: _Asked, definition: Definition) -> Response:
        page = self._page_of(asked, definition)
        since = month_end_in(request.query_params.get("since", "")) or _month_before(asked.choice.at)
        since = since if since <= asked.choice.at else _month_before(asked.choice.at)
        has_bridge = definition.id in self._house.catalogue.indicators
        dimensions = page.dimensions()
        (series, *parts), bridge = await asyncio.gather(
            asyncio.gather(
                self._read_series(caller, asked, definition),
                *(self._read_part(caller, asked, definition, name) for name in dimensions),
            ),
            self._read_bridge(caller, asked, definition, since) if has_bridge else nothing(),
        )
        by_dimension = dict(zip(dimensions, parts, strict=True))
        context = page.context(series, by_dimension, bridge, since, asked.reach)
        more = {"number_names": page.number_names(), "since": _since_months(asked, since)}
        return self._house.page(request, "figure.html", {**context, **more})

    async def _figure_file(self, request: Request, caller: Caller, asked: _Asked, definition: Definition) -> Response:
        series = await self._read_series(caller, asked, definition)
        page = self._page_of(asked, definition)
        if not series.answered:
            return self._no_file(request, page.table.no_table(series))
        rows = _month_rows(asked.words, page, series.body["windows"])
        return as_file(asked.words, f"{definition.id}-{asked.choice.at}", rows)

    async def _cases(self, request: Request, caller: Caller, asked: _Asked, definition: Definition) -> Response:
        query = request.query_params
        sex = query.get("sex") if query.get("sex") in SEXES else None
        shown = FigureCases(self._page_of(asked, definition), sex, asked.holder.principal.may(Right.CHECKS_READ))
        cursor = query.get("cursor") or None
        listed = await caller.get("indicators", f"figures/{quote(definition.id, safe='')}/cases", **shown.asked(cursor))
        context = shown.context(listed, asked.reach, first=cursor is None)
        return self._house.page(request, "figure_cases.html", context)

    def _table_of(self, asked: _Asked) -> FigureTable:
        return FigureTable(asked.words, self._house.catalogue, asked.choice, asked.today, asked.units)

    def _page_of(self, asked: _Asked, definition: Definition) -> FigurePage:
        may = asked.holder.principal.may(Right.CASES_READ)
        catalogue = self._house.catalogue
        return FigurePage(asked.words, catalogue, definition, asked.choice, asked.today, asked.units, may)

    def _no_file(self, request: Request, sentence: str) -> Response:
        heading = self._house.words(request).text("Filen kan inte göras")
        return self._house.refused(request, heading, sentence, status=503)

    @staticmethod
    async def _read_table(caller: Caller, asked: _Asked) -> Reply:
        return await caller.get("indicators", "figures", earlier="12", by="sex", **asked.choice.asked())

    @staticmethod
    async def _read_series(caller: Caller, asked: _Asked, definition: Definition) -> Reply:
        path = f"figures/{quote(definition.id, safe='')}/series"
        return await caller.get("indicators", path, months=str(MONTHS), by="sex", **asked.choice.asked())

    @staticmethod
    async def _read_bridge(caller: Caller, asked: _Asked, definition: Definition, since: date) -> Reply:
        cell = {name: value for name, value in asked.choice.asked().items() if name == "cell"}
        days = {"from": since.isoformat(), "to": asked.choice.at.isoformat()}
        return await caller.get("indicators", f"figures/{quote(definition.id, safe='')}/bridge", **days, **cell)

    @staticmethod
    async def _read_part(caller: Caller, asked: _Asked, definition: Definition, dimension: str) -> Reply:
        """Ask for the last window, broken down by a dimension and by sex; of units, beside the chosen one too."""
        path = f"figures/{quote(definition.id, safe='')}/series"
        choice = asked.choice.but(unit=None) if dimension == "unit" else asked.choice
        return await caller.get("indicators", path, months="1", by=f"{dimension},sex", **choice.asked())


def _month_before(day: date) -> date:
    return last_day_of_month(add_months(day.replace(day=1), -1))


def _since_months(asked: _Asked, since: date) -> list[dict[str, Any]]:
    """Return the windows that a bridge can begin at, the latest first."""
    ends = {last_day_of_month(add_months(asked.choice.at.replace(day=1), -back)) for back in range(1, MONTHS + 1)}
    return [
        {"day": each.isoformat(), "name": asked.words.month(each), "chosen": each == since}
        for each in sorted({*ends, since}, reverse=True)
    ]


# --- files ---


def _number(row: Mapping[str, Any] | None, name: str = "value") -> Decimal | int | None:
    value = None if row is None else row[name]
    return Decimal(value) if isinstance(value, str) else value


def _table_rows(words: Words, table: FigureTable, items: Any) -> list[list[Any]]:
    """Return the table as the page shows it, each number with what it rests on in columns of their own."""
    text = words.text
    notes = Notes()
    sexes = (text("alla"), text("kvinnor"), text("män"))
    head = [
        text("Nyckeltal"), text("Id"), text("Enhet för värdet"), text("Värde, alla"), text("Värde, kvinnor"),
        text("Värde, män"), text("Alla, %(day)s", day=table.last_year), text("Mål"), text("Bedömning"),
        *(text("Täljare, %(who)s", who=who) for who in sexes), *(text("Nämnare, %(who)s", who=who) for who in sexes),
        text("Täckning, alla"), text("Anmärkning"),
    ]  # fmt: skip
    rows: list[list[Any]] = [
        [text("Nyckeltal"), f"{table.cell_name()}", table.period()],
        [text("Exakta uppgifter, bara för internt bruk. Ett tomt värde förklaras under Anmärkning.")],
        [],
        head,
    ]
    definitions = definitions_of(table.catalogue)
    for row in table.rows(items, notes):
        held, said = row["values"], FigureWords(words, table.catalogue)
        why = [said.why_not(definitions[row["id"]], each) for each in held] if row["cells"][0]["note"] else []
        name = row["name"] if row["part"] is None else f"{row['name']}: {row['part']}"
        whole = held[0]
        judged = row["judgement"]["word"] if row["judgement"] and not table.choice.narrowed else None
        target = None if whole is None or whole["target"] is None else Decimal(whole["target"])
        rows.append([
            name, row["id"], row["unit"], *(_number(each) for each in held), target, judged,
            *(_number(each, "numerator") for each in held[:3]), *(_number(each, "denominator") for each in held[:3]),
            _number(whole, "coverage"), " ".join([*row["remarks"], *dict.fromkeys(each for each in why if each)]),
        ])  # fmt: skip
    return rows


def _month_rows(words: Words, page: FigurePage, windows: Any) -> list[list[Any]]:
    """Return the months of one figure, the latest first as on the page."""
    text = words.text
    rows: list[list[Any]] = [
        [words.name(page.definition), page.table.cell_name(), page.said.unit_name(page.definition)],
        [text("Exakta uppgifter, bara för internt bruk.")],
        [],
        [
            text("Perioden slutar"), text("Alla"), text("Kvinnor"), text("Män"), text("Mål"), text("Täljare, alla"),
            text("Nämnare, alla"), text("Skulle följas upp, alla"), text("Täckning, alla"), text("Anmärkning"),
        ],
    ]  # fmt: skip
    for window in reversed(windows):
        held = [page.row(window, sex) for sex in SEXES]
        whole = held[0]
        target = window["rows"][0]["target"]
        rows.append([
            window["to"], *(_number(each) for each in held), None if target is None else Decimal(target),
            *(_number(whole, name) for name in ("numerator", "denominator", "expected", "coverage")),
            " ".join([*page.marks(window), page.said.why_not(page.definition, whole) or ""]).strip(),
        ])  # fmt: skip
    return rows
