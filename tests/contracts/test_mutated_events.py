"""Events with random changes: judged without an error, and as a plain checker judges them that knows no schema."""

import copy
import json
from collections.abc import Callable
from datetime import date
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from efterhand.contracts import REFUSAL_CODES, canonical_content, masked, parse_event
from tests.contracts.support import CODES, examples, faults_of

VALID = [event for _, _, event in examples("valid")]
PLAINLY_CHECKED = {
    "case.enrolled",
    "case.transferred",
    "assistance.reported",
    "followup.answered",
    "event.retracted",
    "source.reported_through",
}
PLAIN = [event for event in VALID if event["type"] in PLAINLY_CHECKED]
GOOD_TIMES = {event["time"] for event in VALID} | {"1999-12-31T23:59:59Z"}
STRINGS = sorted(
    {"", " ", "å", "p-1", "c" * 100, "c" * 101, "true", "1990", "811218-9876", "a\nb", "/stockholm/flai", "1.0"}
    | {
        "2017-03-01",
        "2017-03-02",
        "2017-03-03",
        "2016-12-31",
        "1989-12-31",
        "2017-02-29",
        "2017-03",
        "2017-04",
        "2017-00",
    }
    | {"answered", "declined", "work", "farsta", "resource", "offer_90d", "occupation_6m", "cases", "female", "phone"}
    | {"1999-12-31T23:59:59Z", "2018-01-01T00:00:00Z", "2017-03-01T09:12:00", "urn:efterhand:case.enrolled:1"}
    | {"application/json", "text/plain"}
    | PLAINLY_CHECKED
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.sampled_from([0, 1, 1916, 1917, 1990, 1990.0, 1990.5, 2004, 2005, -1, 8112189876, 2**40, 1e300])
    | st.sampled_from(STRINGS)
)
VALUES = (
    SCALARS
    | st.lists(SCALARS, max_size=2)
    | st.dictionaries(st.sampled_from(["a", "id", "source", "811218-9876"]), SCALARS, max_size=2)
)
NAMES = st.sampled_from(
    [
        "person",
        "case",
        "unit",
        "target_group",
        "occupation",
        "same_field",
        "method",
        "assistance_since",
        "reached_by",
        "on",
        "month",
        "through",
        "id",
        "source",
        "type",
        "time",
        "subject",
        "dataschema",
        "trace",
        "Trace",
        "data_base64",
        "811218-9876",
        "personhash",
        "",
    ]
)


@st.composite
def mutated(draw: st.DrawFn, seeds: list[dict[str, Any]]) -> Any:
    event = copy.deepcopy(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, 3))):
        places = [event] + [inner for inner in (event.get("data"),) if isinstance(inner, dict)]
        places += [inner for place in places[1:] for inner in place.values() if isinstance(inner, dict)]
        place = draw(st.sampled_from(places[::-1]))
        name = draw(st.sampled_from(sorted(place)) if place and draw(st.integers(0, 3)) else NAMES)
        if draw(st.booleans()) and draw(st.booleans()):
            place.pop(name, None)
        else:
            place[name] = draw(VALUES)
    return event


@settings(max_examples=1000)
@given(mutated(PLAIN))
def test_an_event_has_no_fault_exactly_when_a_plain_checker_finds_it_good(event: Any) -> None:
    assert (faults_of(event) == []) == is_good(event)


@settings(max_examples=500)
@given(mutated(VALID))
@example({"type": "case.closed", "data": {"on": float("nan"), "person": 10**400, "x": 1e999}})
def test_any_event_is_judged_without_an_error_and_without_showing_a_value(event: Any) -> None:
    faults = faults_of(event)
    assert all(fault.code in REFUSAL_CODES for fault in faults)
    assert "9876" not in "".join(f"{fault.field}{fault.message}" for fault in faults)
    assert "identity_number" not in [fault.code for fault in faults_of(masked(event))]
    if not faults:
        assert faults_of(parse_event(json.dumps(event).encode())) == []
        assert canonical_content(event) == canonical_content(json.loads(json.dumps(event)))


@given(st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20))
def test_any_value_is_judged_without_an_error(value: Any) -> None:
    assert faults_of(value)
    assert faults_of({**VALID[0], "data": value})
    assert faults_of({**VALID[0], "type": "x", "data": value})


# The plain checker: the rules written out once more, without the contracts.


def is_good(event: Any) -> bool:
    if "9876" in json.dumps(event):
        return False
    known = {"specversion", "id", "source", "type", "time", "datacontenttype", "dataschema", "subject", "data"}
    others = {name: value for name, value in event.items() if name not in known}
    return (
        event.get("specversion") == "1.0"
        and is_text(event.get("id"))
        and is_text(event.get("source"))
        and all(c.isascii() and c != " " for c in event["source"])
        and (":" not in event["source"] or event["source"][0].isalpha())
        and one_of(*PLAINLY_CHECKED)(event.get("type"))
        and is_text(event.get("time"))
        and event["time"] in GOOD_TIMES
        and event.get("datacontenttype") in (None, "application/json", "application/json; charset=utf-8")
        and event.get("dataschema") in (None, f"urn:efterhand:{event['type']}:1")
        and (event.get("subject") is None or is_text(event["subject"]))
        and all(is_good_other(name, value) for name, value in others.items())
        and isinstance(event.get("data"), dict)
        and CHECKS[event["type"]](event["data"])
    )


def is_text(value: Any) -> bool:
    return isinstance(value, str) and value != "" and "\n" not in value


def is_good_other(name: str, value: Any) -> bool:
    if name == "data_base64":
        return value is None
    if name == "personhash" or not name or not all(c in "abcdefghijklmnopqrstuvwxyz0123456789" for c in name):
        return False
    if value is None or isinstance(value, bool):
        return True
    if isinstance(value, str):
        return "\n" not in value
    return isinstance(value, int | float) and value == int(value) and abs(value) < 2**31


def is_identifier(value: Any) -> bool:
    if not isinstance(value, str) or not 1 <= len(value) <= 100:
        return False
    return all(c.isascii() and (c.isalnum() or c in "._-") for c in value)


def is_bool(value: Any) -> bool:
    return value is True or value is False


def one_of(*allowed: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and value in allowed


def is_day(value: Any) -> bool:
    if not isinstance(value, str) or len(value) != 10 or value[4] + value[7] != "--":
        return False
    year, month, day = value[:4], value[5:7], value[8:]
    if not (year + month + day).isascii() or not (year + month + day).isdigit():
        return False
    try:
        date(int(year), int(month), int(day))
    except ValueError:
        return False
    return True


def is_business_date(value: Any) -> bool:
    return is_day(value) and "1990-01-01" <= value <= "2017-03-02"


def is_month(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 7 and is_day(f"{value}-01") and value <= "2017-03"


def has(data: dict[str, Any], required: dict[str, Any], optional: dict[str, Any]) -> bool:
    return all(name in data for name in required) and all(
        name in {**required, **optional} and {**required, **optional}[name](value) for name, value in data.items()
    )


def in_list(name: str) -> Callable[[Any], bool]:
    return one_of(*CODES[name])


def good_enrolment(data: dict[str, Any]) -> bool:
    required = {
        "person": is_identifier,
        "case": is_identifier,
        "on": is_business_date,
        "unit": in_list("units"),
        "target_group": in_list("target_groups"),
        "sex": one_of("female", "male", "unknown"),
        "birth_year": lambda value: isinstance(value, int | float) and not is_bool(value) and value == int(value),
    }
    optional = {
        "assistance": is_bool,
        "assistance_since": is_day,
        "reached_by": one_of("referral", "outreach", "self"),
        "education": one_of("compulsory", "upper_secondary", "post_secondary", "unknown"),
        "born_abroad": is_bool,
        "contact_consent": is_bool,
    }
    if not has(data, required, optional):
        return False
    age = int(data["on"][:4]) - data["birth_year"]
    return 13 <= age <= 100 and bool(data.get("assistance_since", "0001-01-01") <= data["on"])


def good_transfer(data: dict[str, Any]) -> bool:
    either = {"unit": in_list("units"), "target_group": in_list("target_groups")}
    required = {"person": is_identifier, "case": is_identifier, "on": is_business_date}
    return has(data, required, either) and ("unit" in data or "target_group" in data)


def good_assistance(data: dict[str, Any]) -> bool:
    return has(data, {"person": is_identifier, "month": is_month, "receives": is_bool}, {})


def good_answer(data: dict[str, Any]) -> bool:
    required = {
        "person": is_identifier,
        "check": in_list("answerable_protocols"),
        "subject": is_identifier,
        "on": is_business_date,
        "response": one_of("answered", "declined"),
    }
    optional = {
        "occupation": one_of("work", "studies", "self_employment", "unemployed", "other"),
        "same_field": is_bool,
        "method": one_of("register", "interview", "survey", "provider"),
    }
    if not has(data, required, optional):
        return False
    if data["response"] == "answered":
        return "occupation" in data
    return "occupation" not in data and "same_field" not in data


def good_retraction(data: dict[str, Any]) -> bool:
    def names_one(value: Any) -> bool:
        text = lambda part: isinstance(part, str) and part != ""  # noqa: E731
        return isinstance(value, dict) and has(value, {"source": text, "id": text}, {})

    return has(data, {"person": is_identifier, "retracts": names_one}, {})


def good_watermark(data: dict[str, Any]) -> bool:
    feeds = one_of("cases", "assistance", "answers")
    return has(data, {"feed": feeds, "through": lambda value: is_day(value) and value <= "2017-03-01"}, {})


CHECKS = {
    "case.enrolled": good_enrolment,
    "case.transferred": good_transfer,
    "assistance.reported": good_assistance,
    "followup.answered": good_answer,
    "event.retracted": good_retraction,
    "source.reported_through": good_watermark,
}
