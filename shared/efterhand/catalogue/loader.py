"""A catalogue's directory, read and checked as a whole."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from efterhand.catalogue.errors import CatalogueError, nearest
from efterhand.catalogue.factkinds import fact_kinds
from efterhand.catalogue.grammar import (
    Group,
    Words,
    is_formula,
    parse_derived_fact,
    parse_formula,
    parse_indicator,
    parse_protocol,
)
from efterhand.catalogue.grammar.indicators import targets_of
from efterhand.catalogue.model import Catalogue, Formula, Indicator
from efterhand.catalogue.source import Place, read_yaml
from efterhand.catalogue.units import Edge, Unit, UnitTree, overlapping_edges

BUILT_IN = Path(__file__).parent
CODELISTS = ("reasons", "target_groups", "measure_kinds", "offer_kinds", "providers", "funders", "results")
_REQUIRED = ("codelists.yaml", "units.yaml", "protocols.yaml", "indicators.yaml")
_FACTS = "facts.yaml"
_TARGETS = "targets.yaml"
FILES = (*_REQUIRED, _FACTS, _TARGETS)


def load_catalogue(path_or_name: str) -> Catalogue:
    """Load a catalogue from a directory, or a built-in one by its name.

    Raises:
        CatalogueError: it is missing or wrong; the error names file, line and the nearest right word.
    """
    directory = directory_of(path_or_name)
    for stray in sorted(directory.glob("*.y*ml")):
        if stray.name not in FILES:
            raise CatalogueError(stray, 1, f"no such file belongs to a catalogue; {nearest(stray.name, FILES)}")
    lists = read_yaml(directory / "codelists.yaml").fields(required=(*CODELISTS, "groups"))
    codelists = {name: _codes(lists[name]) for name in CODELISTS}
    english = {name: _english(lists[name]) for name in CODELISTS}
    groups = _groups(lists["groups"], codelists)
    units = _units(read_yaml(directory / "units.yaml"))
    unit_names = {unit.id: unit.name for unit in units.units.values()}
    protocol_entries = read_yaml(directory / "protocols.yaml").mapping()
    protocol_ids = {name: name for name in protocol_entries}
    derived = {name: parse_derived_fact(name, entry, fact_kinds()) for name, entry in _derived_facts(directory).items()}
    facts = {**fact_kinds(), **{name: fact.kind for name, fact in derived.items()}}
    words = Words({**codelists, "units": unit_names, "protocols": protocol_ids}, groups, facts)
    protocols = {name: parse_protocol(name, entry, words) for name, entry in protocol_entries.items()}
    figures = read_yaml(directory / "indicators.yaml").mapping()
    indicators = {
        name: parse_indicator(name, entry, words, protocols, derived)
        for name, entry in figures.items()
        if not is_formula(entry)
    }
    formulas = {name: parse_formula(name, entry, indicators) for name, entry in figures.items() if is_formula(entry)}
    targets = _targets(directory)
    return Catalogue(
        name=directory.name,
        version=version_of({name: (directory / name).read_bytes() for name in FILES if (directory / name).exists()}),
        codelists=codelists,
        groups={name: group.codes for name, group in groups.items()},
        units=units,
        protocols=protocols,
        indicators={name: _with_targets(one, targets) for name, one in indicators.items()},
        formulas={name: _with_targets(one, targets) for name, one in formulas.items()},
        derived=derived,
        stray_targets=tuple(name for name in targets if name not in figures),
        english=english,
    )


_Figure = TypeVar("_Figure", Indicator, Formula)


def _with_targets(figure: _Figure, targets: Mapping[str, Mapping[int, Decimal]]) -> _Figure:
    """Return a figure with the targets of the file of targets, which go before its own."""
    return replace(figure, targets={**figure.targets, **targets[figure.id]}) if figure.id in targets else figure


def _targets(directory: Path) -> dict[str, dict[int, Decimal]]:
    file = directory / _TARGETS
    return {name: targets_of(entry) for name, entry in read_yaml(file).mapping().items()} if file.exists() else {}


def _derived_facts(directory: Path) -> dict[str, Place]:
    file = directory / _FACTS
    return read_yaml(file).mapping() if file.exists() else {}


def directory_of(path_or_name: str) -> Path:
    """Return the directory of a catalogue, which may be named as a built-in one.

    Raises:
        CatalogueError: there is none.
    """
    built_in = BUILT_IN / path_or_name
    if "/" not in path_or_name and (built_in / "codelists.yaml").exists():
        return built_in
    directory = Path(path_or_name)
    if not directory.is_dir():
        known = [each.parent.name for each in BUILT_IN.glob("*/codelists.yaml")]
        raise CatalogueError(
            directory, 1, f"no such directory and no built-in catalogue; {nearest(path_or_name, known)}"
        )
    return directory


def version_of(files: Mapping[str, bytes]) -> str:
    """Return the version of a catalogue by what its files hold."""
    digest = sha256()
    for name in FILES:
        if name in files:
            digest.update(name.encode() + b"\0" + files[name] + b"\0")
    return digest.hexdigest()[:12]


def _codes(place: Place) -> dict[str, str]:
    """Return the Swedish names of codes; what a code stands for is that name, or a mapping with an English one too."""
    return {
        code: (_named(entry)["name"] if _is_named(entry) else entry).text() for code, entry in place.mapping().items()
    }


def _english(place: Place) -> dict[str, str]:
    named = {code: _named(entry) for code, entry in place.mapping().items() if _is_named(entry)}
    return {code: fields["english"].text() for code, fields in named.items() if "english" in fields}


def _is_named(entry: Place) -> bool:
    return isinstance(entry.value, dict)


def _named(entry: Place) -> dict[str, Place]:
    return entry.fields(required=("name",), optional=("english",))


def _groups(place: Place, codelists: dict[str, dict[str, str]]) -> dict[str, Group]:
    groups = {}
    for name, entry in place.mapping().items():
        fields = entry.fields(required=("of", "codes"))
        codelist = fields["of"].one_of(CODELISTS)
        groups[name] = Group(codelist, frozenset(code.one_of(codelists[codelist]) for code in fields["codes"].items()))
    return groups


def _units(place: Place) -> UnitTree:
    units: dict[str, Unit] = {}
    edges: list[Edge] = []
    pending: list[tuple[str, Place]] = []
    places: dict[Edge, Place] = {}
    for entry in place.items():
        fields = entry.fields(required=("id", "name"), optional=("under",))
        unit = Unit(fields["id"].text(), fields["name"].text())
        if unit.id in units:
            entry.fail(f"the unit '{unit.id}' stands here twice")
        units[unit.id] = unit
        pending += [(unit.id, edge) for edge in (fields["under"].items() if "under" in fields else [])]
    for child, entry in pending:
        fields = entry.fields(required=("parent", "from"), optional=("to",))
        edge = Edge(
            child=child,
            parent=fields["parent"].one_of(units),
            from_on=fields["from"].day(),
            to_on=fields["to"].day() if "to" in fields else None,
        )
        if edge.to_on is not None and edge.to_on < edge.from_on:
            entry.fail("the edge ends before it begins")
        edges.append(edge)
        places[edge] = entry
    if (clash := overlapping_edges(edges)) is not None:
        places[clash[1]].fail(f"'{clash[0].child}' lies under two units on {clash[1].from_on}")
    tree = UnitTree(units, tuple(edges))
    _refuse_circles(tree, place)
    return tree


def _refuse_circles(tree: UnitTree, place: Place) -> None:
    for day in tree.change_days():
        for unit in tree.units:
            top = tree.ancestors_on(unit, day)[-1]
            if tree.parent_on(top, day) is not None:
                place.fail(f"'{unit}' lies under itself on {day}")
