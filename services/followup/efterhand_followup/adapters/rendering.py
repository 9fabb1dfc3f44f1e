"""Messages in words: the mail, the chat message, the webhook's body, the calendar."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import orjson
from icalendar import Calendar, Event
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from efterhand.catalogue import Catalogue
from efterhand.web.door.words import Words, load_words
from efterhand_followup.domain.channels import Audience, Channel
from efterhand_followup.domain.message import CATCH_UP, MISSED, OVERDUE, REGISTER, TODO, CalendarDay, Line, Message

HERE: Final = Path(__file__).parents[1]
LOCALE: Final = HERE / "locale"
DOMAIN: Final = "channels"
SETTINGS_PATH: Final = "/installningar/aviseringar"
WEBHOOK_TYPE: Final = "notices.digest"


@dataclass(frozen=True)
class Mail:
    """What a mail says, in two forms that say the same."""

    subject: str
    text: str
    html: str


class Rendering:
    """Says messages in the language of their channel."""

    def __init__(self, catalogue: Catalogue, base: str) -> None:
        """Read texts and templates.

        Args:
            catalogue: names units and protocols.
            base: address of the door, without a slash at its end.

        Raises:
            ValueError: a catalogue of texts cannot be read.
        """
        self._catalogue = catalogue
        self._base = base
        self._words = load_words(LOCALE, DOMAIN)
        self._templates = {language: _environment(words) for language, words in self._words.items()}

    def mail(self, to: Channel, message: Message) -> Mail:
        """Return a digest as a mail."""
        words = self._words[to.language]
        day = words.day(message.day)
        subject = words.text(
            "Att följa upp %(day)s: nya %(new)s, öppna %(open)s",
            day=day,
            new=words.number(message.new),
            open=words.number(message.open),
        )
        context = {**self._context(to, message), "subject": subject}
        return Mail(subject, self._render(to, "digest.txt", context), self._render(to, "digest.html", context))

    def test_mail(self, to: Channel) -> Mail:
        """Return a mail that only shows that mails arrive."""
        words = self._words[to.language]
        subject = words.text("Prov från efterhand")
        context = {"subject": subject, "whom": self._whom(to), "settings": self._base + SETTINGS_PATH}
        return Mail(subject, self._render(to, "test.txt", context), self._render(to, "test.html", context))

    def chat(self, to: Channel, message: Message) -> tuple[str, str]:
        """Return a digest as a chat message: title and text."""
        context = self._context(to, message)
        title = self._words[to.language].text("Att följa upp %(day)s", day=context["day"])
        return title, self._render(to, "chat.txt", context)

    def test_chat(self, to: Channel) -> tuple[str, str]:
        """Return a chat message that only shows that messages arrive."""
        mail = self.test_mail(to)
        return mail.subject, mail.text

    def webhook(self, message: Message) -> bytes:
        """Return a digest as the JSON text of a webhook."""
        kinds = [
            {
                "group": line.group,
                "protocol": line.protocol,
                "new": len(line.links),
                "notices": [{"id": link.id, "link": link.address} for link in line.links],
            }
            for line in message.lines
        ]
        data = {
            "channel": message.channel,
            "day": message.day,
            "new": message.new,
            "open": message.open,
            "list": message.list,
            "kinds": kinds,
        }
        return orjson.dumps({"type": WEBHOOK_TYPE, "timestamp": _noon(message.day), "data": data})

    def test_webhook(self, to: Channel, now: datetime) -> bytes:
        """Return the body of a webhook that only shows that it arrives."""
        return orjson.dumps({"type": "notices.test", "timestamp": now, "data": {"channel": to.id}})

    def calendar(self, to: Channel, days: Sequence[CalendarDay], now: datetime) -> bytes:
        """Return days with their counts and links as iCalendar (RFC 5545)."""
        words = self._words[to.language]
        calendar = Calendar()
        calendar.add("prodid", "-//efterhand//aviseringar//SV")
        calendar.add("version", "2.0")
        calendar.add("method", "PUBLISH")
        calendar.add("x-wr-calname", words.text("Att följa upp: %(whom)s", whom=self._whom(to)))
        calendar.add("refresh-interval", timedelta(hours=1), parameters={"value": "DURATION"})
        for each in days:
            calendar.add_component(self._event(to, each, now))
        said: bytes = calendar.to_ical()
        return said

    def _event(self, to: Channel, on: CalendarDay, now: datetime) -> Event:
        words = self._words[to.language]
        count = sum(len(line.links) for line in on.lines)
        said = words.text("Ska vara gjorda: %(count)s", count=count)
        if not on.ahead:
            said = words.text("Att följa upp: %(count)s", count=count)
        event = Event()
        event.add("uid", f"{to.id}-{'due' if on.ahead else 'open'}-{on.day:%Y%m%d}@efterhand")
        event.add("dtstamp", now)
        event.add("dtstart", on.day)
        event.add("summary", said)
        event.add("transp", "TRANSPARENT")
        context = {"lines": self._lines(words, on.lines)}
        event.add("description", self._render(to, "calendar.txt", context).strip())
        return event

    def _context(self, to: Channel, message: Message) -> dict[str, Any]:
        words = self._words[to.language]
        return {
            "id": message.id,
            "day": words.day(message.day),
            "whom": self._whom(to),
            "new": message.new,
            "open": message.open,
            "lines": self._lines(words, message.lines),
            "list": message.list,
            "settings": self._base + SETTINGS_PATH,
        }

    def _lines(self, words: Words, lines: Sequence[Line]) -> list[dict[str, Any]]:
        text = words.text
        groups = {
            MISSED: text("Missad"),
            OVERDUE: text("Förfallen"),
            TODO: text("Att göra"),
            CATCH_UP: text("Sent inkommet, listat för enheten"),
            REGISTER: text("Registrets månadslista"),
        }
        told = []
        for line in lines:
            protocol = self._catalogue.protocols.get(line.protocol or "")
            name = line.protocol if protocol is None else words.name(protocol)
            said = groups[line.group] if name is None else f"{groups[line.group]}, {name[:1].lower()}{name[1:]}"
            told.append({"name": said, "count": len(line.links), "links": [link.address for link in line.links]})
        return told

    def _whom(self, to: Channel) -> str:
        text = self._words[to.language].text
        if to.audience is Audience.WORKER:
            return text("dina ärenden")
        if to.audience is Audience.REGISTER:
            return text("registrets månadslistor")
        unit = self._catalogue.units.units.get(to.unit or "")
        name = to.unit if unit is None else unit.name
        if to.audience is Audience.MANAGER:
            return text("%(unit)s, till chefen", unit=name)
        return text("%(unit)s, till handläggarna", unit=name)

    def _render(self, to: Channel, template: str, context: dict[str, Any]) -> str:
        return self._templates[to.language].get_template(template).render(context)


def _environment(words: Words) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=select_autoescape(["html"], default=False),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.install_gettext_translations(words.translations, newstyle=True)  # type: ignore[attr-defined]
    environment.globals.update(language=words.language, number=words.number)
    return environment


def _noon(day: date) -> datetime:
    """Return a moment of the day that stays the same however often its digest is sent."""
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
