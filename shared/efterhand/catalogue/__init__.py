"""The catalogue of an installation: code lists, units, protocols and indicators, as data in one grammar."""

from efterhand.catalogue.errors import CatalogueError
from efterhand.catalogue.loader import load_catalogue
from efterhand.catalogue.model import Catalogue, Indicator, Protocol, Step
from efterhand.catalogue.units import Edge, Unit, UnitTree

__all__ = [
    "Catalogue",
    "CatalogueError",
    "Edge",
    "Indicator",
    "Protocol",
    "Step",
    "Unit",
    "UnitTree",
    "load_catalogue",
]
