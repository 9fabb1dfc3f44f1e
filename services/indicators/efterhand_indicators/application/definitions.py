"""What everything is computed by: the catalogue and its compiled indicators."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from efterhand.catalogue import Catalogue
from efterhand_indicators.adapters import tables
from efterhand_indicators.adapters.compiler import CompiledIndicator, compile_indicator
from efterhand_indicators.domain import totals


@dataclass(frozen=True)
class Definitions:
    """The catalogue in use, and the version of the `rules` in the code that reads it."""

    catalogue: Catalogue
    rules: str
    indicators: dict[str, CompiledIndicator]

    @property
    def fingerprint(self) -> str:
        """What changes with the catalogue and with the rules."""
        return f"{self.catalogue.version}/{self.rules}"

    def hashes(self) -> dict[str, str]:
        """Return the hash of each indicator's definition."""
        return {name: compiled.indicator.definition for name, compiled in self.indicators.items()}

    @cached_property
    def totals(self) -> Mapping[str, str]:
        """For each indicator that can have totals, what they depend on."""
        return {
            name: totals.depends_on(compiled.indicator, self.catalogue.units)
            for name, compiled in self.indicators.items()
            if compiled.totals is not None
        }


def compile_definitions(catalogue: Catalogue, rules: str) -> Definitions:
    """Compile every indicator of a catalogue.

    Args:
        catalogue: as loaded.
        rules: version of the product; the rules in its code are part of what a figure means.

    Raises:
        Uncompilable: an indicator asks for what is not kept.
    """
    return Definitions(
        catalogue=catalogue,
        rules=rules,
        indicators={
            name: compile_indicator(indicator, catalogue, tables.stored, tables.temporary)
            for name, indicator in catalogue.indicators.items()
        },
    )
