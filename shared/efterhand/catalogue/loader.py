"""A catalogue's directory, read and checked as a whole."""

from hashlib import sha256
from pathlib import Path

from efterhand.catalogue.errors import CatalogueError, nearest
from efterhand.catalogue.grammar import Group, Words, parse_indicator, parse_protocol
from efterhand.catalogue.model import Catalogue, Protocol
from efterhand.catalogue.source import Place, read_yaml
from efterhand.catalogue.units import Edge, Unit, UnitTree, overlapping_edges

BUILT_IN = Path(__file__).parent
CODELISTS = ("reasons", "target_groups", "measure_kinds", "offer_kinds", "providers", "funders", "results")
_FILES = ("codelists.yaml", "units.yaml", "protocols.yaml", "indicators.yaml")


def load_catalogue(path_or_name: str) -> Catalogue:
    """Load a catalogue from a directory, or a built-in one by its name.

    Raises:
        CatalogueError: it is missing or wrong; the error names file, line and the nearest right word.
    """
    directory = _directory(path_or_name)
    for stray in sorted(directory.glob("*.y*ml")):
        if stray.name not in _FILES:
            raise CatalogueError(stray, 1, f"no such file belongs to a catalogue; {nearest(stray.name, _FILES)}")
    lists = read_yaml(directory / "codelists.yaml").fields(required=(*CODELISTS, "groups"))
    codelists = {name: _codes(lists[name]) for name in CODELISTS}
    groups = _groups(lists["groups"], codelists)
    units = _units(read_yaml(directory / "units.yaml"))
    unit_names = {unit.id: unit.name for unit in units.units.values()}
    protocol_entries = read_yaml(directory / "protocols.yaml").mapping()
    protocol_ids = {name: name for name in protocol_entries}
    words = Words({**codelists, "units": unit_names, "protocols": protocol_ids}, groups)
    protocols: dict[str, Protocol] = {}
    for name, entry in protocol_entries.items():
        protocols[name] = parse_protocol(name, entry, words)
    indicators = {
        name: parse_indicator(name, entry, words, protocols)
        for name, entry in read_yaml(directory / "indicators.yaml").mapping().items()
    }
    return Catalogue(
        name=directory.name,
        version=_version(directory),
        codelists=codelists,
        groups={name: group.codes for name, group in groups.items()},
        units=units,
        protocols=protocols,
        indicators=indicators,
    )


def _directory(path_or_name: str) -> Path:
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


def _version(directory: Path) -> str:
    digest = sha256()
    for name in _FILES:
        digest.update(name.encode() + b"\0" + (directory / name).read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def _codes(place: Place) -> dict[str, str]:
    return {code: name.text() for code, name in place.mapping().items()}


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
