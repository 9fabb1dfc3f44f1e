"""What the page of data quality shows, from followup's and intake's lists: no I/O, texts in the reader's language."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final
from urllib.parse import urlencode

import orjson

from efterhand.catalogue import Catalogue
from efterhand.dates import STOCKHOLM
from efterhand.web.door.front import reach_of_data, unit_name
from efterhand.web.door.reading import Reply
from efterhand.web.door.refusals import Advice, advice_on
from efterhand.web.door.replies import no_part
from efterhand.web.door.sentences import Sentences
from efterhand.web.door.words import Words
from efterhand.web.door.worklist import units_in_order

DOUBTS: Final = "doubts"
REFUSED: Final = "refused"
PAGE_SIZE: Final = 30
"""Entries on one page."""
LONGEST_EVENT: Final = 1500
"""Characters of what was sent that are shown."""

_ADDRESS: Final = "/datakvalitet"
_LONGEST: Final = 500


@dataclass(frozen=True)
class QualityChoice:
    """Which of the two lists is shown, its filters and its page; it is all in the address."""

    show: str = DOUBTS
    code: str | None = None
    source: str | None = None
    unit: str | None = None
    cursor: str | None = None

    @classmethod
    def of(cls, query: Mapping[str, str], lists: Iterable[str]) -> "QualityChoice":
        """Read an address's query; what it says wrongly is as if it said nothing.

        Args:
            query: of the address.
            lists: those that the reader may see, the first of them if nothing is chosen.
        """
        allowed = list(lists)
        show = query.get("show", "")
        said = {name: query.get(name, "").strip()[:_LONGEST] or None for name in ("code", "source", "unit", "cursor")}
        made = cls(show if show in allowed else allowed[0], **said)
        return made if made.show == DOUBTS else replace(made, unit=None)

    @property
    def narrowed(self) -> bool:
        """Whether a filter is chosen."""
        return any((self.code, self.source, self.unit))

    def but(self, **changes: Any) -> "QualityChoice":
        """Return the choice with something else chosen; another choice begins on its first page."""
        return replace(self, **{"cursor": None, **changes})

    def link(self, **said: str) -> str:
        """Return the address, with something said besides."""
        named = ("show", "code", "source", "unit", "cursor")
        pairs = [(name, value) for name in named if (value := getattr(self, name)) is not None]
        return f"{_ADDRESS}?{urlencode([*pairs, *said.items()])}"

    def asked(self) -> dict[str, str]:
        """Return what the list and its counts are asked for."""
        named = ("code", "source", "unit")
        return {name: value for name in named if (value := getattr(self, name)) is not None}

    def asked_page(self) -> dict[str, str]:
        """Return what a page of the list is asked for."""
        return {**self.asked(), "limit": str(PAGE_SIZE), **({"cursor": self.cursor} if self.cursor else {})}


@dataclass(frozen=True)
class QualityReplies:
    """What the services said.

    Attributes:
        listed: the chosen list.
        counts: of what is chosen of it.
        wholes: the counts of each list that the reader may see, whatever is chosen.
        status: followup's.
    """

    listed: Reply
    counts: Reply
    wholes: Mapping[str, Reply]
    status: Reply


@dataclass(frozen=True)
class Quality:
    """Puts the page together for one reader."""

    words: Words
    catalogue: Catalogue
    choice: QualityChoice
    may_resend: bool
    sent: str | None = None
    """What has just come of an entry that was sent again: `accepted`, `refused` or `failed`."""

    def context(self, replies: QualityReplies) -> dict[str, Any]:
        """Return what the template asks for."""
        listed, choice = replies.listed, self.choice
        items = listed.body["items"] if listed.answered else []
        counts = replies.counts
        counted = counts.body if counts.answered else {"all": None, "codes": [], "units": [], "sources": []}
        is_doubts = choice.show == DOUBTS
        rows = [self._doubt(each) if is_doubts else self._refused(each) for each in items]
        following = listed.body["next"] if listed.answered else None
        return {
            "missing": None if listed.answered else no_part(self.words, listed),
            "reach": reach_of_data(self.words, {"followup": replies.status, "indicators": Reply("indicators", None)}),
            "lists": self._lists(replies.wholes),
            "is_doubts": is_doubts,
            "kinds": [self._kind(each) for each in counted["codes"]],
            "filters": self._filters(counted, replies),
            "chips": self._chips(),
            "clear": QualityChoice(choice.show).link(),
            "rows": rows,
            "nothing": None if rows else self._nothing(),
            "total": counted["all"],
            "here": choice.link(),
            "pages": {
                "first": choice.but().link() if choice.cursor else None,
                "next": choice.but(cursor=following).link() if following else None,
                "size": self.words.number(PAGE_SIZE),
            },
            "sent": self._sent(),
        }

    # --- parts of it ---

    def _lists(self, wholes: Mapping[str, Reply]) -> list[dict[str, Any]]:
        names = {DOUBTS: self.words.text("Tveksamt"), REFUSED: self.words.text("Inte mottaget")}
        return [
            {
                "name": names[show],
                "link": QualityChoice(show).link(),
                "chosen": show == self.choice.show,
                "count": self.words.number(reply.body["all"]) if reply.answered else None,
            }
            for show, reply in wholes.items()
        ]

    def _advice(self, code: str) -> Advice:
        if self.choice.show == REFUSED:
            return advice_on(self.words).get(code, Advice(code, ""))
        return Advice(Sentences(self.words, self.catalogue).doubt(code), doubt_advice(self.words).get(code, ""))

    def _kind(self, counted: Mapping[str, Any]) -> dict[str, Any]:
        advice, code = self._advice(counted["code"]), counted["code"]
        return {
            "name": _begun(advice.name),
            "do": advice.do,
            "count": self.words.number(counted["count"]),
            "link": self.choice.but(code=code).link(),
            "chosen": code == self.choice.code,
        }

    def _filters(self, counted: Mapping[str, Any], replies: QualityReplies) -> dict[str, Any]:
        choice = self.choice
        sources = [each["source"] for each in counted["sources"] if each["source"]]
        known = {choice.source} if choice.source else set()
        today = replies.status.body.get("date") if replies.status.answered else None
        day = date.fromisoformat(today) if today else None
        return {
            "show": choice.show,
            "codes": [(each["code"], _begun(self._advice(each["code"]).name)) for each in counted["codes"]],
            "code": choice.code,
            "sources": sorted({*sources, *known}),
            "source": choice.source,
            "units": units_in_order(self.catalogue, day) if choice.show == DOUBTS else None,
            "unit": choice.unit,
        }

    def _chips(self) -> list[dict[str, str]]:
        choice = self.choice
        chips = []
        if choice.code:
            chips.append({"name": _begun(self._advice(choice.code).name), "link": choice.but(code=None).link()})
        if choice.unit:
            chips.append({"name": unit_name(self.catalogue, choice.unit), "link": choice.but(unit=None).link()})
        if choice.source:
            chips.append({"name": choice.source, "link": choice.but(source=None).link()})
        return chips

    def _doubt(self, item: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "name": _begun(self._advice(item["code"]).name),
            "link": f"/uppfoljningar/{item['ref']}" if item["ref"] else None,
            "case": item["case"],
            "case_link": item["link"],
            "unit": unit_name(self.catalogue, item["unit"]) if item["unit"] else None,
            "events": [f"{each['source']} {each['id']}" for each in item["events"]],
            "since": self.words.short(item["since"]) if item["since"] else None,
            "protected": item.get("protected", False),
        }

    def _refused(self, item: Mapping[str, Any]) -> dict[str, Any]:
        text, event = self.words.text, item["event"]
        said = item["text"] or ""
        if event is not None:
            said = orjson.dumps(event, option=orjson.OPT_INDENT_2).decode()
        kind = event.get("type") if isinstance(event, dict) else None
        received = datetime.fromisoformat(item["last_received"]).astimezone(STOCKHOLM)
        times = text("%(count)s gånger", count=self.words.number(item["times"])) if item["times"] > 1 else None
        return {
            "id": item["id"],
            "type": kind if isinstance(kind, str) else None,
            "event_id": item["event_id"],
            "source": item["source"],
            "reasons": [_begun(self._advice(code).name) for code in item["codes"]],
            "field": item["field"],
            "message": item["message"],
            "received": f"{self.words.short(received.date())} {received:%H:%M}",
            "times": times,
            "said": said[:LONGEST_EVENT],
            "cut": len(said) > LONGEST_EVENT,
            "may_resend": self.may_resend and item["can_be_resent"],
        }

    def _nothing(self) -> dict[str, str | None]:
        text, choice = self.words.text, self.choice
        if choice.cursor:
            told = (text("Här tar listan slut."), choice.but().link(), text("Till listans början"))
        elif choice.narrowed:
            told = (text("Inget stämmer med urvalet."), QualityChoice(choice.show).link(), text("Rensa filter"))
        elif choice.show == DOUBTS:
            return {"sentence": text("Inget är tveksamt just nu."), "link": None, "name": None}
        else:
            return {"sentence": text("Allt som har skickats är mottaget."), "link": None, "name": None}
        return dict(zip(("sentence", "link", "name"), told, strict=True))

    def _sent(self) -> dict[str, Any] | None:
        text = self.words.text
        sentences = {
            "accepted": text("Händelsen togs emot. Raden är borta ur listan."),
            "refused": text("Händelsen togs inte emot nu heller. Se varför i listan."),
            "failed": text("Händelsen kunde inte skickas. Försök igen om en stund."),
        }
        if self.sent not in sentences:
            return None
        return {"sentence": sentences[self.sent], "wrong": self.sent != "accepted"}


def doubt_advice(words: Words) -> dict[str, str]:
    """Return what to do about each kind of doubt, by code, in a sentence."""
    text = words.text
    date_of_close = text("Rätta datumet för avslutet eller inskrivningen i ärendesystemet.")
    return {
        "retraction_without_effect": text("Återta händelsen från den källa som skickade den."),
        "closure_before_enrolment": date_of_close,
        "transfer_before_enrolment": text("Rätta datumet för bytet eller inskrivningen i ärendesystemet."),
        "end_before_start": text("Rätta datumet för slutet eller starten i ärendesystemet."),
        "waits_for_enrolment": text("Skicka inskrivningen. Är numret fel: återta händelserna, och skicka dem rätt."),
        "two_open_at_one_unit": text("Avsluta det ärende som inte gäller längre, eller återta den ena inskrivningen."),
        "disagreement": text("Rätta den inskrivning som är fel i ärendesystemet."),
        "case_of_two_persons": text("Ta reda på vems ärendet är, och ge det andra ett eget nummer."),
    }


def _begun(name: str) -> str:
    return name[:1].upper() + name[1:]
