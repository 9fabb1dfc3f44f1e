"""The catalogue that intake works with is kept, and what changed in it is told in words."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import Connection

from efterhand.catalogue import Catalogue, CatalogueError
from efterhand.catalogue.differences import differences
from efterhand.catalogue.texts import WrittenCatalogue, load_texts
from efterhand_intake.adapters import catalogues

Told = dict[str, Any]
"""One change: `part`, `what` and `id` of what changed, and the sentence in Swedish (`sv`) and English (`en`)."""


def adopt_catalogue(connection: Connection, written: WrittenCatalogue, day: date) -> list[Told] | None:
    """Keep a catalogue as the one that holds from now on.

    Args:
        connection: in a transaction.
        written: the catalogue that is loaded.
        day: the business date.

    Returns:
        What changed since the one before, nothing for the first one; None: it holds already.
    """
    catalogues.be_alone(connection)
    before = catalogues.latest(connection)
    catalogue = written.catalogue
    if before is not None and before.version == catalogue.version:
        return None
    changes = [] if before is None else _told(before.name, before.files, catalogue)
    catalogues.keep(connection, catalogue.version, catalogue.name, written.texts, day, changes)
    return changes


def _told(name: str, texts: Mapping[str, str], after: Catalogue) -> list[Told]:
    try:
        before = load_texts(name, texts)
    except CatalogueError:
        return [
            {
                "part": "catalogue",
                "what": "changed",
                "id": after.name,
                "sv": "Katalogen är ändrad. Den förra har en äldre form och kan inte jämföras.",
                "en": "The catalogue has changed. The one before is of an older form and cannot be compared.",
            }
        ]
    return [
        {"part": change.part, "what": change.what, "id": change.id, "sv": change.swedish, "en": change.english}
        for change in differences(before, after)
    ]
