"""What the worklist's page shows, made from followup's replies: no I/O, every text in the reader's language."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from efterhand.catalogue import Catalogue
from efterhand.web.door.answers import Failure
from efterhand.web.door.choice import FIRST_GROUPS, GROUPS, Choice
from efterhand.web.door.front import reach_of_data, unit_name
from efterhand.web.door.reading import Reply
from efterhand.web.door.replies import no_part
from efterhand.web.door.sentences import Sentences
from efterhand.web.door.words import Words

_KEPT: Final = ("worker", "nobodys", "late", "why", "notice")
"""What is chosen by links and has no field: it stays until its chip is taken away."""

PAGE_SIZE: Final = 50
"""Checks on one page."""


@dataclass(frozen=True)
class Done:
    """What has just been done with several checks: how many, and what was said of those that it was not done with."""

    kind: str
    key: str
    count: int
    refused: tuple[str, ...] = ()


@dataclass(frozen=True)
class Worklist:
    """Puts the page together for one reader."""

    words: Words
    catalogue: Catalogue
    choice: Choice
    may_act: bool
    selected: bool = False
    """Every check of the page is selected."""
    chosen: frozenset[str] = field(default_factory=frozenset)
    """References of those that are selected."""
    done: Done | None = None
    failure: Failure | None = None
    view_failure: str | None = None

    def context(self, listed: Reply, views: Reply, status: Reply) -> dict[str, Any]:
        """Return what the template asks for, from the list, the reader's saved views and followup's status."""
        nothing: dict[str, Any] = {"items": [], "next": None, "counts": {}, "total": 0, "on": None, "staff": None}
        body = listed.body if listed.answered else nothing
        checks = [self._check(item) for item in body["items"]]
        given = self.failure.given if self.failure else {"act": "", "bulk_on": body["on"] or ""}
        return {
            "missing": None if listed.answered else no_part(self.words, listed),
            "reach": reach_of_data(self.words, {"followup": status, "indicators": Reply("indicators", None)}),
            "filters": self._filters(body),
            "chips": self._chips(),
            "clear": Choice().link(),
            "views": [self._view(each) for each in (views.body["items"] if views.answered else ())],
            "caption": self._caption(body),
            "sorts": self._sorts(),
            "checks": checks,
            "nothing": None if checks else self._nothing(body["counts"]),
            "may_act": self.may_act and not self.choice.missed,
            "ways": self._acts(),
            "given": given,
            "errors": {name: self.failure.of(name) if self.failure else None for name in ("refs", "act", "bulk_on")},
            "failure": self.failure,
            "done": self._done(),
            "view_failure": self.view_failure,
            "key": uuid.uuid4().hex,
            "here": self.choice.query(),
            "select_all": self.choice.link(select="page"),
            "pages": self._pages(body["next"]),
        }

    def _check(self, item: Mapping[str, Any]) -> dict[str, Any]:
        says = Sentences(self.words, self.catalogue)
        # What was settled longer ago than the list reaches, and was asked for by how it ended, is done all the same.
        group = item["group"] or "done"
        return {
            "ref": item["ref"],
            "link": f"/uppfoljningar/{item['ref']}?{Choice.query(self.choice)}".rstrip("?"),
            "asked": says.asked(item),
            "why": says.why(item),
            "waits": says.waits(item),
            "case": item["case"],
            "case_link": item["link"],
            "group": group,
            "tag": says.groups()[group],
            "outcome": says.outcome(item) if group == "done" else None,
            "saved": saved_words(self.words, item["acts"]),
            "due": self.words.short(item["due"]),
            "unit": unit_name(self.catalogue, item["unit"]),
            "worker": item["worker"],
            "protected": item.get("protected", False),
            "may_select": self.may_act and item["open"] and not self.choice.missed,
            "selected": self.selected or item["ref"] in self.chosen,
        }

    def _filters(self, body: Mapping[str, Any]) -> dict[str, Any]:
        says, choice = Sentences(self.words, self.catalogue), self.choice
        day = date.fromisoformat(body["on"]) if body["on"] else None
        return {
            "groups": [
                {
                    "code": group,
                    "name": says.groups()[group],
                    "count": body["counts"].get(group),
                    "chosen": group in choice.listed and not choice.in_any_group,
                }
                for group in GROUPS
            ],
            "units": units_in_order(self.catalogue, day),
            "unit": choice.unit,
            "protocols": [
                {"id": each.id, "name": self.words.name(each), "swedish": not self.words.has_name(each)}
                for each in self.catalogue.protocols.values()
            ],
            "protocol": choice.protocol,
            "case": choice.case or "",
            "has_mine": body["staff"] is not None,
            "mine": choice.mine,
            "sort": choice.sort,
            "missed": choice.missed,
            "periods": [{"code": code, "name": name} for code, name in says.missed().items()],
            "kept": [(name, value) for name, value in choice.pairs() if name in _KEPT],
        }

    def _chips(self) -> list[dict[str, str]]:
        """Return what is chosen, each with the address without it."""
        text, choice = self.words.text, self.choice
        names = Sentences(self.words, self.catalogue).groups()
        chips = []
        for group in choice.groups:
            left = tuple(each for each in choice.groups if each != group)
            chips.append({"name": names[group], "link": choice.but(groups=left).link()})
        if choice.mine:
            chips.append({"name": text("Bara mina"), "link": choice.but(mine=False).link()})
        if choice.unit:
            chips.append({"name": unit_name(self.catalogue, choice.unit), "link": choice.but(unit=None).link()})
        if choice.protocol:
            protocol = self.catalogue.protocols.get(choice.protocol)
            name = self.words.name(protocol) if protocol else choice.protocol
            chips.append({"name": name, "link": choice.but(protocol=None).link()})
        if choice.case:
            number = text("Ärendenummer med %(part)s", part=choice.case)
            chips.append({"name": number, "link": choice.but(case=None).link()})
        return chips + self._more_chips()

    def _more_chips(self) -> list[dict[str, str]]:
        says, text, choice = Sentences(self.words, self.catalogue), self.words.text, self.choice
        chips = []
        if choice.worker:
            name = text("Handläggare: %(worker)s", worker=choice.worker)
            chips.append({"name": name, "link": choice.but(worker=None).link()})
        if choice.nobodys:
            chips.append({"name": text("Utan handläggare"), "link": choice.but(nobodys=False).link()})
        if choice.late:
            name = text("Förfallen i %(days)s", days=says.late()[choice.late])
            chips.append({"name": name, "link": choice.but(late=None).link()})
        if choice.missed:
            name = text("Missat %(period)s", period=says.missed()[choice.missed])
            chips.append({"name": name, "link": choice.but(missed=None, why=None).link()})
        if choice.why:
            protocol = self.catalogue.protocols.get(choice.protocol or "")
            state = (protocol.gives_up_as if protocol else None) or "missed"
            name = says.why_missed("expired" if choice.why == "no_report" else state, choice.why)
            chips.append({"name": name, "link": choice.but(why=None).link()})
        if choice.notice:
            chips.append({"name": notice_name(self.words, choice.notice), "link": choice.but(notice=None).link()})
        return chips

    def _view(self, view: Mapping[str, str]) -> dict[str, Any]:
        choice = Choice.of_query(view["query"])
        return {"name": view["name"], "link": choice.link(), "chosen": choice == self.choice.but()}

    def _caption(self, body: Mapping[str, Any]) -> str:
        counts = body["counts"]
        if self.choice.in_any_group:
            return self.words.text("Uppföljningar: %(count)s.", count=self.words.number(body["total"]))
        names = Sentences(self.words, self.catalogue).groups()
        told = [f"{names[group]}: {self.words.number(counts.get(group, 0))}" for group in self.choice.listed]
        return self.words.text("Uppföljningar. %(counts)s.", counts=", ".join(told))

    def _sorts(self) -> dict[str, dict[str, Any]]:
        """Return for the heads of columns how the list is ordered, and the address of another order."""
        choice = self.choice
        by_due = "-due" if choice.sort == "due" else "due"
        orders = {"due": "ascending", "-due": "descending"}
        return {
            "due": {"order": orders.get(choice.sort), "link": choice.but(sort=by_due).link()},
            "case": {"order": "ascending" if choice.sort == "case" else None, "link": choice.but(sort="case").link()},
        }

    def _nothing(self, counts: Mapping[str, int]) -> dict[str, str | None]:
        text, choice = self.words.text, self.choice
        if choice.cursor:
            return {
                "sentence": text("Här tar listan slut."),
                "link": choice.but().link(),
                "name": text("Till listans början"),
            }
        if choice.narrowed or choice.listed not in (FIRST_GROUPS, GROUPS[:3]):
            return {
                "sentence": text("Inget stämmer med urvalet."),
                "link": Choice().link(),
                "name": text("Rensa filter"),
            }
        waiting = counts.get("waiting", 0)
        if waiting and "waiting" not in choice.listed:
            said = text("Inget att göra just nu. Väntar på svar: %(count)s.", count=self.words.number(waiting))
            return {
                "sentence": said,
                "link": choice.but(groups=("waiting",)).link(),
                "name": text("Visa dem som väntar"),
            }
        return {"sentence": text("Inget att göra just nu."), "link": None, "name": None}

    def _acts(self) -> list[dict[str, str]]:
        text = self.words.text
        tried = [
            {"code": code, "name": text("Försökt nå: %(how)s", how=name)}
            for code, name in Sentences(self.words, self.catalogue).ways().items()
        ]
        return [*tried, {"code": "postpone", "name": text("Skjut upp till dagen")}]

    def _done(self) -> dict[str, Any] | None:
        if self.done is None:
            return None
        text, done = self.words.text, self.done
        count = self.words.number(done.count)
        sentences = {
            "attempt": text("Försök noterade: %(count)s. Sparat, behandlas.", count=count),
            "postpone": text("Uppskjutna: %(count)s.", count=count),
            "undo": text("Tillbakatagna: %(count)s.", count=count),
        }
        return {
            "sentence": sentences[done.kind],
            "key": done.key if done.count and done.kind != "undo" else None,
            "refused": list(done.refused),
        }

    def _pages(self, following: str | None) -> dict[str, str | None]:
        choice = self.choice
        return {
            "first": choice.but().link() if choice.cursor else None,
            "next": choice.but(cursor=following).link() if following else None,
            "size": self.words.number(PAGE_SIZE),
        }


def saved_words(words: Words, acts: Iterable[Mapping[str, Any]]) -> str | None:
    """Return what is said of a check while something that was saved is on its way; None: nothing is."""
    return words.text("Sparat, behandlas") if any(act["pending"] for act in acts) else None


def notice_name(words: Words, notice_id: str) -> str:
    """Return what a catch-up notice is called: by the day on which what it lists was received."""
    day = notice_id.rsplit("/", 1)[-1]
    try:
        return words.text("Kom in i efterhand %(day)s", day=words.day(day))
    except ValueError:
        return notice_id


def units_in_order(catalogue: Catalogue, day: date | None) -> list[dict[str, Any]]:
    """Return the units as the tree of a day has them, each under the one above it, with how deep it lies."""
    on = day or date.max
    children: dict[str | None, list[str]] = {}
    for unit in catalogue.units.units:
        children.setdefault(catalogue.units.parent_on(unit, on), []).append(unit)
    ordered: list[dict[str, Any]] = []

    def add(parent: str | None, depth: int) -> None:
        for unit in sorted(children.get(parent, ()), key=lambda each: unit_name(catalogue, each)):
            ordered.append({"id": unit, "name": unit_name(catalogue, unit), "depth": depth})
            add(unit, depth + 1)

    add(None, 0)
    return ordered
