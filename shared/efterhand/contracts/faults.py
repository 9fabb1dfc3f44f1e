"""Judges one event by itself: every refusal code that can be told from the event alone."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, Final, Protocol

from efterhand.contracts import codes as refusal
from efterhand.contracts.envelope import Report, is_attribute_text, judge_envelope
from efterhand.contracts.event_types import Contract, event_types
from efterhand.contracts.identity_numbers import contains_identity_number, identity_number_paths, join_path

EARLIEST_DAY: Final = date(1990, 1, 1)
LONGEST_AHEAD: Final = timedelta(minutes=10)
YOUNGEST: Final = 13
OLDEST: Final = 100

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MONTH: Final = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])")
_LIST_WORDS: Final = {
    "units": "unit",
    "target_groups": "target group",
    "reasons": "closure reason",
    "measure_kinds": "kind of measure",
    "offer_kinds": "kind of offer",
    "providers": "provider",
    "funders": "funder",
    "results": "result",
    "protocols": "protocol",
    "answerable_protocols": "protocol that takes answers",
}


class CodeLookup(Protocol):
    """The codes that the catalogue of this installation has.

    Lists: units, target_groups, reasons, measure_kinds, offer_kinds, providers, funders, results, protocols,
    answerable_protocols.
    """

    def has(self, list_name: str, code: str, /) -> bool:
        """Tell whether the list has the code."""
        ...


@dataclass(frozen=True, slots=True)
class Fault:
    """One reason to refuse an event: the code, the field it is about (None: the whole), a sentence for the sender.

    Neither the field nor the sentence holds a value of the event or an identity number.
    """

    code: str
    field: str | None
    message: str


class _Faults:
    """Collects each (code, field) once."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str | None], Fault] = {}

    def report(self, code: str, field: str | None, message: str) -> None:
        self._found.setdefault((code, field), Fault(code, field, message))

    def in_order(self) -> list[Fault]:
        """By the order of the codes; within one, as found."""
        if not self._found:
            return []
        return sorted(self._found.values(), key=lambda fault: refusal.RANK[fault.code])


def find_faults(event: object, *, received: datetime, business_date: date, codes: CodeLookup) -> list[Fault]:
    """Return every reason to refuse one event that the event alone shows, in the order of the refusal codes.

    Args:
        event: a JSON value as `parse_event` gives it.
        received: intake's stamp, with an offset.
        business_date: the local date in Europe/Stockholm that the installation works with.
        codes: the codes of the catalogue.

    Returns:
        The faults, each code and field once; an empty list where nothing speaks against the event. Not judged here:
        whether the text was JSON, the sender's rights, erased persons and conflicts with earlier events.
    """
    faults = _Faults()
    report = faults.report
    if contains_identity_number(event):
        for path in identity_number_paths(event):
            report(
                refusal.IDENTITY_NUMBER,
                path or None,
                "This holds a personal identity number or coordination number. Send the person's pseudonym instead.",
            )
    if not isinstance(event, dict):
        report(refusal.NOT_CLOUDEVENTS, None, "An event must be a JSON object with the attributes of CloudEvents 1.0.")
        return faults.in_order()
    time = judge_envelope(event, report)
    if time is not None and time - received > LONGEST_AHEAD:
        report(
            refusal.TIME_IN_FUTURE,
            "time",
            "time lies more than 10 minutes after the event was received. Check the clock and the offset.",
        )
    event_type = event.get("type")
    if is_attribute_text(event_type):
        contract = event_types().get(event_type)
        if contract is None:
            report(refusal.UNKNOWN_TYPE, "type", _unknown_type(event_type))
        if isinstance(schema := event.get("dataschema"), str) and schema != f"urn:efterhand:{event_type}:1":
            report(
                refusal.UNKNOWN_SCHEMA,
                "dataschema",
                "dataschema must be urn:efterhand:, the type, and :1; or leave it out.",
            )
    else:
        contract = None
    if "data" not in event:
        report(refusal.MISSING_FIELD, "data", "data is missing: an object with the fields of the type.")
        return faults.in_order()
    data = event["data"]
    if isinstance(data, dict) and contract is not None:
        if not contract.validator.is_valid(data):
            _judge_nulls(data, report)
            _judge_shape(contract, data, report)
        _judge_values(contract, data, business_date, codes, report)
    else:
        _judge_nulls(data, report)
        if not isinstance(data, dict):
            report(refusal.WRONG_VALUE, "data", "data must be a JSON object with the fields of the type.")
    return faults.in_order()


@lru_cache(maxsize=4096)
def day_of(text: str) -> date | None:
    """Read a day written YYYY-MM-DD; None where it is no real day."""
    if not _DAY.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _judge_nulls(data: object, report: Report) -> None:
    pending: list[tuple[str, object]] = [("data", data)]
    while pending:
        path, value = pending.pop()
        if value is None:
            report(refusal.WRONG_VALUE, path, "null is no value. Leave the field out where there is nothing to say.")
        elif isinstance(value, dict):
            pending.extend((join_path(path, key), member) for key, member in reversed(value.items()))
        elif isinstance(value, list):
            pending.extend((f"{path}[{index}]", value[index]) for index in range(len(value) - 1, -1, -1))


def _judge_shape(contract: Contract, data: dict[str, Any], report: Report) -> None:
    """Turn the schema's errors into codes: what is missing, what is too much, what is wrong."""
    for error in contract.validator.iter_errors(data):
        kind, details = error.kind.name, error.kind.as_dict()
        path = _path(error.instance_path)
        rule = _rule_of(contract.schema, error.schema_path)
        if kind == "required":
            name = details["property"]
            says = rule or f"{name} is missing; {contract.type} must have it."
            report(refusal.MISSING_FIELD, join_path(path, name), says)
        elif kind == "anyOf":
            first = contract.schema["anyOf"][0]["required"][0]
            report(refusal.MISSING_FIELD, join_path(path, first), contract.schema["x-any-of-says"])
        elif kind == "additionalProperties":
            fields = list(_schema_at(contract.schema, error.instance_path).get("properties", {}))
            for name in details["unexpected"]:
                report(refusal.UNKNOWN_FIELD, join_path(path, name), _unknown_field(name, fields))
        else:
            expected = _schema_at(contract.schema, error.instance_path).get("x-expect", "something else")
            report(refusal.WRONG_VALUE, path, rule or f"This value is not possible; it must be {expected}.")


def _judge_values(
    contract: Contract, data: dict[str, Any], business_date: date, lookup: CodeLookup, report: Report
) -> None:
    """What a schema cannot tell: days against each other and today, the age, the catalogue's codes."""
    on = None
    if contract.business_date_field is not None:
        on = _day_in(data, contract.business_date_field)
        if on is not None:
            field = f"data.{contract.business_date_field}"
            if on < EARLIEST_DAY:
                report(refusal.ON_TOO_EARLY, field, "The day is before 1990-01-01. Check the year.")
            elif (on - business_date).days > 1:
                report(
                    refusal.ON_IN_FUTURE,
                    field,
                    "The day is later than the day after the business date. Send the event when it has happened.",
                )
    for name, bound in _limits(contract.type):
        _judge_limit(name, bound, data, on, business_date, report)
    for name, list_name in contract.codelist_fields.items():
        code = data.get(name)
        if isinstance(code, str) and not lookup.has(list_name, code):
            report(
                refusal.UNKNOWN_CODE,
                f"data.{name}",
                f"The catalogue has no such {_LIST_WORDS[list_name]}. "
                "GET /intake/v1/catalogue lists the codes that can be sent.",
            )


def _judge_limit(
    name: str, bound: str, data: dict[str, Any], on: date | None, business_date: date, report: Report
) -> None:
    value = data.get(name)
    field = f"data.{name}"
    if bound == "age":
        if not isinstance(value, int | float) or isinstance(value, bool) or value % 1 != 0 or on is None:
            return
        if not YOUNGEST <= on.year - value <= OLDEST:
            report(
                refusal.AGE_OUT_OF_RANGE,
                field,
                f"The person would be under {YOUNGEST} or over {OLDEST} years old on that day. "
                "Check the year of birth and the day.",
            )
    elif bound == "business-month":
        if isinstance(value, str) and _MONTH.fullmatch(value) and value > business_date.isoformat()[:7]:
            report(
                refusal.WRONG_VALUE,
                field,
                "The month is after the month of the business date. Report a month when it has begun.",
            )
    elif isinstance(value, str) and (day := day_of(value)) is not None:
        if bound == "business-date" and day > business_date:
            report(
                refusal.WRONG_VALUE, field, "The day is after the business date. Report through a day that has come."
            )
        elif bound == "on" and on is not None and day > on:
            report(refusal.WRONG_VALUE, field, f"{name} is after on. It must be the same day or an earlier one.")


@lru_cache
def _limits(event_type: str) -> tuple[tuple[str, str], ...]:
    """The fields of a type that are held against another date: (field, what it is held against)."""
    properties = event_types()[event_type].properties
    return tuple(
        (name, "age" if "x-age-on" in field else field["x-not-after"])
        for name, field in properties.items()
        if "x-age-on" in field or "x-not-after" in field
    )


def _day_in(data: dict[str, Any], field: str) -> date | None:
    text = data.get(field)
    return day_of(text) if isinstance(text, str) else None


def _path(instance_path: list[str | int]) -> str:
    path = "data"
    for part in instance_path:
        path = f"{path}[{part}]" if isinstance(part, int) else join_path(path, part)
    return path


def _rule_of(schema: Mapping[str, Any], schema_path: list[str | int]) -> str | None:
    """The sentence of the rule between several fields that was broken; None where it was a single field's."""
    if schema_path[0] != "allOf":
        return None
    says: str = schema["allOf"][int(schema_path[1])]["description"]
    return says


def _schema_at(schema: Mapping[str, Any], instance_path: list[str | int]) -> Mapping[str, Any]:
    for part in instance_path:
        schema = schema.get("properties", {}).get(part, {})
    return schema


def _unknown_type(event_type: str) -> str:
    near = _nearest(event_type, event_types())
    return f"There is no such event type{near}. The types are {', '.join(event_types())}."


def _unknown_field(name: str, fields: list[str]) -> str:
    return f"There is no such field here{_nearest(name, fields)}. The fields are {', '.join(fields)}."


def _nearest(word: str, words: Iterable[str]) -> str:
    near = get_close_matches(word[:60].lower(), list(words), n=1, cutoff=0.6)
    return f"; perhaps {near[0]} is meant" if near else ""
