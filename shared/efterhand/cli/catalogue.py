"""`efterhand catalogue`."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Final

import click

from efterhand.cli.ending import DIFFERENCES, USAGE, Ending
from efterhand.cli.output import json_option, print_json

if TYPE_CHECKING:
    from efterhand.catalogue import Catalogue
    from efterhand.catalogue.sentences import Language

EXPLAINERS: Final = "efterhand.explain"
"""Entry points that give the SQL of a definition: functions of a catalogue and an indicator's id."""

_KINDS: Final = {
    "sv": {"protocol": "uppföljning", "indicator": "nyckeltal"},
    "en": {"protocol": "protocol", "indicator": "indicator"},
}

_catalogue_option = click.option(
    "--catalogue",
    "where",
    envvar="EFTERHAND_CATALOGUE",
    default="stockholm",
    show_default=True,
    help="Directory, or a built-in name.",
)
_language_option = click.option(
    "--language", type=click.Choice(["sv", "en"]), help="Only in this language; default: Swedish and English."
)


@click.group("catalogue")
def command() -> None:
    """Look at a catalogue: its code lists, units, protocols and indicators. Only `changes` asks the running system."""


@command.command("check")
@click.argument("where", metavar="[DIR|NAME]", default="stockholm", envvar="EFTERHAND_CATALOGUE")
@json_option
def check(where: str, as_json: bool) -> int:
    """Load a catalogue, warn of what is hardly meant, and try its test persons.

    \b
    Exit code 1: it has a mistake (told with file, line and the nearest right word), or a test person does not come
    out as expected. Warnings alone: 0.
    """
    from efterhand.catalogue import CatalogueError, load_catalogue
    from efterhand.catalogue.warnings import find_warnings
    from efterhand.figures.examples import try_examples

    try:
        catalogue = load_catalogue(where)
    except CatalogueError as error:
        if as_json:
            mistake = {"file": str(error.file), "line": error.line, "message": error.message}
            print_json({"mistake": mistake, "warnings": [], "tests": []})
        else:
            click.echo(str(error))
        return DIFFERENCES
    warnings = find_warnings(catalogue)
    verdicts = list(try_examples(catalogue))
    failed = [verdict for verdict in verdicts if verdict.differences]
    if as_json:
        print_json(
            {
                "catalogue": {"name": catalogue.name, "version": catalogue.version},
                "mistake": None,
                "warnings": [
                    {"name": each.name, "subject": each.subject, "message": each.message} for each in warnings
                ],
                "tests": [
                    {
                        "definition": each.definition,
                        "file": each.file,
                        "line": each.line,
                        "name": each.name,
                        "passed": not each.differences,
                        "differences": list(each.differences),
                    }
                    for each in verdicts
                ],
            }
        )
        return DIFFERENCES if failed else 0
    for warning in warnings:
        click.echo(f"warning: {warning}")
    for verdict in failed:
        click.echo(f"{verdict.file}:{verdict.line}: {verdict.definition}: {verdict.name}")
        for difference in verdict.differences:
            click.echo(f"  {difference}")
    click.echo(
        f"{catalogue.name} {catalogue.version}: {len(catalogue.protocols)} protocols, "
        f"{len(catalogue.indicators) + len(catalogue.formulas)} indicators, {len(warnings)} warnings, "
        f"{len(verdicts) - len(failed)} of {len(verdicts)} test persons as expected"
    )
    return DIFFERENCES if failed else 0


@command.command("explain")
@click.argument("definition_id", metavar="ID")
@_catalogue_option
@_language_option
@click.option("--sql", "with_sql", is_flag=True, help="Also the SQL that computes it (indicators).")
@json_option
def explain(definition_id: str, where: str, language: Language | None, with_sql: bool, as_json: bool) -> None:
    """Say what a protocol or an indicator means, in words and perhaps in SQL."""
    from efterhand.catalogue.errors import nearest
    from efterhand.catalogue.sentences import LANGUAGES, is_defined
    from efterhand.catalogue.sentences import explain as in_words

    catalogue = _load(where)
    if not is_defined(catalogue, definition_id):
        known = {**catalogue.protocols, **catalogue.indicators, **catalogue.formulas}
        raise Ending(USAGE, f"{catalogue.name} has no '{definition_id}'; {nearest(definition_id, known)}")
    languages = LANGUAGES if language is None else (language,)
    definitions: list[dict[str, Any]] = []
    for protocol, definition in _named(catalogue, definition_id):
        definitions.append(
            {
                "id": definition_id,
                "kind": "protocol" if protocol else "indicator",
                "name": {"sv": definition.name, "en": definition.english},
                "sentences": {each: in_words(catalogue, definition_id, each, protocol=protocol) for each in languages},
            }
        )
    sql = _sql_of(catalogue, definition_id) if with_sql else None
    if as_json:
        print_json({"definitions": definitions, **({"sql": sql} if with_sql else {})})
        return
    texts = []
    for told in definitions:
        for each in languages:
            kind = {"sv": {"protocol": "uppföljning", "indicator": "nyckeltal"}}.get(each, {}).get(
                told["kind"], told["kind"]
            )
            texts.append(f"{told['name'][each]} ({kind} {definition_id})\n{told['sentences'][each]}")
    click.echo("\n\n".join(texts + ([sql] if sql else [])))


@command.command("diff")
@click.argument("before")
@click.argument("after")
@_language_option
@json_option
def diff(before: str, after: str, language: Language | None, as_json: bool) -> int:
    """Say what changed from catalogue BEFORE to catalogue AFTER; exit code 1 when something did."""
    from efterhand.catalogue.differences import differences
    from efterhand.catalogue.sentences import LANGUAGES

    changes = differences(_load(before), _load(after))
    languages = LANGUAGES if language is None else (language,)
    if as_json:
        print_json(
            [
                {
                    "part": change.part,
                    "what": change.what,
                    "id": change.id,
                    "decides": change.decides,
                    **{each: change.text(each) for each in languages},
                }
                for change in changes
            ]
        )
    elif changes:
        click.echo("\n\n".join("\n".join(change.text(each) for change in changes) for each in languages))
    return DIFFERENCES if changes else 0


@command.command("changes")
@_language_option
@json_option
def changes(language: Language | None, as_json: bool) -> None:
    """Say which catalogues the running system has taken over, the newest first, and what changed each time."""
    from efterhand.catalogue.sentences import LANGUAGES
    from efterhand.cli.system import System

    taken_over = list(System.running().items("/intake/v1/catalogue/changes"))
    if as_json:
        print_json(taken_over)
        return
    for each in taken_over:
        click.echo(f"{each['adopted_on']}  {each['name']} {each['version']}")
        for told in LANGUAGES if language is None else (language,):
            for change in each["changes"]:
                click.echo(f"  {change[told]}")


def _load(where: str) -> Catalogue:
    from efterhand.catalogue import CatalogueError, load_catalogue

    try:
        return load_catalogue(where)
    except CatalogueError as error:
        raise Ending(DIFFERENCES, str(error)) from error


def _named(catalogue: Catalogue, definition_id: str) -> list[tuple[bool, Any]]:
    """Return what has an id: the figure, the protocol, or both; with whether it is the protocol."""
    figure = catalogue.indicators.get(definition_id) or catalogue.formulas.get(definition_id)
    protocol = catalogue.protocols.get(definition_id)
    return [(False, figure)] * (figure is not None) + [(True, protocol)] * (protocol is not None)


def _sql_of(catalogue: Catalogue, definition_id: str) -> str:
    """Return the SQL of an indicator. Only services know SQL, so that it comes from what one has registered."""
    if definition_id not in catalogue.indicators:
        raise Ending(USAGE, f"'{definition_id}' has no SQL: only indicators are computed by the database")
    registered = list(entry_points(group=EXPLAINERS))
    if not registered:
        raise Ending(USAGE, "no service that knows SQL is installed")
    explainer: Callable[[Catalogue, str], str] = registered[0].load()
    return explainer(catalogue, definition_id)
