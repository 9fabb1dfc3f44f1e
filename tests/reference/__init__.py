"""A slow, obvious evaluation of the domain in plain Python.

Written from the rules' text to be read beside it, and to be held against the product. It shares nothing with it but
the JSON shape of the event contracts: no import from the product, no holiday package, no look-ahead. What
the text leaves open, and which reading is taken here, stands in READINGS.md beside this file.

Events are dicts as they were sent, with `received` added: a local day, or a stamp with an offset.
"""

from tests.reference.checks import PROTOCOLS, Check, checks
from tests.reference.doubts import doubts
from tests.reference.figures import DIMENSIONS, INDICATORS, Figure, Known, Row, figures, many_figures
from tests.reference.intake import receive
from tests.reference.municipality import Edge, Municipality
from tests.reference.notices import Notice, notices

__all__ = [
    "DIMENSIONS",
    "INDICATORS",
    "PROTOCOLS",
    "Check",
    "Edge",
    "Figure",
    "Known",
    "Municipality",
    "Notice",
    "Row",
    "checks",
    "doubts",
    "figures",
    "many_figures",
    "notices",
    "receive",
]
