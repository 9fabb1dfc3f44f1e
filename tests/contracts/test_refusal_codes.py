"""Every refusal code that one event by itself can show, by its name, with its bounds."""

from datetime import timedelta
from typing import Any

import pytest

from efterhand.contracts import REFUSAL_CODES, NotJson, find_faults, parse_event
from tests.contracts.support import BUSINESS_DATE, RECEIVED, Codes, closed, closed_with, codes_of, examples, faults_of


def enrolled_with(**changes: Any) -> dict[str, Any]:
    event = next(e for t, n, e in examples("valid") if (t, n) == ("case.enrolled", "smallest"))
    return {**event, "data": {**event["data"], **changes}}


def test_the_codes_are_told_in_the_order_of_the_closed_list() -> None:
    assert list(REFUSAL_CODES) == [
        "not_json",
        "not_cloudevents",
        "identity_number",
        "unknown_type",
        "unknown_schema",
        "missing_field",
        "unknown_field",
        "wrong_value",
        "time_in_future",
        "on_too_early",
        "on_in_future",
        "age_out_of_range",
        "unknown_code",
        "source_not_allowed",
        "person_erased",
        "conflict",
    ]


def test_not_json() -> None:
    with pytest.raises(NotJson):
        parse_event(b'{"specversion": "1.0",')


@pytest.mark.parametrize("value", [None, True, 1, 1.5, "x", [], [{}]])
def test_not_cloudevents_is_what_is_no_object(value: object) -> None:
    assert [(fault.code, fault.field) for fault in faults_of(value)] == [("not_cloudevents", None)]


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("specversion", ...),
        ("specversion", None),
        ("specversion", 1.0),
        ("specversion", "1"),
        ("id", ...),
        ("id", None),
        ("id", ""),
        ("id", 5),
        ("id", "a\nb"),
        ("id", "a\uffff"),
        ("source", ...),
        ("source", ""),
        ("source", "/a b"),
        ("source", "/göteborg"),
        ("source", "1a:b"),
        ("source", "%zz"),
        ("source", ["/a"]),
        ("type", ...),
        ("type", ""),
        ("type", {}),
        ("time", "2017-03-01T09:12:00"),
        ("time", "2017-03-01 09:12:00Z"),
        ("time", "2017-02-29T09:12:00Z"),
        ("time", "2017-03-01T24:00:00Z"),
        ("time", "2016-12-31T23:59:60Z"),
        ("time", "2017-03-01T09:12:00+0100"),
        ("time", "2017-03-01T09:12:00+24:00"),
        ("time", "2017-03-01T09:12:00.Z"),
        ("time", "0001-01-01T00:00:00+01:00"),
        ("time", 1488355920),
        ("datacontenttype", "text/xml"),
        ("datacontenttype", "application/json5"),
        ("datacontenttype", "application/json; charset"),
        ("datacontenttype", 1),
        ("dataschema", 1),
        ("subject", ""),
        ("subject", 1),
        ("data_base64", "e30="),
        ("Upper", "x"),
        ("with_line", "x"),
        ("", "x"),
        ("trace", {}),
        ("trace", []),
        ("trace", 1.5),
        ("trace", 2**31),
        ("trace", "a\x00b"),
    ],
)
def test_not_cloudevents_is_an_attribute_that_breaks_the_rules(attribute: str, value: object) -> None:
    assert [(fault.code, fault.field) for fault in faults_of(closed(**{attribute: value}))] == [
        ("not_cloudevents", attribute)
    ]


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("id", "ä " * 10),
        ("source", "https://case.example:8443/a%20b?c=d#e"),
        ("source", "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66"),
        ("source", "flai"),
        ("source", "//host/a"),
        ("source", "../a:b"),
        ("source", "mailto:flai@case.example"),
        ("time", "2017-03-01t09:12:00.123456789z"),
        ("time", "2017-03-01T09:12:00-00:00"),
        ("time", "1970-01-01T00:00:00.1+23:59"),
        ("datacontenttype", ...),
        ("datacontenttype", None),
        ("datacontenttype", 'Application/JSON ; charset="utf-8"'),
        ("dataschema", None),
        ("dataschema", "urn:efterhand:case.closed:1"),
        ("subject", "någon"),
        ("trace", None),
        ("trace", True),
        ("trace", -(2**31)),
        ("trace", 3.0),
        ("trace", ""),
        ("data_base64", None),
    ],
)
def test_an_attribute_within_the_rules_is_no_fault(attribute: str, value: object) -> None:
    assert faults_of(closed(**{attribute: value})) == []


@pytest.mark.parametrize(
    ("event", "field"),
    [
        (closed(id="811218-9876"), "id"),
        (closed(trace="x 19811218+9876"), "trace"),
        (closed(**{"198112189876": "x"}), "[identity number]"),
        (closed_with(person="8112189876"), "data.person"),
        (closed_with(note={"a": [1, 8112189876]}), "data.note.a[1]"),
        (closed_with(note=8112189876.0), "data.note"),
        (closed_with(**{"x-811278-9873": 1}), "data.x-[identity number]"),
        ("811218-9876", None),
    ],
)
def test_identity_number_is_found_anywhere_in_the_event(event: object, field: str | None) -> None:
    found = [fault for fault in faults_of(event) if fault.code == "identity_number"]
    assert [fault.field for fault in found] == [field]
    assert "811218" not in str(faults_of(event))


def test_unknown_type() -> None:
    fault = faults_of(closed(type="case.close"))[0]
    assert (fault.code, fault.field) == ("unknown_type", "type")
    assert "perhaps case.closed is meant" in fault.message


def test_of_an_unknown_type_only_what_holds_for_all_is_judged() -> None:
    data = {"anything": {"goes": 1}, "on": "1800-01-01"}
    assert codes_of(closed(type="case.paused", data=data)) == ["unknown_type"]
    assert codes_of(closed(type="case.paused", data={**data, "x": None})) == ["unknown_type", "wrong_value"]
    assert codes_of(closed(type="case.paused", data=[])) == ["unknown_type", "wrong_value"]
    assert codes_of(closed(type="case.paused", data=..., time="2018-01-01T00:00:00Z")) == [
        "unknown_type",
        "missing_field",
        "time_in_future",
    ]


@pytest.mark.parametrize("name", ["urn:efterhand:case.closed:2", "urn:efterhand:plan.set:1", "", "https://x.example"])
def test_unknown_schema(name: str) -> None:
    assert codes_of(closed(dataschema=name)) == ["unknown_schema"]


@pytest.mark.parametrize("attribute", ["time", "data"])
def test_missing_field_in_the_envelope(attribute: str) -> None:
    faults = faults_of(closed(**{attribute: ...}))
    assert [(fault.code, fault.field) for fault in faults] == [("missing_field", attribute)]


def test_missing_field_in_the_data() -> None:
    faults = faults_of(closed(data={}))
    assert [(fault.code, fault.field) for fault in faults] == [
        ("missing_field", f"data.{name}") for name in ("person", "case", "on", "reason")
    ]


def test_unknown_field_says_what_may_have_been_meant() -> None:
    (fault,) = faults_of(closed_with(raeson="x"))
    assert (fault.code, fault.field) == ("unknown_field", "data.raeson")
    assert "perhaps reason is meant" in fault.message


@pytest.mark.parametrize(
    ("event", "field"),
    [
        (closed(data=None), "data"),
        (closed(data=[]), "data"),
        (closed(data="{}"), "data"),
        (closed_with(case=None), "data.case"),
        (closed_with(case="å"), "data.case"),
        (closed_with(case=""), "data.case"),
        (closed_with(case="c\n"), "data.case"),
        (closed_with(case="c" * 101), "data.case"),
        (closed_with(on="2017-2-8"), "data.on"),
        (closed_with(on="20170228"), "data.on"),
        (closed_with(on="2017-W09-2"), "data.on"),
        (closed_with(on="0000-01-01"), "data.on"),
        (closed_with(on="２０１７-02-28"), "data.on"),
        (closed_with(on="2017-02-28\n"), "data.on"),
        (closed_with(on=True), "data.on"),
        (closed_with(reason=["work"]), "data.reason"),
        (closed(id="x" * 501), "id"),
        (closed(source="/" + "x" * 500), "source"),
        (closed(personhash="ab"), "personhash"),
    ],
)
def test_wrong_value(event: object, field: str) -> None:
    assert [(fault.code, fault.field) for fault in faults_of(event)] == [("wrong_value", field)]


def test_null_is_a_wrong_value_at_any_depth_of_the_data_and_beside_other_faults() -> None:
    faults = faults_of(closed_with(note={"a": [None, {"b": None}]}))
    assert [(fault.code, fault.field) for fault in faults] == [
        ("unknown_field", "data.note"),
        ("wrong_value", "data.note.a[0]"),
        ("wrong_value", "data.note.a[1].b"),
    ]


def test_time_in_future_begins_after_ten_minutes() -> None:
    assert codes_of(closed(time="2017-03-01T13:10:00+01:00")) == []
    assert codes_of(closed(time="2017-03-01T13:10:00.0000009+01:00")) == []
    assert codes_of(closed(time="2017-03-01T13:10:00.000001+01:00")) == ["time_in_future"]
    later = RECEIVED + timedelta(microseconds=1)
    event = closed(time="2017-03-01T13:10:00.000001+01:00")
    assert find_faults(event, received=later, business_date=BUSINESS_DATE, codes=Codes()) == []


def test_on_too_early_is_before_1990() -> None:
    assert codes_of(closed_with(on="1990-01-01")) == []
    assert codes_of(closed_with(on="1989-12-31")) == ["on_too_early"]
    assert codes_of(closed_with(on="0001-01-01")) == ["on_too_early"]


def test_on_in_future_is_later_than_the_day_after_the_business_date() -> None:
    assert codes_of(closed_with(on="2017-03-02")) == []
    assert codes_of(closed_with(on="2017-03-03")) == ["on_in_future"]
    assert codes_of(closed_with(on="9999-12-31")) == ["on_in_future"]


@pytest.mark.parametrize(
    ("birth_year", "codes"),
    [
        (2005, ["age_out_of_range"]),
        (2004, []),
        (2004.0, []),
        (1917, []),
        (1916, ["age_out_of_range"]),
        (-(10**30), ["age_out_of_range"]),
        (1e300, ["age_out_of_range"]),
        (True, ["wrong_value"]),
        (2000.5, ["wrong_value"]),
        ("2000", ["wrong_value"]),
    ],
)
def test_age_out_of_range_is_under_13_or_over_100(birth_year: object, codes: list[str]) -> None:
    assert codes_of(enrolled_with(birth_year=birth_year)) == codes


def test_unknown_code() -> None:
    (fault,) = faults_of(closed_with(reason="retired"))
    assert (fault.code, fault.field) == ("unknown_code", "data.reason")
    assert "closure reason" in fault.message


def test_every_code_that_applies_is_told_together() -> None:
    event = closed(
        type="case.enrolled",
        time="2017-03-02T00:00:00Z",
        dataschema="urn:x",
        data={"person": "p", "case": "c", "on": "2017-03-03", "unit": "x", "sex": "f", "birth_year": 2016, "y": 1},
    )
    assert codes_of(event) == [
        "unknown_schema",
        "missing_field",
        "unknown_field",
        "wrong_value",
        "time_in_future",
        "on_in_future",
        "age_out_of_range",
        "unknown_code",
    ]


def test_a_field_name_from_outside_is_cut_and_made_printable() -> None:
    (fault,) = faults_of(closed_with(**{"a\n\x1b" + "b" * 10_000: 1}))
    assert fault.field is not None
    assert fault.field.isprintable()
    assert len(fault.field) < 120
    assert len(fault.message) < 200
