"""One cell of a figure, and what its definition says in words."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Any

from sqlalchemy import Connection

from efterhand.catalogue.model import Formula
from efterhand.catalogue.sentences import LANGUAGES, explain
from efterhand_indicators.application.closed_figures import check_nobody_is_gone
from efterhand_indicators.application.definitions import Definitions
from efterhand_indicators.application.explaining import restricted
from efterhand_indicators.application.figures import empty_cell, operands_of, read_figure


def why_figure(
    connection: Connection,
    definitions: Definitions,
    name: str,
    at: date | None = None,
    dims: Mapping[str, str] | None = None,
    known: date | None = None,
) -> dict[str, Any]:
    """Return one cell of a figure, and its definition in words.

    Args:
        connection: in a transaction that sees one state throughout (repeatable read).
        definitions: what everything is computed by.
        name: of the indicator, or of the formula (`of` then says what it is made of).
        at: the last day of the window; None: the business date.
        dims: what the cell is restricted to; None: the total.
        known: without what was received after that day; None: from everything that is known now.

    Raises:
        UnknownWord, NotYet, OverflowError: as `read_figure`.
        Disposed: persons who may have counted have been disposed of.
    """
    wanted = dict(dims or {})
    by = list(wanted)
    compiled = definitions.indicators.get(name)
    if compiled is not None:
        # Of a split, what is asked for may be one of its parts, which is no dimension to break down by.
        by = list(restricted(compiled.indicator, definitions.catalogue, wanted).dims)
    figure = read_figure(connection, definitions, name, at, by, known)
    check_nobody_is_gone(connection, [figure.window], known)
    row = next((each for each in figure.cells if dict(each.dims) == wanted), None) or empty_cell(figure, wanted)
    told = {key: value for key, value in figure.as_json().items() if key != "rows"}
    of = operands_of(figure.indicator) if isinstance(figure.indicator, Formula) else ()
    sentences = {each: explain(definitions.catalogue, name, each, protocol=False) for each in LANGUAGES}
    return {**told, "sentences": sentences, "of": list(of), "row": asdict(row)}
