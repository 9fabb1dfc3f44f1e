"""What the first page shows, made from the services' replies: no I/O, every text in the reader's language."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final
from urllib.parse import urlencode

from efterhand.catalogue import Catalogue, Protocol
from efterhand.catalogue.model import FEEDS
from efterhand.web.door.answers import Failure, choices
from efterhand.web.door.figures import figure_table
from efterhand.web.door.reading import Reply
from efterhand.web.door.replies import UNKNOWN, Replies, business_date, known_through, no_part
from efterhand.web.door.system import system_table
from efterhand.web.door.words import Words
from efterhand.web.rights import Principal, Right

PAGE_SIZE: Final = 20
"""Checks on one page of the list."""

VIEWS: Final[dict[str, tuple[str, ...]]] = {
    "all": ("overdue", "due", "upcoming"),
    "overdue": ("overdue",),
    "todo": ("due", "upcoming"),
}
"""View in the address → the states it lists; the first is shown when nothing is chosen."""

FIRST_VIEW: Final = next(iter(VIEWS))


@dataclass(frozen=True)
class Choice:
    """What the reader has chosen; it is all in the address."""

    view: str = FIRST_VIEW
    unit: str | None = None
    cursor: str | None = None

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Choice":
        """Read an address's query; what it says wrongly is as if it said nothing."""
        view = query.get("view", FIRST_VIEW)
        unit, cursor = query.get("unit") or None, query.get("cursor") or None
        return cls(view if view in VIEWS else FIRST_VIEW, unit, cursor)

    def query(self, **changes: str | None) -> str:
        """Return the query of an address with something else chosen; another choice begins on its first page."""
        chosen = {"view": self.view, "unit": self.unit, "cursor": None, **changes}
        return urlencode({name: value for name, value in chosen.items() if value not in (None, FIRST_VIEW)})

    def link(self, **changes: str | None) -> str:
        """Return the address of the list with something else chosen."""
        query = self.query(**changes)
        return f"/?{query}#work" if query else "/#work"


@dataclass(frozen=True)
class Front:
    """Puts the page together for one reader."""

    words: Words
    catalogue: Catalogue
    principal: Principal
    reference: Callable[[str], str]
    """Check id → the opaque reference that stands for it in addresses."""
    choice: Choice = field(default_factory=Choice)
    failure: Failure | None = None

    def context(self, replies: Replies) -> dict[str, Any]:
        """Return what the template asks for; a part that the reader has no right to is None."""
        sees_status = self.principal.may(Right.STATUS_READ)
        work = None if replies.checks is None else self._work(replies.checks, business_date(replies.statuses))
        indicators = self.catalogue.indicators
        return {
            "absent": self._absent(replies),
            "reach": self._reach(replies.statuses),
            "due": None if replies.due is None else self._due(replies.due),
            "work": work,
            "shown": {check["ref"] for check in work["checks"]} if work else set(),
            "answers": choices(self.words),
            "figures": None if replies.figures is None else figure_table(self.words, indicators, replies.figures),
            "system": system_table(self.words, replies.statuses) if sees_status else None,
            "failure": self.failure,
        }

    def _absent(self, replies: Replies) -> str | None:
        text, missing, percent = self.words.text, replies.missing(), replies.percent_computed()
        told = []
        if missing:
            names = ", ".join(missing)
            told.append(text("Svarar inte just nu: %(services)s. Resten av sidan gäller ändå.", services=names))
        if percent is not None:
            told.append(text("En ändring i katalogen räknas in: %(percent)s procent är klart.", percent=percent))
        return " ".join(told) or None

    def _reach(self, statuses: Mapping[str, Reply]) -> list[dict[str, str]]:
        text = self.words.text
        today, known = business_date(statuses), known_through(statuses)
        facts = [{"name": text("Verksamhetsdatum"), "value": self.words.weekday(today) if today else UNKNOWN}]
        names = {
            "cases": text("Ärenden till och med"),
            "assistance": text("Ekonomiskt bistånd till och med"),
            "answers": text("Svar till och med"),
        }
        for feed in FEEDS:
            through = known.get(feed) if known else UNKNOWN
            value = text("löpande") if through is None else through if through == UNKNOWN else self.words.day(through)
            facts.append({"name": names[feed], "value": value})
        return facts

    def _due(self, reply: Reply) -> dict[str, Any]:
        if not reply.answered:
            return {"missing": no_part(self.words, reply)}
        rows = [
            {
                "name": self._unit(unit["unit"]),
                "link": Choice().link(unit=unit["unit"]),
                "overdue": unit["overdue"],
                "week": unit["this_week"],
                "answerable": unit["answerable"],
            }
            for unit in reply.body["items"]
            if unit["overdue"] or unit["this_week"]
        ]
        until = self.words.day(reply.body["week"]["to"])
        return {
            "missing": None,
            "rows": sorted(rows, key=lambda row: (-row["answerable"], -row["overdue"], row["name"])),
            "all": {name: sum(row[name] for row in rows) for name in ("overdue", "week", "answerable")},
            "caption": self.words.text("Uppföljningar per enhet, förfallna och till och med %(day)s", day=until),
        }

    def _work(self, reply: Reply, today: date | None) -> dict[str, Any]:
        text, chosen = self.words.text, self.choice
        names = {"all": text("Alla"), "overdue": text("Förfallna"), "todo": text("Att göra")}
        nothing = {
            "all": text("Det finns inget att svara på."),
            "overdue": text("Inget att svara på är förfallet."),
            "todo": text("Inget att svara på förfaller den närmaste tiden."),
        }
        listed = reply.body if reply.answered else {"items": [], "next": None}
        return {
            "missing": None if reply.answered else no_part(self.words, reply),
            "views": [
                {"name": names[view], "link": chosen.link(view=view), "chosen": view == chosen.view} for view in VIEWS
            ],
            "unit": self._unit(chosen.unit) if chosen.unit else None,
            "all_units": chosen.link(unit=None),
            "here": chosen.query(cursor=chosen.cursor),
            "nothing": nothing[chosen.view],
            "checks": [self._check(check, today) for check in listed["items"]],
            "may_answer": self.principal.may(Right.CHECKS_ANSWER),
            "first": chosen.link() if chosen.cursor else None,
            "next": chosen.link(cursor=listed["next"]) if listed["next"] else None,
            "size": PAGE_SIZE,
        }

    def _check(self, check: Mapping[str, Any], today: date | None) -> dict[str, Any]:
        text, due = self.words.text, self.words.day(check["due"])
        reference = self.reference(check["id"])
        failure = self.failure if self.failure and self.failure.ref == reference else None
        overdue = check["state"] == "overdue"
        return {
            "ref": reference,
            "case": check["case"],
            "protocol": check["protocol"],
            "unit": self._unit(check["unit"]),
            "protected": check.get("protected", False),
            "tag": text("Förfallen") if overdue else text("Att göra"),
            "kind": "overdue" if overdue else "open",
            "when": text("Skulle ha gjorts %(day)s", day=due) if overdue else text("Ska göras %(day)s", day=due),
            "why": self._why(self.catalogue.protocols.get(check["protocol"]), check["anchor_on"]),
            "failed": failure is not None,
            "given": failure.given if failure else {"answer": "", "on": today.isoformat() if today else ""},
            "errors": {name: failure.of(name) if failure else None for name in ("answer", "on")},
        }

    def _why(self, protocol: Protocol | None, anchor_on: str) -> str:
        text, day = self.words.text, self.words.day(anchor_on)
        if protocol is None:
            return ""
        rule = self.words.name(protocol)
        if protocol.anchor == "closed_on":
            return text("Visas för att ärendet avslutades %(day)s. Regel: %(rule)s.", day=day, rule=rule)
        if protocol.anchor == "enrolled_on":
            return text("Visas för att inskrivningen gjordes %(day)s. Regel: %(rule)s.", day=day, rule=rule)
        if protocol.anchor == "started_on":
            return text("Visas för att insatsen började %(day)s. Regel: %(rule)s.", day=day, rule=rule)
        return text("Visas för att insatsen avslutades %(day)s. Regel: %(rule)s.", day=day, rule=rule)

    def _unit(self, unit: str) -> str:
        known = self.catalogue.units.units.get(unit)
        return known.name if known else unit
