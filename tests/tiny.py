"""The tiny municipality of the tests, once for the product (a catalogue) and once for the reference (literally)."""

import re
import shutil
import tempfile
from datetime import date
from pathlib import Path

from tests.reference import INDICATORS, PROTOCOLS, Edge, Municipality

TINY_UNITS = Path(__file__).parent / "data" / "tiny-catalogue" / "units.yaml"

MUNICIPALITY = Municipality(
    edges=(
        Edge("north", "city", date(2008, 1, 1)),
        Edge("south", "city", date(2008, 1, 1), date(2017, 3, 31)),
        Edge("south", "north", date(2017, 6, 1)),
        Edge("annex", "south", date(2018, 1, 1)),
    ),
    targets={
        ("closed_12m", 2017): ("78", "higher"),
        ("self_sufficient_6m", 2017): ("84", "higher"),
        ("self_sufficient_6m_youth", 2017): ("83", "higher"),
        ("offer_90d", 2017): ("100", "higher"),
        ("stockholmsjobb_count", 2017): ("500", "higher"),
        ("internship_count", 2017): ("20", "higher"),
        ("youth_duration", 2017): ("5", "lower"),
        ("long_assistance_duration", 2017): ("10", "lower"),
        ("resource_closed_12m", 2017): ("40", "higher"),
        ("resource_closed_18m", 2017): ("55", "higher"),
        ("stockholmsjobb_no_return_4m", 2017): ("90", "higher"),
        ("closed_to_studies_20_29", 2017): ("18", "higher"),
        ("guidance_share_16_29", 2017): ("35", "higher"),
        ("youth_closed_6m", 2017): ("65", "higher"),
        ("activity_duty_to_studies", 2017): ("55", "higher"),
        ("enrolled_20_29", 2017): ("350", "higher"),
        ("closed_to_studies", 2017): ("11", "higher"),
        ("guidance_share", 2017): ("35", "higher"),
        ("higher_vocational_work_6m", 2017): ("95", "higher"),
        ("training_work_3m", 2017): ("60", "higher"),
    },
)
"""The targets are those that Stockholm published for 2017."""


DEFINITION = re.compile(r"^(?=[a-z][a-z0-9_]*:)", re.MULTILINE)
"""Where a definition begins in a catalogue's file."""


def definitions(path: Path) -> dict[str, str]:
    """The definitions of a catalogue's file as they are written, by id."""
    parts = DEFINITION.split(path.read_text(encoding="utf-8"))[1:]
    return {part.split(":", 1)[0]: part for part in parts}


def make_tiny_catalogue(directory: Path, stockholm: Path) -> Path:
    """Put Stockholm's protocols, indicators and code lists beside the tiny units; gives the directory.

    What the rules name and only Nacka has comes with them, so that one catalogue holds everything.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for name, known in (("protocols.yaml", PROTOCOLS), ("indicators.yaml", INDICATORS)):
        theirs, nackas = definitions(stockholm / name), definitions(stockholm.parent / "nacka" / name)
        added = {each: text for each, text in nackas.items() if each in known and each not in theirs}
        (directory / name).write_text("".join([*theirs.values(), *added.values()]), encoding="utf-8")
    shutil.copy(stockholm / "codelists.yaml", directory / "codelists.yaml")
    shutil.copy(TINY_UNITS, directory / "units.yaml")
    return directory


def tiny_catalogue_directory() -> Path:
    """A fresh directory with the tiny catalogue, removed when the process ends."""
    import atexit

    import efterhand.catalogue

    stockholm = Path(efterhand.catalogue.__file__).parent / "stockholm"
    parent = Path(tempfile.mkdtemp(prefix="efterhand-tiny-"))
    atexit.register(shutil.rmtree, parent, ignore_errors=True)
    return make_tiny_catalogue(parent / "tiny-catalogue", stockholm)


FOLLOWED = ("offer_90d", "occupation_3m", "occupation_6m", "assistance_7m")
"""Protocols of a town whose every check and notice can be told by hand. The second lends its reminders to the third."""


def followed_catalogue_directory() -> Path:
    """A fresh directory with the tiny catalogue, but only a few protocols and one indicator."""
    directory = tiny_catalogue_directory()
    for name, kept in (("protocols.yaml", FOLLOWED), ("indicators.yaml", ("closed_12m",))):
        every = definitions(directory / name)
        (directory / name).write_text("".join(every[each] for each in kept), encoding="utf-8")
    return directory
