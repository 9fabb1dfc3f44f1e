"""What followup and intake say of units, months and data quality, made up and small, as their HTTP interface has it."""

from datetime import date, timedelta
from typing import Any

TODAY = date(2017, 12, 31)


def counts(overdue: int = 0, todo: int = 0, waiting: int = 0, month: int = 0, year: int = 0) -> dict[str, Any]:
    """The counts of a row; the overdue are a third of each lateness, the oldest 45 days late."""
    days = 45 if overdue > 2 else overdue
    oldest = {"due": (TODAY - timedelta(days=days)).isoformat(), "days": days} if overdue else None
    longer, rest = divmod(overdue, 3)
    return {
        "overdue": overdue,
        "todo": todo,
        "due": min(todo, 1),
        "waiting": waiting,
        "oldest": oldest,
        "late": {"week": overdue - longer * 2, "month": longer, "longer": longer if rest >= 0 else 0},
        "missed": {"month": month, "year": year},
    }


SPANS = {
    "on": "2017-12-31",
    "month": {"from": "2017-12-01", "to": "2017-12-31"},
    "year": {"from": "2017-01-01", "to": "2017-12-31"},
}

UNITS = {
    **SPANS,
    "items": [
        {"unit": "stockholm", "above": None, **counts(35, 11, 24, 9, 118)},
        {"unit": "jobbtorg-kista", "above": "stockholm", **counts(21, 2, 12, 6, 70)},
        {"unit": "jobbtorg-farsta", "above": "stockholm", **counts(0, 3, 1, 1, 12)},
        {"unit": "jobbtorg-unga-globen", "above": "stockholm", **counts(14, 6, 11, 2, 36)},
    ],
}

ONE_UNIT = {**SPANS, "items": [{**UNITS["items"][1], "above": None}]}  # type: ignore[index]

SUMMARY = {
    **SPANS,
    "unit": "jobbtorg-kista",
    "all": counts(21, 2, 12, 6, 70),
    "units": [],
    "protocols": [
        {"protocol": "offer_90d", **counts(9, 1, 0, 4, 41)},
        {"protocol": "plan_5d", **counts(2, 0, 0, 1, 8)},
        {"protocol": "occupation_6m", **counts(10, 1, 5, 1, 19)},
        {"protocol": "assistance_7m", **counts(0, 0, 7, 0, 2)},
    ],
    "workers": [
        {"worker": "eva01", **counts(12, 1, 6, 3, 30)},
        {"worker": "bo02", **counts(8, 1, 5, 3, 35)},
        {"worker": None, **counts(1, 0, 1, 0, 5)},
    ],
    "workers_left": 0,
    "missed": [
        {"protocol": "offer_90d", "state": "missed", "why": "nothing", "month": 3, "year": 24},
        {"protocol": "offer_90d", "state": "missed", "why": "too_late", "month": 1, "year": 15},
        {"protocol": "offer_90d", "state": "missed", "why": "closed_first", "month": 0, "year": 2},
        {"protocol": "plan_5d", "state": "missed", "why": "too_late", "month": 1, "year": 8},
        {"protocol": "occupation_6m", "state": "expired", "why": "tried", "month": 1, "year": 12},
        {"protocol": "occupation_6m", "state": "expired", "why": "nothing", "month": 0, "year": 7},
        {"protocol": "assistance_7m", "state": "expired", "why": "no_report", "month": 0, "year": 2},
    ],
    "catch_ups": {
        "items": [
            {
                "id": "catchup/jobbtorg-kista/2017-12-14",
                "unit": "jobbtorg-kista",
                "on": "2017-12-14",
                "checks": 9,
                "protocols": [{"protocol": "occupation_6m", "checks": 7}, {"protocol": "offer_90d", "checks": 2}],
            }
        ],
        "left": 0,
    },
    "feeds": [
        {
            "feed": "cases",
            "through": "2017-12-31",
            "behind": 0,
            "heard_on": "2017-12-31",
            "silent": 0,
            "held_back": 0,
        },
        {
            "feed": "assistance",
            "through": "2017-11-30",
            "behind": 31,
            "heard_on": "2017-12-05",
            "silent": 26,
            "held_back": 4,
        },
        {"feed": "answers", "through": None, "behind": None, "heard_on": None, "silent": None, "held_back": 0},
    ],
}

EMPTY_SUMMARY = {
    **SPANS,
    "unit": "jobbtorg-city",
    "all": counts(),
    "units": [],
    "protocols": [],
    "workers": [],
    "workers_left": 0,
    "missed": [],
    "catch_ups": {"items": [], "left": 0},
    "feeds": SUMMARY["feeds"],
}

WHOLE_SUMMARY = {
    **SUMMARY,
    "unit": "stockholm",
    "all": UNITS["items"][0],  # type: ignore[index]
    "units": [{**each, "above": None} for each in UNITS["items"][1:]],  # type: ignore[index]
    "workers_left": 31,
}


def a_month(
    month: str, notice: str | None = "open", left: int = 0, reported: int = 0, expired: int = 0
) -> dict[str, Any]:
    """One month of the register."""
    first = date.fromisoformat(f"{month}-01")
    opens = (first + timedelta(days=31)).replace(day=1).isoformat()
    ended = "2017-12-05" if notice == "withdrawn" else None
    told = {"id": f"register/{month}", "status": notice, "made_on": opens, "send_on": opens, "withdrawn_on": ended}
    return {
        "month": month,
        "opens_on": opens,
        "notice": None if notice is None else told,
        "counts": {
            "all": left + reported + expired,
            "reported": reported,
            "left": left,
            "persons_left": max(0, left - 1),
            "expired": expired,
        },
    }


MONTHS = {
    "on": "2017-12-31",
    "items": [
        a_month("2017-11", left=4, reported=127),
        a_month("2017-10", "withdrawn", reported=131, expired=1),
        a_month("2017-09", None, reported=90),
    ],
    "next": "older",
}


def a_match(number: int, state: str = "overdue") -> dict[str, Any]:
    """A check to match."""
    case = f"c-2017-{number:05d}"
    return {
        "id": f"assistance_7m:p-{number:016x}:{case}",
        "ref": f"{number:024x}",
        "person": f"p-{number:016x}",
        "case": case,
        "protocol": "assistance_7m",
        "unit": "jobbtorg-kista",
        "due": "2017-11-14",
        "state": state,
    }


MONTH = {
    "on": "2017-12-31",
    "items": [a_match(1), {**a_match(2), "protected": True}, a_match(3, "answered"), a_match(4, "expired")],
    "next": "more",
    **a_month("2017-11", left=4, reported=127),
}


def a_doubt(code: str, number: int, **changes: Any) -> dict[str, Any]:
    """An entry of the data-quality list."""
    case = f"c-2017-{number:05d}"
    return {
        "code": code,
        "about": case,
        "person": f"p-{number:016x}",
        "case": case,
        "unit": "jobbtorg-kista",
        "events": [{"source": "/stockholm/flai", "id": f"flai-{number:06d}"}],
        "since": "2017-12-01",
        "advice": {},
        "check": f"plan_5d:p-{number:016x}:{case}",
        "ref": f"{number:024x}",
        "link": f"https://flai.example/arende/{case}",
        **changes,
    }


DOUBTS = {
    "items": [
        a_doubt("closure_before_enrolment", 1, since=None),
        a_doubt("two_open_at_one_unit", 2, protected=True),
        a_doubt("waits_for_enrolment", 3, unit=None, check=None, ref=None, link=None),
        a_doubt("retraction_without_effect", 4, case=None, unit=None, check=None, ref=None, link=None),
    ],
    "next": "more",
}

DOUBT_COUNTS = {
    "on": "2017-12-31",
    "all": 43,
    "codes": [
        {"code": "retraction_without_effect", "count": 1},
        {"code": "closure_before_enrolment", "count": 12},
        {"code": "waits_for_enrolment", "count": 28},
        {"code": "two_open_at_one_unit", "count": 2},
    ],
    "units": [{"unit": None, "count": 29}, {"unit": "jobbtorg-kista", "count": 14}],
    "sources": [{"source": "/stockholm/flai", "count": 43}],
}


def a_refusal(entry: int, *codes: str, **changes: Any) -> dict[str, Any]:
    """An entry of what was refused."""
    event = {
        "specversion": "1.0",
        "id": f"flai-{entry:06d}",
        "source": "/stockholm/flai",
        "type": "case.closed",
        "time": "2017-12-30T09:12:00+01:00",
        "data": {"person": f"p-{entry:016x}", "case": f"c-{entry}", "on": "2017-12-29", "reason": "jobb"},
    }
    return {
        "id": entry,
        "outcome": "refused",
        "codes": list(codes),
        "field": "data.reason",
        "message": "The catalogue has no reason 'jobb'.",
        "source": "/stockholm/flai",
        "event_id": event["id"],
        "sender": "/stockholm/flai",
        "event": event,
        "text": None,
        "can_be_resent": True,
        "times": 1,
        "first_received": "2017-12-30T08:12:00+00:00",
        "last_received": "2017-12-30T08:12:00+00:00",
        "closed": False,
        **changes,
    }


REFUSED = {
    "items": [
        a_refusal(9, "unknown_code", times=3),
        a_refusal(8, "identity_number", "wrong_value", can_be_resent=False, field=None),
        a_refusal(
            7, "not_json", event=None, text='{"type": ', source=None, event_id=None, field=None, can_be_resent=False
        ),
        a_refusal(6, "person_erased", event=None, text=None, event_id=None, field=None, can_be_resent=False),
    ],
    "next": None,
}

REFUSED_COUNTS = {
    "all": 4,
    "codes": [
        {"code": each, "count": 1}
        for each in ("not_json", "identity_number", "wrong_value", "unknown_code", "person_erased")
    ],
    "sources": [{"source": None, "count": 1}, {"source": "/stockholm/flai", "count": 3}],
}

SUMS: dict[tuple[str, str], dict[str, Any]] = {
    ("followup", "units"): UNITS,
    ("followup", "units/jobbtorg-kista/summary"): SUMMARY,
    ("followup", "units/stockholm/summary"): WHOLE_SUMMARY,
    ("followup", "units/jobbtorg-city/summary"): EMPTY_SUMMARY,
    ("followup", "register"): MONTHS,
    ("followup", "register/2017-11"): MONTH,
    ("followup", "doubts"): DOUBTS,
    ("followup", "doubts/counts"): DOUBT_COUNTS,
    ("intake", "refused"): REFUSED,
    ("intake", "refused/counts"): REFUSED_COUNTS,
}
"""(service, path) → what it says."""
