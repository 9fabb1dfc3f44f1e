"""How checks and what happened in a case are said: what is asked, why, in which state, by which event."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from efterhand.catalogue import Catalogue
from efterhand.web.door.front import unit_name
from efterhand.web.door.words import Words


@dataclass(frozen=True)
class Sentences:
    """Says things in one language; names come from the catalogue."""

    words: Words
    catalogue: Catalogue

    # --- checks ---

    def asked(self, check: Mapping[str, Any]) -> str:
        """Return what is to be done, beginning with a verb."""
        text = self.words.text
        protocol = self.catalogue.protocols.get(check["protocol"])
        name = check["protocol"] if protocol is None else self.words.name(protocol)
        name = name[:1].lower() + name[1:]
        if check["takes_answer"]:
            return text("Fråga om %(what)s", what=name)
        if check["asks_register"]:
            return text("Invänta uppgift: %(what)s", what=name)
        if protocol is not None and protocol.subject_fact == "case":
            return text("Ordna %(what)s", what=name)
        return text("Följ upp: %(what)s", what=name)

    def why(self, check: Mapping[str, Any]) -> str:
        """Return why a check is there: the fact that it follows, and the rule."""
        text, why = self.words.text, check["why"]
        protocol = self.catalogue.protocols.get(why["rule"])
        said = {
            "day": self.words.day(why["day"]),
            "rule": why["rule"] if protocol is None else self.words.name(protocol),
        }
        if why["anchor"] == "closed_on":
            return text("Visas för att ärendet avslutades %(day)s. Regel: %(rule)s.", **said)
        if why["anchor"] == "enrolled_on":
            return text("Visas för att inskrivningen gjordes %(day)s. Regel: %(rule)s.", **said)
        if why["anchor"] == "started_on":
            return text("Visas för att insatsen började %(day)s. Regel: %(rule)s.", **said)
        return text("Visas för att insatsen avslutades %(day)s. Regel: %(rule)s.", **said)

    def groups(self) -> dict[str, str]:
        """Return the four words for where a check stands."""
        text = self.words.text
        return {
            "overdue": text("Förfallen"),
            "todo": text("Att göra"),
            "waiting": text("Väntar på svar"),
            "done": text("Klar"),
        }

    def state(self, check: Mapping[str, Any]) -> str:
        """Return the state of a check that is on nobody's list, or what settled it."""
        text = self.words.text
        occupation = self.occupations().get(check["occupation"] or "")
        if check["state"] == "answered" and occupation:
            return text("Besvarad: %(answer)s", answer=occupation)
        if check["state"] == "answered":
            return text("Ville inte svara") if check["response"] == "declined" else text("Besvarad")
        states = {
            "scheduled": text("Planerad"),
            "upcoming": text("Att göra"),
            "due": text("Att göra"),
            "overdue": text("Förfallen"),
            "met": text("Gjord för sent") if check["late"] else text("Gjord"),
            "missed": text("Missad"),
            "expired": text("Inget svar i tid"),
            "cancelled": text("Gäller inte längre"),
        }
        return states[check["state"]]

    def outcome(self, check: Mapping[str, Any]) -> str:
        """Return the state of a check, and why it was missed where it was."""
        why = check["missed_why"]
        return self.state(check) if why is None else f"{self.state(check)}. {self.why_missed(check['state'], why)}."

    def why_missed(self, state: str, why: str) -> str:
        """Return why a check was missed, or expired."""
        text = self.words.text
        missed = {
            "too_late": text("Gjordes, men för sent"),
            "closed_first": text("Ärendet avslutades innan"),
            "tried": text("Försökt, men inte gjort"),
            "nothing": text("Inget gjordes"),
        }
        expired = {
            "too_late": text("Svaret kom för sent"),
            "tried": text("Försökt nå, men inget svar"),
            "no_report": text("Registret har inte lämnat besked"),
            "nothing": text("Inget försök att nå personen är noterat"),
        }
        return (expired if state == "expired" else missed).get(why, why)

    def late(self) -> dict[str, str]:
        """Return for how long something has been overdue, by code."""
        text = self.words.text
        return {"week": text("1–7 dagar"), "month": text("8–30 dagar"), "longer": text("över 30 dagar")}

    def missed(self) -> dict[str, str]:
        """Return since when something was missed, by code."""
        text = self.words.text
        return {"month": text("den här månaden"), "year": text("de senaste 12 månaderna")}

    def protocol(self, protocol_id: str) -> str:
        """Return what a protocol is called; its id where the catalogue lacks it."""
        protocol = self.catalogue.protocols.get(protocol_id)
        return protocol_id if protocol is None else self.words.name(protocol)

    def waits(self, check: Mapping[str, Any]) -> str | None:
        """Return what a check waits for, and what has been tried."""
        text, day = self.words.text, self.words.day
        told = []
        if check["postponed_until"]:
            told.append(text("Uppskjuten till %(day)s.", day=day(check["postponed_until"])))
        elif check["asks_register"] and check["open"]:
            told.append(text("Väntar på registret."))
        if check["tried"]:
            last = check["tried"][-1]
            said = {"how": self.ways()[last["how"]], "day": day(last["on"]), "count": len(check["tried"])}
            if len(check["tried"]) == 1:
                told.append(text("Försökt nå %(day)s: %(how)s.", **said))
            else:
                told.append(text("Försökt nå %(count)s gånger, senast %(day)s: %(how)s.", **said))
        return " ".join(told) or None

    def occupations(self) -> dict[str, str]:
        """Return the names of occupations, by code."""
        text = self.words.text
        return {
            "work": text("Arbete"),
            "studies": text("Studier"),
            "self_employment": text("Eget företag"),
            "unemployed": text("Arbetslös"),
            "other": text("Annat"),
        }

    def ways(self) -> dict[str, str]:
        """Return the ways of trying to reach somebody, by code."""
        text = self.words.text
        return {"phone": text("telefon"), "sms": text("sms"), "letter": text("brev"), "other": text("annat sätt")}

    def act(self, act: Mapping[str, Any]) -> str:
        """Return what somebody has done with a check."""
        text, said = self.words.text, act["said"]
        if act["kind"] == "answer":
            answer = self.occupations().get(said.get("occupation", ""), text("vill inte svara"))
            return text("Svar: %(answer)s", answer=answer)
        if act["kind"] == "attempt":
            return text("Försökt nå: %(how)s", how=self.ways().get(said.get("how", ""), ""))
        if act["kind"] == "postpone":
            return text("Uppskjuten till %(day)s", day=self.words.weekday(said["until"]))
        return text("Tog tillbaka det som var gjort")

    # --- events ---

    def event(self, event: Mapping[str, Any]) -> str:
        """Return what an event says."""
        text, data = self.words.text, event["data"]
        kind: str = event["type"]
        if kind == "case.transferred":
            return self._transfer(data)
        if kind in ("followup.attempted", "followup.answered"):
            return self._reply(kind, data)
        if kind == "assistance.reported":
            receives, month = data["receives"], self.words.month(f"{data['month']}-01")
            if receives:
                return text("Registret: ekonomiskt bistånd i %(month)s", month=month)
            return text("Registret: inget ekonomiskt bistånd i %(month)s", month=month)
        if kind == "consent.changed":
            return text("Samtycke till kontakt") if data["contact"] else text("Samtycke till kontakt drogs tillbaka")
        if kind == "person.protected":
            return text("Skyddade uppgifter") if data["protected"] else text("Inte längre skyddade uppgifter")
        said = {
            "unit": unit_name(self.catalogue, data.get("unit", "")),
            "worker": data.get("worker", ""),
            "reason": self._code("reasons", data.get("reason")),
            "offer": self._code("offer_kinds", data.get("kind")),
            "measure": self._code("measure_kinds", data.get("kind")),
            "result": self._code("results", data.get("result")),
        }
        sentences = {
            "case.enrolled": text("Inskriven på %(unit)s", **said),
            "case.assigned": text("Handläggare: %(worker)s", **said),
            "case.closed": text("Avslutad: %(reason)s", **said),
            "plan.set": text("Jobbplan"),
            "guidance.held": text("Studie- och yrkesvägledning"),
            "offer.made": text("Erbjudande: %(offer)s", **said),
            "measure.started": text("Insats började: %(measure)s", **said),
            "measure.ended": text("Insats avslutades: %(result)s", **said)
            if data.get("result")
            else text("Insats avslutades"),
        }
        return sentences.get(kind, kind)

    def _transfer(self, data: Mapping[str, Any]) -> str:
        text = self.words.text
        told = []
        if "unit" in data:
            told.append(text("Flyttad till %(unit)s", unit=unit_name(self.catalogue, data["unit"])))
        if "target_group" in data:
            told.append(text("Ny målgrupp: %(group)s", group=self._code("target_groups", data["target_group"])))
        return ". ".join(told)

    def _reply(self, kind: str, data: Mapping[str, Any]) -> str:
        protocol = self.catalogue.protocols.get(data["check"])
        rule = data["check"] if protocol is None else self.words.name(protocol)
        text = self.words.text
        if kind == "followup.attempted":
            return text("Försökt nå: %(how)s. %(rule)s.", how=self.ways()[data["how"]], rule=rule)
        answer = self.occupations().get(data.get("occupation", ""), text("vill inte svara"))
        return text("Svar: %(answer)s. %(rule)s.", answer=answer, rule=rule)

    def _code(self, codelist: str, code: str | None) -> str:
        """Return what a code is called: the installation says it in Swedish."""
        return "" if code is None else self.catalogue.codelists.get(codelist, {}).get(code, code)

    def doubt(self, code: str) -> str:
        """Return what is doubtful about an event, in a word or two."""
        text = self.words.text
        doubts = {
            "retraction_without_effect": text("återtagning utan verkan"),
            "closure_before_enrolment": text("avslut före inskrivningen, räknas inte"),
            "transfer_before_enrolment": text("byte före inskrivningen, räknas inte"),
            "end_before_start": text("slut före starten, räknas inte"),
            "waits_for_enrolment": text("väntar på inskrivningen"),
            "two_open_at_one_unit": text("två öppna ärenden på samma enhet"),
            "disagreement": text("inskrivningarna anger olika kön eller födelseår"),
            "case_of_two_persons": text("två personer har ärenden med samma nummer"),
        }
        return doubts.get(code, code)

    def recipient(self, to: str) -> str:
        """Return whom a notice is for."""
        text = self.words.text
        kind, _, name = to.partition(":")
        if kind == "worker":
            return text("handläggaren (%(worker)s)", worker=name)
        if kind == "manager":
            return text("chefen för %(unit)s", unit=unit_name(self.catalogue, name))
        return unit_name(self.catalogue, name)
