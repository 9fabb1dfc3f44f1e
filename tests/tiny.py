"""The tiny municipality of the tests, once for the product (a catalogue) and once for the reference (literally)."""

import shutil
import tempfile
from datetime import date
from pathlib import Path

from tests.reference import Edge, Municipality

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
        ("offer_90d", 2017): ("100", "higher"),
    },
)


def make_tiny_catalogue(directory: Path, stockholm: Path) -> Path:
    """Put Stockholm's own protocols, indicators and code lists beside the tiny units; gives the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    for name in ("protocols.yaml", "indicators.yaml", "codelists.yaml"):
        shutil.copy(stockholm / name, directory / name)
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
