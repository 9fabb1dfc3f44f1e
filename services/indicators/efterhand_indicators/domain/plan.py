"""By what everything is to be computed, and whom a change of that concerns."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Plan:
    """By what everything is to be computed. An empty plan knows nothing of what is stored.

    `rules` names the code that computes, `facts` what decides the facts, `definitions` maps each indicator to the hash
    of its definition. Persons of a generation before `everything` are computed from scratch; for those before
    `since[indicator]` that indicator is run, whether or not their facts have changed.
    """

    rules: str = ""
    facts: str = ""
    definitions: Mapping[str, str] = field(default_factory=dict)
    everything: int = 0
    since: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Plan":
        """Read it as it is stored."""
        return cls(**value)

    def as_json(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return asdict(self)

    def followed_by(self, rules: str, facts: str, definitions: Mapping[str, str], generation: int) -> "Plan":
        """Return the plan for what is computed from now on; this very plan where nothing that decides differs.

        Args:
            rules: the code that computes.
            facts: hash of what decides the facts.
            definitions: hash of each indicator's definition.
            generation: that begins where something differs.
        """
        if rules != self.rules:
            return Plan(rules, facts, dict(definitions), generation)
        if (facts, dict(definitions)) == (self.facts, dict(self.definitions)):
            return self
        changed = [name for name, each in definitions.items() if self.definitions.get(name) != each]
        since = {name: begun for name, begun in self.since.items() if name in definitions}
        return replace(
            self, facts=facts, definitions=dict(definitions), since={**since, **dict.fromkeys(changed, generation)}
        )

    def from_scratch(self, generation: int) -> "Plan":
        """Return the plan by which everything that was computed before a generation is computed from scratch."""
        return replace(self, everything=generation, since={})

    def is_run(self, indicator: str, generation: int) -> bool:
        """Tell whether an indicator must be run for whoever was computed last in a generation."""
        return generation < max(self.everything, self.since.get(indicator, 0))
