"""What everything is computed by: the catalogue and its compiled indicators."""

from dataclasses import dataclass

from efterhand.catalogue import Catalogue
from efterhand_indicators.adapters import tables
from efterhand_indicators.adapters.compiler import CompiledIndicator, compile_indicator


@dataclass(frozen=True)
class Definitions:
    """The catalogue in use; `fingerprint` changes with the catalogue and with the version of the rules."""

    catalogue: Catalogue
    fingerprint: str
    indicators: dict[str, CompiledIndicator]

    def hashes(self) -> dict[str, str]:
        """Return the hash of each indicator's definition."""
        return {name: compiled.indicator.definition for name, compiled in self.indicators.items()}


def compile_definitions(catalogue: Catalogue, version: str) -> Definitions:
    """Compile every indicator of a catalogue.

    Args:
        catalogue: as loaded.
        version: of the product; the rules in its code are part of what a figure means.

    Raises:
        Uncompilable: an indicator asks for what is not kept.
    """
    return Definitions(
        catalogue=catalogue,
        fingerprint=f"{catalogue.version}/{version}",
        indicators={
            name: compile_indicator(indicator, tables.stored, tables.temporary)
            for name, indicator in catalogue.indicators.items()
        },
    )
