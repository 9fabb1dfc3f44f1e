"""What the page of a check shows, made from followup's story of its case: no I/O, texts in the reader's language."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from efterhand.catalogue import Catalogue
from efterhand.web.door.answers import DECLINED, Failure
from efterhand.web.door.choice import OPEN_GROUPS, Choice
from efterhand.web.door.front import unit_name
from efterhand.web.door.sentences import Sentences
from efterhand.web.door.words import Words
from efterhand.web.door.worklist import saved_words


@dataclass(frozen=True)
class CheckPage:
    """Puts the page together for one reader.

    Attributes:
        choice: of the list that the reader came from.
        saved: what has just been saved: `answer`, `attempt`, `postpone` or `undo`.
        nothing_next: the reader asked for the next check, and there is none.
    """

    words: Words
    catalogue: Catalogue
    choice: Choice
    may_act: bool
    saved: str | None = None
    nothing_next: bool = False
    failure: Failure | None = None

    def context(self, story: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the template asks for."""
        says, check = Sentences(self.words, self.catalogue), story["check"]
        group = check["group"]
        today = date.fromisoformat(story["on"])
        answered = any(act["kind"] == "answer" and act["pending"] and not act["undone"] for act in check["acts"])
        may_act = self.may_act and check["open"] and not answered
        return {
            "ref": check["ref"],
            "asked": says.asked(check),
            "why": says.why(check),
            "waits": says.waits(check),
            "group": group,
            "tag_word": says.groups()[group] if group in OPEN_GROUPS else None,
            "state": says.outcome(check),
            "pending": saved_words(self.words, check["acts"]),
            "case": check["case"],
            "case_link": check["link"],
            "facts": self._facts(check, today),
            "protected": check.get("protected", False),
            "list": self.choice.link(),
            "here": self.choice.query(),
            "key": uuid.uuid4().hex,
            "answers": self._answers(),
            "asks_field": check["protocol"] in fields_asked(self.catalogue),
            "ways": list(says.ways().items()),
            "may_answer": may_act and check["takes_answer"],
            "may_act": may_act,
            "latest": self._latest(story, today),
            "given": self._given(today, story),
            "errors": self._errors(),
            "failure": self.failure,
            "saved": self._saved(check),
            "acts": [self._act(says, act) for act in reversed(check["acts"])],
            "events": [self._event(says, event) for event in reversed(story["events"])],
            "expected": [self._expected(says, each) for each in [check, *story["checks"]] if not _settled(each)],
            "settled": [self._expected(says, each) for each in [check, *story["checks"]] if _settled(each)],
            "notices": self._notices(says, story),
        }

    def _facts(self, check: Mapping[str, Any], today: date) -> list[dict[str, Any]]:
        text, words = self.words.text, self.words
        due = date.fromisoformat(check["due"])
        late = (today - due).days if check["state"] == "overdue" else None
        facts: list[dict[str, Any]] = [
            {
                "name": text("Skulle ha gjorts") if late else text("Ska göras"),
                "value": words.weekday(due),
                "more": text("%(count)s dagar sedan", count=words.number(late)) if late and late > 1 else None,
            }
        ]
        if check["gives_up_on"] and check["open"]:
            last = date.fromisoformat(check["gives_up_on"]) - timedelta(days=1)
            facts.append({"name": text("Går att göra till och med"), "value": words.day(last), "more": None})
        facts.append({"name": text("Enhet"), "value": unit_name(self.catalogue, check["unit"]), "more": None})
        if check["worker"]:
            facts.append({"name": text("Handläggare"), "value": check["worker"], "more": None})
        return facts

    def _answers(self) -> list[dict[str, str]]:
        names = Sentences(self.words, self.catalogue).occupations()
        answers = {**names, DECLINED: self.words.text("Vill inte svara")}
        return [
            {"code": code, "name": name, "press": str(number)} for number, (code, name) in enumerate(answers.items(), 1)
        ]

    def _latest(self, story: Mapping[str, Any], today: date) -> str | None:
        """Return the last day to which the check can be put off; None: it cannot be put off any more."""
        latest = date.fromisoformat(story["postpone_until"])
        return self.words.day(latest) if latest > today else None

    def _given(self, today: date, story: Mapping[str, Any]) -> dict[str, str]:
        latest = date.fromisoformat(story["postpone_until"])
        first = {
            "answer": "",
            "on": str(today),
            "same_field": "",
            "how": "phone",
            "tried_on": str(today),
            "until": str(min(today + timedelta(days=7), latest)),
        }
        return {**first, **(self.failure.given if self.failure else {})}

    def _errors(self) -> dict[str, str | None]:
        names = ("answer", "on", "how", "tried_on", "until")
        return {name: self.failure.of(name) if self.failure else None for name in names}

    def _saved(self, check: Mapping[str, Any]) -> dict[str, Any] | None:
        text = self.words.text
        sentences = {
            "answer": text("Svaret är sparat."),
            "attempt": text("Försöket är noterat."),
            "postpone": text("Uppföljningen är uppskjuten."),
            "undo": text("Det är tillbakataget."),
        }
        if self.saved not in sentences:
            return None
        pending = saved_words(self.words, check["acts"])
        more = [text("Det räknas in, oftast inom någon sekund.")] if pending else []
        if self.nothing_next:
            more.append(text("Det finns ingen fler i listan."))
        return {"sentence": f"{pending}." if pending else sentences[self.saved], "more": " ".join(more)}

    def _act(self, says: Sentences, act: Mapping[str, Any]) -> dict[str, Any]:
        text = self.words.text
        return {
            "key": act["key"],
            "sentence": says.act(act),
            "day": self.words.day(act["on"]),
            "whose": text("du") if act["mine"] else text("en kollega"),
            "pending": act["pending"],
            "undone": act["undone"],
            "can_undo": self.may_act and act["mine"] and not act["undone"] and act["kind"] != "undo",
        }

    def _event(self, says: Sentences, event: Mapping[str, Any]) -> dict[str, Any]:
        text = self.words.text
        marks = []
        if event["retracted_on"]:
            marks.append(text("återtagen %(day)s", day=self.words.day(event["retracted_on"])))
        if event["corrected"]:
            marks.append(text("rättad av en senare uppgift"))
        elif event["corrects"]:
            marks.append(text("rättar en tidigare uppgift"))
        is_month = "month" in event["data"]
        return {
            "day": self.words.month(event["on"]) if is_month else self.words.short(event["on"]),
            "sentence": says.event(event),
            "marks": [mark[:1].upper() + mark[1:] for mark in marks],
            "doubts": [says.doubt(code) for code in event["doubts"]],
            "gone": bool(event["retracted_on"] or event["corrected"]),
        }

    def _expected(self, says: Sentences, check: Mapping[str, Any]) -> dict[str, Any]:
        query = self.choice.query()
        address = f"/uppfoljningar/{check['ref']}"
        return {
            "asked": says.asked(check),
            "link": f"{address}?{query}" if query else address,
            "due": self.words.short(check["due"]),
            "state": says.state(check),
            "overdue": check["state"] == "overdue",
        }

    def _notices(self, says: Sentences, story: Mapping[str, Any]) -> list[dict[str, Any]]:
        text = self.words.text
        asked = {each["id"]: says.asked(each) for each in [story["check"], *story["checks"]]}
        return [
            {
                "day": self.words.short(each["send_on"]),
                "to": says.recipient(each["to"]),
                "asked": asked[each["check"]],
                "ended": text("till och med %(day)s", day=self.words.day(each["withdrawn_on"]))
                if each["withdrawn_on"]
                else text("gäller än"),
            }
            for each in reversed(story["notices"])
            if each["check"] in asked
        ]


def _settled(check: Mapping[str, Any]) -> bool:
    return not check["open"] and check["state"] != "scheduled"


def fields_asked(catalogue: Catalogue) -> frozenset[str]:
    """Return the protocols about measures: their answers can say whether the occupation is in the measure's field."""
    return frozenset(each.id for each in catalogue.protocols.values() if each.subject_fact == "measure")
