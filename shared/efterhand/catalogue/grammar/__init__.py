"""The grammar of definitions: every word is known, every type fits, or the catalogue is refused with file and line."""

from efterhand.catalogue.grammar.derived_facts import parse_derived_fact
from efterhand.catalogue.grammar.formulas import is_formula, parse_formula
from efterhand.catalogue.grammar.indicators import parse_indicator
from efterhand.catalogue.grammar.protocols import parse_protocol
from efterhand.catalogue.grammar.scope import Group, Words

__all__ = ["Group", "Words", "is_formula", "parse_derived_fact", "parse_formula", "parse_indicator", "parse_protocol"]
