"""What is doubtful about one person, as rows; and what each kind of doubt means and asks for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from efterhand.timeline.doubts import CASE_OF_TWO, DISAGREEMENT, TWO_OPEN, WAITS, doubtful_of
from efterhand.timeline.events import EventRef
from efterhand.timeline.facts import Facts
from efterhand_followup.domain.standing import Row, Standing


def doubt_rows(standing: Standing) -> list[Row]:
    """Return the rows of the table `doubt`: what is doubtful on this day, and what will be on another."""
    facts, day = standing.facts, standing.day
    return [
        {
            "person": standing.person,
            "id": " ".join([each.code, each.about, *([] if each.from_on is None else [each.from_on.isoformat()])]),
            "code": each.code,
            "about": each.about,
            "case_id": each.case_id,
            "unit": _unit_on(facts, each.case_id, day),
            "events": _as_json(each.events),
            "from_on": each.from_on,
            "until_on": each.until_on,
            "protected": standing.protected,
        }
        for each in doubtful_of(facts)
    ]


def case_rows(standing: Standing) -> list[Row]:
    """Return the rows of the table `person_case`: the person's enrolled cases."""
    return [
        {
            "person": standing.person,
            "case_id": case.values["case_id"],
            "unit": _unit_on(standing.facts, case.values["case_id"], standing.day),
            "events": _as_json([case.origin.event]),
            "protected": standing.protected,
        }
        for case in standing.facts.of("case")
    ]


def _unit_on(facts: Facts, case_id: str | None, day: date) -> str | None:
    return None if case_id is None else facts.unit_on(case_id, day)


def _as_json(events: Iterable[EventRef]) -> list[dict[str, str]]:
    return [{"source": source, "id": event_id} for source, event_id in events]


@dataclass(frozen=True, slots=True)
class Advice:
    """What an entry means, and what to do about it, in one language."""

    means: str
    do: str


ADVICE: Final[Mapping[str, Mapping[str, Advice]]] = {
    "retraction_without_effect": {
        "sv": Advice(
            "En återtagning pekar på en händelse från en annan källa, eller på en återtagning eller radering. "
            "Den har ingen verkan.",
            "Återta händelsen från den källa som skickade den. Det som en återtagning har tagit bort kommer tillbaka "
            "först som en ny händelse.",
        ),
        "en": Advice(
            "A retraction points at an event of another source, or at a retraction or an erasure. It has no effect.",
            "Retract the event from the source that sent it. What a retraction has taken away comes back only as a "
            "new event.",
        ),
    },
    "closure_before_enrolment": {
        "sv": Advice(
            "Avslutet är daterat före inskrivningen. Det räknas inte: ärendet är öppet.",
            "Rätta datumet för avslutet eller inskrivningen i ärendesystemet, som då skickar en ny händelse.",
        ),
        "en": Advice(
            "The closure is dated before the enrolment. It is ignored: the case is open.",
            "Correct the date of the closure or the enrolment in the case system, which then sends a new event.",
        ),
    },
    "transfer_before_enrolment": {
        "sv": Advice(
            "Bytet av enhet eller målgrupp är daterat före inskrivningen. Det räknas inte.",
            "Rätta datumet för bytet eller inskrivningen i ärendesystemet, som då skickar en ny händelse.",
        ),
        "en": Advice(
            "The change of unit or target group is dated before the enrolment. It is ignored.",
            "Correct the date of the change or the enrolment in the case system, which then sends a new event.",
        ),
    },
    "end_before_start": {
        "sv": Advice(
            "Insatsens slut är daterat före dess start. Det räknas inte: insatsen pågår, högst till ärendets avslut.",
            "Rätta datumet för slutet eller starten i ärendesystemet, som då skickar en ny händelse.",
        ),
        "en": Advice(
            "The end of the measure is dated before its start. It is ignored: the measure goes on, to the closure of "
            "its case at most.",
            "Correct the date of the end or the start in the case system, which then sends a new event.",
        ),
    },
    WAITS: {
        "sv": Advice(
            "Något om ärendet kom för 30 dagar sedan eller mer, men ingen inskrivning. Inget om ärendet räknas.",
            "Skicka inskrivningen. Är ärendets nummer fel: återta händelserna och skicka dem med rätt nummer.",
        ),
        "en": Advice(
            "Something about the case came 30 days ago or more, but no enrolment. Nothing about the case counts.",
            "Send the enrolment. If the number of the case is wrong: retract the events and send them with the right "
            "one.",
        ),
    },
    TWO_OPEN: {
        "sv": Advice(
            "Personen har två öppna ärenden på samma enhet samma dag. Båda räknas.",
            "Avsluta det som inte gäller längre. Är det samma ärende två gånger: återta inskrivningen av det ena.",
        ),
        "en": Advice(
            "The person has two cases open at one unit on the same day. Both count.",
            "Close the one that no longer holds. If they are the same case twice: retract the enrolment of one.",
        ),
    },
    DISAGREEMENT: {
        "sv": Advice(
            "Personens inskrivningar anger olika kön eller födelseår. Den som registrerades senast gäller.",
            "Rätta inskrivningen som är fel. Rör det två människor: återta händelserna och skicka dem med var sin "
            "pseudonym.",
        ),
        "en": Advice(
            "The person's enrolments do not agree on sex or year of birth. What was recorded last holds.",
            "Correct the enrolment that is wrong. If they are two people: retract the events and send them with a "
            "pseudonym for each.",
        ),
    },
    CASE_OF_TWO: {
        "sv": Advice(
            "En annan person har ett ärende med samma nummer. De räknas som två ärenden.",
            "Ta reda på vems ärendet är. Återta det som är fel, eller ge det ena ärendet ett eget nummer.",
        ),
        "en": Advice(
            "Another person has a case with the same number. They count as two cases.",
            "Find out whose the case is. Retract what is wrong, or give one of the cases a number of its own.",
        ),
    },
}
"""By code, and by language (`sv`, `en`)."""
