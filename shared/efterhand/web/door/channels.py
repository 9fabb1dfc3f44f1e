"""What the page of channels shows, made from followup's replies: no I/O, every text in the reader's language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from efterhand.catalogue import Catalogue
from efterhand.dates import STOCKHOLM
from efterhand.web.door.answers import Failure
from efterhand.web.door.front import unit_name
from efterhand.web.door.reading import Reply
from efterhand.web.door.replies import no_part
from efterhand.web.door.words import LANGUAGES, Words

KINDS: Final = ("email", "calendar", "chat", "webhook")
DONE: Final = ("added", "sent", "again", "removed")
"""What an address says has just been done."""


@dataclass(frozen=True)
class NewSecret:
    """What is shown once: a calendar's address, or a webhook's key."""

    kind: str
    value: str


@dataclass(frozen=True)
class ChannelsPage:
    """Puts the page together for one reader."""

    words: Words
    catalogue: Catalogue
    done: str | None = None
    secret: NewSecret | None = None
    failure: Failure | None = None
    given: Mapping[str, str] = field(default_factory=dict)

    def context(self, listed: Reply) -> dict[str, Any]:
        """Return what the template asks for."""
        known = {"done": self._done(), "secret": self._secret(), "failure": self.failure}
        if not listed.answered:
            return {**known, "missing": no_part(self.words, listed), "channels": [], "form": None}
        may_set = listed.body["may_set"]
        return {
            **known,
            "missing": None,
            "channels": [self._channel(each) for each in listed.body["items"]],
            "form": self._form(may_set),
        }

    def _channel(self, channel: Mapping[str, Any]) -> dict[str, Any]:
        kind, text = channel["kind"], self.words.text
        renew = {"calendar": text("Ny adress"), "webhook": text("Ny nyckel")}
        return {
            "id": channel["id"],
            "name": self.kinds()[kind],
            "target": channel["target"],
            "whom": self.whom(channel["audience"], channel["unit"], channel["staff"]),
            "facts": self._facts(channel),
            "wrong": self._wrong(channel),
            "may_test": kind != "calendar",
            "may_retry": bool(channel["failed"] or channel["failing_since"]),
            "renew": renew.get(kind),
        }

    def _facts(self, channel: Mapping[str, Any]) -> list[str]:
        text = self.words.text
        if channel["kind"] == "calendar":
            if channel["read_at"] is None:
                return [text("Har inte hämtats än")]
            return [text("Hämtades senast %(when)s", when=self._moment(channel["read_at"]))]
        if channel["delivered_at"] is None:
            told = [text("Inget har skickats än")]
        else:
            told = [text("Skickades senast %(when)s", when=self._moment(channel["delivered_at"]))]
        if channel["waiting"] and not channel["failing_since"]:
            told.append(text("Väntar på att skickas: %(count)s", count=channel["waiting"]))
        return told

    def _wrong(self, channel: Mapping[str, Any]) -> list[str]:
        text, told = self.words.text, []
        why = self._reason(channel["reason"])
        if channel["failing_since"]:
            since = self._moment(channel["failing_since"])
            count = channel["waiting"]
            told.append(
                text("Går inte fram sedan %(since)s: %(why)s. Väntar: %(count)s.", since=since, why=why, count=count)
            )
        if channel["failed"]:
            told.append(
                text(
                    "Gick inte fram och försöks inte mer: %(count)s. Orsak: %(why)s.", count=channel["failed"], why=why
                )
            )
        return told

    def _reason(self, reason: str | None) -> str:
        text = self.words.text
        code, _, number = (reason or "").partition(" ")
        if code == "refused":
            return (
                text("mottagaren tar inte emot (%(number)s)", number=number)
                if number
                else text("mottagaren tar inte emot")
            )
        known = {
            "no_answer": text("mottagaren svarar inte"),
            "not_allowed": text("adressen är inte tillåten längre"),
            "not_set_up": text("e-post är inte inställd"),
        }
        return known.get(code, text("okänd orsak"))

    def failure_of(self, reply: Reply) -> tuple[str, str | None]:
        """Return why followup took nothing, and the field it is about."""
        text = self.words.text
        body = reply.body or {}
        if reply.missing and body.get("code") != "not_delivered":
            return text("Det kunde inte sparas just nu. Försök igen om en stund."), None
        not_allowed = text("Dit får inget skickas. Fråga driften vilka adresser som är tillåtna.")
        known = {
            "target_not_allowed": (not_allowed, "target"),
            "wrong_target": (text("Skriv en adress, högst 500 tecken. En kalender har ingen."), "target"),
            "channel_exists": (text("Den finns redan. En kalender kan få en ny adress i listan."), None),
            "too_many": (text("Det finns för många. Ta bort någon först."), None),
            "not_yours": (text("Du har inte rätt att ställa in den."), "whom"),
            "not_delivered": (text("Provet gick inte fram: %(why)s.", why=self._reason(body.get("reason"))), None),
        }
        found = known.get(str(body.get("code")))
        return found or (text("Det togs inte emot: %(reason)s", reason=body.get("detail") or reply.status), None)

    def _form(self, may_set: Mapping[str, Any]) -> dict[str, Any] | None:
        text = self.words.text
        every = self.catalogue.units.units
        units = sorted(
            every if may_set["units"] is None else may_set["units"], key=lambda unit: unit_name(self.catalogue, unit)
        )
        own = [{"value": "worker", "name": text("Mina ärenden")}] if may_set["staff"] else []
        register = [{"value": "register", "name": text("Registrets månadslistor")}] if may_set["register"] else []
        groups = [
            {"name": text("Handläggarna i enheten och under den"), "choices": self._units("unit", units)},
            {"name": text("Chefen för enheten och under den"), "choices": self._units("manager", units)},
        ]
        if not own and not register and not units:
            return None
        return {
            "kinds": [{"code": kind, "name": self.kinds()[kind], "hint": self._hint(kind)} for kind in KINDS],
            "own": [*own, *register],
            "groups": groups if units else [],
            "languages": [{"code": "sv", "name": "Svenska"}, {"code": "en", "name": "English"}],
            "given": {"kind": "", "whom": "", "target": "", "language": self.words.language, **self.given},
        }

    def _units(self, audience: str, units: Sequence[str]) -> list[dict[str, str]]:
        return [{"value": f"{audience}:{unit}", "name": unit_name(self.catalogue, unit)} for unit in units]

    def kinds(self) -> dict[str, str]:
        """Return what each kind of channel is called."""
        text = self.words.text
        return {
            "email": text("E-post"),
            "calendar": text("Kalender"),
            "chat": text("Chatt"),
            "webhook": text("Webhook"),
        }

    def _hint(self, kind: str) -> str:
        text = self.words.text
        return {
            "email": text("En sammanställning varje arbetsdag som det finns något nytt."),
            "calendar": text("En adress att prenumerera på i kalendern. Lämna adressfältet tomt."),
            "chat": text("En rad i en chattkanal. Adressen får du av den som sköter chatten."),
            "webhook": text("För program: ett signerat anrop."),
        }[kind]

    def whom(self, audience: str, unit: str | None, staff: str | None) -> str:
        """Return whom a channel is for."""
        text = self.words.text
        if audience == "worker":
            return text("Handläggare %(staff)s", staff=staff)
        if audience == "register":
            return text("Registrets månadslistor")
        name = unit_name(self.catalogue, unit or "")
        if audience == "manager":
            return text("%(unit)s: chefen", unit=name)
        return text("%(unit)s: handläggarna", unit=name)

    def _done(self) -> str | None:
        text = self.words.text
        return {
            "added": text("Kanalen är tillagd."),
            "sent": text("Provet är skickat."),
            "again": text("Det som inte gick fram skickas igen."),
            "removed": text("Kanalen är borttagen."),
        }.get(self.done or "")

    def _secret(self) -> dict[str, str] | None:
        text = self.words.text
        if self.secret is None:
            return None
        if self.secret.kind == "calendar":
            sentence = text(
                "Kopiera kalenderns adress nu: den visas bara här. Den som har adressen kan läsa kalendern."
            )
            name = text("Kalenderns adress")
        else:
            sentence = text("Kopiera nyckeln nu: den visas bara här. Med den kontrolleras att anropen är våra.")
            name = text("Webhookens nyckel")
        return {"sentence": sentence, "name": name, "value": self.secret.value}

    def _moment(self, instant: str) -> str:
        local = datetime.fromisoformat(instant).astimezone(STOCKHOLM)
        return f"{self.words.day(local.date())} {local:%H:%M}"


def body_of(given: Mapping[str, str]) -> dict[str, Any]:
    """Return the form of a new channel as followup takes it."""
    audience, _, unit = given["whom"].partition(":")
    language = given["language"] if given["language"] in LANGUAGES else LANGUAGES[0]
    body = {"kind": given["kind"], "audience": audience, "target": given["target"], "language": language}
    return {**body, "unit": unit} if unit else body
