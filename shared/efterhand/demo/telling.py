"""What the sources record of a life: the events, with what goes wrong on the way and is put right."""

from datetime import date, timedelta
from typing import Any, Final

from efterhand.dates import add_months, add_working_days, is_working_day, next_working_day
from efterhand.demo.casting import (
    LAST_EVENT,
    LIVELIHOOD,
    OFFER_DAYS,
    Case,
    Life,
    Measure,
    internship,
    pick,
    working_day,
)
from efterhand.demo.recording import ANSWERS, Recorded, Recorder

LAST_RECEIPT: Final = date(2018, 1, 31)
"""Everything has come by then."""
UNITS: Final = {
    "jobbtorg-city": 5, "jobbtorg-farsta": 4, "jobbtorg-kista": 4, "jobbtorg-skarholmen": 4, "jobbtorg-vallingby": 3,
}  # fmt: skip
"""Units for everybody, with how many come there."""
UNITS_OF_YOUTH: Final = {"jobbtorg-unga-globen": 9, "jobbtorg-unga-kista": 6}
UNIT_OF_RESOURCE: Final = "jobbtorg-resurs"

_PLANS_FROM: Final = date(2016, 1, 1)
"""From this day on the case system keeps the day of the plan."""
_CORRECTED_UNTIL: Final = date(2017, 10, 31)
"""What happened by then is recorded, and put right, before the history ends."""
_OFFERS: Final = {"job": 35, "education": 20, "internship": 20, "preparatory": 25}
_LAST_MONTH: Final = date(2017, 12, 1)
"""The last month that the register has been asked about."""
_ASSISTED: Final = {"activity_duty": 0.25, "entry_20_29": 0.3, "resource": 0.86}
_MEASURES: Final = {
    "ordinary": {"vocational_training": 3, "combination_training": 1, "internship": 3, "": 93},
    "resource": {"job_support": 9, "internship": 2, "": 89},
    "activity_duty": {"internship": 2, "": 98},
    "entry_20_29": {"vocational_training": 2, "internship": 3, "": 95},
    "other": {"combination_training": 3, "other": 2, "": 95},
    "stockholmsjobb": {"": 1},
}
"""Target group → kind → how likely; none for most."""
_BECAME: Final = {
    ("", "reached"): {"work": 94, "self_employment": 6},
    ("", "not_reached"): {"unemployed": 6, "studies": 3},
    ("stockholmsjobb", "reached"): {"work": 70, "studies": 25, "self_employment": 5},
    ("stockholmsjobb", "not_reached"): {"unemployed": 7, "other": 3},
    ("higher_vocational", "not_reached"): {"unemployed": 3, "work": 4, "studies": 1},
}
"""Kind of measure (else any) and what is found out → occupation → how likely."""
_LENGTH_OF_MEASURE: Final = {
    "vocational_training": (60, 170), "combination_training": (60, 200), "job_support": (40, 150), "other": (15, 80),
}  # fmt: skip
"""Fewest and most days."""


def tell(recorder: Recorder, life: Life, first_number: int) -> None:
    """Write down a life.

    Args:
        recorder: writes the events; its random numbers decide everything that is still open.
        life: whose days and outcomes are decided.
        first_number: number of the person's first case; the next ones follow.
    """
    teller = _Teller(recorder, life, first_number)
    for position in range(len(life.cases)):
        teller.tell_case(position)
    teller.tell_person()


class _Teller:
    def __init__(self, recorder: Recorder, life: Life, first_number: int) -> None:
        self.recorder = recorder
        self.rng = rng = recorder.rng
        self.life = life
        self.ids = {case: f"c-{case.enrolled.year}-{first_number + ahead:05d}" for ahead, case in enumerate(life.cases)}
        self.units: dict[Case, str] = {}
        self.education = pick(rng, {"compulsory": 42, "upper_secondary": 33, "post_secondary": 17, "unknown": 8})
        self.born_abroad = rng.random() < 0.58
        self.assisted = rng.random() < _ASSISTED.get(life.cases[0].kind.group, 0.68)
        self.since = life.cases[0].enrolled - timedelta(days=int(rng.expovariate(1 / 300)) + 5)
        self.consents = pick(rng, {True: 70, False: 10, None: 20})
        self.reported = set(life.months)

    # -- a case

    def tell_case(self, position: int) -> None:
        case = self.life.cases[position]
        self.units[case] = self._unit(case, set(self.units.values()))
        enrolled = self._enrol(case, first=position == 0)
        self._assign(case)
        self._plan(case)
        self._offer(case)
        for of_case, day in self.life.talks:
            if of_case is case:
                self._note("guidance.held", case, day)
        self._measures(case)
        self._change_place(case)
        if self.assisted and self.rng.random() < 0.05:
            self._report(case.enrolled, self.rng.random() < 0.95)
        if self.life.mistaken:
            self._take_back(enrolled)
            return
        self._close(case)
        for month, receives in case.months.items():
            if receives is not None:
                self.recorder.report_month(month, receives)
        self._ask_about_occupation(position)

    def _unit(self, case: Case, taken: set[str]) -> str:
        if case.kind.group == "resource":
            return UNIT_OF_RESOURCE
        own = UNITS_OF_YOUTH if case.kind.age in {"16-19", "18-19", "20-24"} else UNITS
        if case.kind.age == "20-24":
            own = own | UNITS
        return pick(self.rng, {unit: weight for unit, weight in own.items() if unit not in taken})

    def _enrol(self, case: Case, *, first: bool) -> Recorded:
        data: dict[str, Any] = {
            "case": self.ids[case],
            "unit": self.units[case],
            "target_group": case.kind.group,
            "sex": self.life.sex,
            "birth_year": self.life.birth_year,
            "assistance": self.assisted,
            "reached_by": pick(self.rng, {"referral": 70, "outreach": 14, "self": 16}),
            "education": self.education,
            "born_abroad": self.born_abroad,
        }
        if self.assisted:
            data["assistance_since"] = self.since.isoformat()
        if first and self.consents is not None:
            data["contact_consent"] = self.consents
        if self.rng.random() >= 0.015 or case.enrolled > _CORRECTED_UNTIL or self.life.mistaken:
            return self.recorder.note("case.enrolled", case.enrolled, data)
        wrong = self.rng.choice(
            ({"birth_year": self.life.birth_year - 1}, {"education": "unknown"}, {"unit": "jobbtorg-city"})
        )
        sent = self.recorder.note("case.enrolled", case.enrolled, {**data, **wrong})
        self.recorder.correct(sent, 9, **data)
        return sent

    def _assign(self, case: Case) -> None:
        if self.rng.random() < 0.13:
            day = min(add_working_days(case.enrolled, self.rng.randint(1, 4)), case.last)
            self._note("case.assigned", case, day, worker=self._worker(self.units[case]))

    def _worker(self, unit: str) -> str:
        return f"{unit}-{self.rng.randint(1, 6)}"

    def _plan(self, case: Case) -> None:
        if case.enrolled < _PLANS_FROM:
            return
        chance = self.rng.random()
        if chance < 0.855:
            self._note("plan.set", case, add_working_days(case.enrolled, self.rng.choice((0, 1, 2, 3, 4, 5))))
        elif chance < 0.94:
            self._note("plan.set", case, add_working_days(case.enrolled, self.rng.randint(6, 40)))

    def _offer(self, case: Case) -> None:
        if case.kind.back:
            # An offer before they are sent back would count.
            return
        rng = self.rng
        due = case.enrolled + timedelta(days=OFFER_DAYS)
        in_time = case.offered
        if in_time is None:
            in_time = rng.random() < ((0.9 if case.enrolled.year > 2016 else 0.4) if case.young else 0.08)
        elif in_time and case.reason in LIVELIHOOD and case.last <= due and rng.random() < 0.5:
            # Work or studies at once: nothing else had to be offered.
            return
        if in_time:
            latest = min(due, case.last)
            usual = min(case.enrolled + timedelta(days=int(rng.triangular(2, 80, 15))), latest)
            day = working_day(rng, usual, min(usual + timedelta(days=6), latest))
            day = day or working_day(rng, case.enrolled, latest) or case.enrolled
            self._note("offer.made", case, day, kind=pick(rng, _OFFERS))
        elif rng.random() < 0.3:
            self._note("offer.made", case, due + timedelta(days=rng.randint(1, 45)), kind=pick(rng, _OFFERS))
        if rng.random() < 0.004:
            mistaken = self._note("offer.made", case, case.enrolled + timedelta(days=7), kind=pick(rng, _OFFERS))
            if mistaken:
                self._take_back(mistaken)

    def _change_place(self, case: Case) -> None:
        """Move the case to another unit now and then; to another target group only by mistake."""
        rng = self.rng
        chance = rng.random()
        day = next_working_day(case.enrolled + timedelta(days=rng.randint(20, 160)))
        if day >= case.last:
            return
        if chance < 0.05 and case.kind.group != "resource":
            unit = self._unit(case, set(self.units.values()) if len(self.units) == 1 else {self.units[case]})
            self._note("case.transferred", case, day, unit=unit)
            self._note("case.assigned", case, add_working_days(day, 1), worker=self._worker(unit))
        elif chance < 0.053:
            groups = [group for group in ("ordinary", "other", "resource") if group != case.kind.group]
            mistaken = self._note("case.transferred", case, day, target_group=rng.choice(groups))
            if mistaken:
                self._take_back(mistaken)

    def _close(self, case: Case) -> None:
        rng = self.rng
        chance = rng.random()
        halfway = working_day(rng, case.enrolled + timedelta(days=5), case.last)
        if chance < 0.004 and halfway and halfway < case.last:
            mistaken = self._note("case.closed", case, halfway, reason="unknown")
            if mistaken:
                self._take_back(mistaken)
        if case.closed is None:
            return
        data = {"case": self.ids[case], "reason": case.reason}
        wrong: dict[str, Any] = {}
        if chance > 0.988:
            wrong = {"reason": pick(rng, {"unknown": 2, "own_request": 1, "other_measure": 1})}
        elif chance > 0.984:
            # As it was recorded first: too early.
            wrong = {"on": max(case.enrolled, add_working_days(case.closed, -4)).isoformat()}
        if not wrong or case.closed > _CORRECTED_UNTIL:
            self.recorder.note("case.closed", case.closed, data)
            return
        sent = self.recorder.note("case.closed", case.closed, data)
        sent.event["data"].update(wrong)
        self.recorder.correct(sent, 8, **data, on=case.closed.isoformat())

    def _report(self, month: date, receives: bool) -> None:
        """Report a month that nothing depends on."""
        month = month.replace(day=1)
        if month not in self.reported and month <= _LAST_MONTH:
            self.reported.add(month)
            self.recorder.report_month(month, receives)

    # -- measures and answers

    def _measures(self, case: Case) -> None:
        rng = self.rng
        kind = pick(rng, _MEASURES[case.kind.group])
        start = next_working_day(case.enrolled + timedelta(days=rng.randint(7, 50)))
        measures = list(case.measures)
        if kind and not measures and not case.kind.back and start < case.last:
            measures.append(self._other_measure(case, kind, start))
        for number, measure in enumerate(measures, start=1):
            self._tell_measure(case, measure, f"m{number}-{self.ids[case].removeprefix('c-')}")

    def _other_measure(self, case: Case, kind: str, start: date) -> Measure:
        rng = self.rng
        if kind == "internship":
            return internship(rng, case, start, pick(rng, {"private": 2, "association": 1}))
        ended = next_working_day(start + timedelta(days=rng.randint(*_LENGTH_OF_MEASURE[kind])))
        if case.closed:
            ended = min(ended, case.closed)
        answer = None
        if kind in {"vocational_training", "combination_training"}:
            answer = pick(rng, {"reached": 57, "not_reached": 34, "silent": 9})
        result = "completed" if rng.random() < 0.88 else "interrupted"
        return Measure(kind, start, ended if ended <= LAST_EVENT else None, result=result, answer=answer)

    def _tell_measure(self, case: Case, measure: Measure, name: str) -> None:
        data: dict[str, Any] = {"measure": name, "kind": measure.kind}
        if measure.provider:
            data["provider"] = measure.provider
        if measure.funder:
            data["funder"] = measure.funder
        self._note("measure.started", case, measure.started, **data)
        if measure.ended is None:
            return
        ended: dict[str, Any] = {"case": self.ids[case], "measure": name, "result": measure.result}
        if case.reason in LIVELIHOOD and case.closed and abs((case.closed - measure.ended).days) < 40:
            ended["reason"] = case.reason
        self.recorder.note("measure.ended", measure.ended, ended)
        if measure.answer and not (measure.result == "interrupted" and measure.kind.endswith("training")):
            self._ask_after_measure(measure, measure.ended, measure.answer, name)

    def _ask_after_measure(self, measure: Measure, ended: date, answer: str, name: str) -> None:
        rng = self.rng
        months, check = (6, "higher_vocational_6m") if measure.kind == "higher_vocational" else (3, "occupation_3m")
        due = add_months(ended, months)
        if answer == "silent":
            if rng.random() < 0.4:
                self._answer(check, name, due, {"response": "declined"})
            return
        data: dict[str, Any] = {
            "response": "answered",
            "occupation": pick(rng, _BECAME.get((measure.kind, answer), _BECAME["", answer])),
            "method": pick(rng, {"interview": 6, "survey": 2, "provider": 1}),
        }
        if measure.kind == "higher_vocational":
            data["same_field"] = answer == "reached"
        self._answer(check, name, due, data)

    def _ask_about_occupation(self, position: int) -> None:
        """Ask who went to work or studies, about half a year after; some do not answer, some would rather not say."""
        rng = self.rng
        case = self.life.cases[position]
        if case.closed is None or case.reason not in LIVELIHOOD or not self.consents:
            return
        due = add_months(case.closed, 6)
        if any(case.closed < other.enrolled < due for other in self.life.cases) or due > LAST_EVENT:
            return
        chance = rng.random()
        if chance < 0.13:
            return
        if chance < 0.17:
            self._answer("occupation_6m", self.ids[case], due, {"response": "declined"})
            return
        changed = {"work": 6, "studies": 3, "unemployed": 12, "other": 4}
        occupation = str(case.reason) if rng.random() < 0.76 else pick(rng, changed)
        data: dict[str, Any] = {"response": "answered", "occupation": occupation, "method": "interview"}
        if occupation in LIVELIHOOD and rng.random() < 0.5:
            data["same_field"] = rng.random() < 0.7
        self._answer("occupation_6m", self.ids[case], due, data)

    def _answer(self, check: str, subject: str, due: date, data: dict[str, Any]) -> None:
        """Get an answer some days before or after it is due, in the last weeks of the history at its end."""
        rng = self.rng
        day = min(next_working_day(due + timedelta(days=rng.randint(-10, 22))), LAST_EVENT)
        about = {"check": check, "subject": subject}
        if rng.random() < 0.22:
            tried = add_working_days(day, -rng.randint(2, 6))
            self.recorder.note(
                "followup.attempted",
                tried,
                {**about, "how": pick(rng, {"phone": 6, "sms": 3, "letter": 1})},
                source=ANSWERS,
            )
        self.recorder.note("followup.answered", day, {**about, **data}, source=ANSWERS)

    # -- the person

    def tell_person(self) -> None:
        rng = self.rng
        first = self.life.cases[0].enrolled
        if rng.random() < 0.008:
            since = next_working_day(first + timedelta(days=rng.randint(0, 90)))
            self._say("person.protected", since, protected=True)
            if rng.random() < 0.3:
                self._say("person.protected", next_working_day(since + timedelta(days=300)), protected=False)
        if rng.random() < 0.02:
            day = next_working_day(first + timedelta(days=rng.randint(20, 300)))
            self._say("consent.changed", day, contact=not self.consents)
        if self.life.erased:
            # Asked for by the person, long after; nothing more is recorded then.
            day = next_working_day(self.recorder.last_receipt() + timedelta(days=45))
            self.recorder.write("person.erased", day, {})

    def _say(self, event_type: str, day: date, /, **data: Any) -> None:
        if day <= LAST_EVENT:
            self.recorder.note(event_type, day, data)

    def _note(self, event_type: str, case: Case, day: date, /, **data: Any) -> Recorded | None:
        """Write down what happens during a case; nothing, when the case is over before that day."""
        if day > case.last or not is_working_day(day):
            return None
        return self.recorder.note(event_type, day, {"case": self.ids[case], **data})

    def _take_back(self, wrong: Recorded) -> None:
        """Take an event back some days later: it should never have been sent."""
        self.recorder.retract(wrong, self.rng.randint(3, 15))
