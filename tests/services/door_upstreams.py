"""The three services as the door sees them: the replies that their HTTP interface documents, made up and small."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from urllib.parse import unquote

import httpx

from efterhand.catalogue import load_catalogue
from efterhand.settings import Settings
from efterhand.web.tokens import Tokens
from tests.services.door_sums import SUMS

SECRET = "5a" * 32
TODAY = date(2017, 12, 31)
CATALOGUE = load_catalogue("stockholm")
DIGEST = {"buckets": {"0": [39_897, "9f3a2c4411d0e87b"]}, "count": 39_897, "sum": "9f3a2c4411d0e87b"}
STATUS = {"date": TODAY.isoformat(), "outbox": 0, "lag": 0, "dirty": 0, "parked": 0, "digest": DIGEST}
OWN_STATUS: dict[str, dict[str, Any]] = {
    "intake": {},
    "followup": {"through": {"cases": "2017-12-31", "assistance": "2017-11-30", "answers": None}},
    "indicators": {"as_of": {"cases": "2017-12-31", "assistance": "2017-11-30", "answers": "2017-12-31"}},
}


def door_settings() -> Settings:
    return Settings(
        intake_url="http://intake.test", followup_url="http://followup.test", indicators_url="http://indicators.test"
    )


def door_tokens() -> Tokens:
    return Tokens(SECRET)


def a_check(number: int, **changes: Any) -> dict[str, Any]:
    """A check as the worklist gives it: overdue, to be answered, nothing done about it yet."""
    units = ("jobbtorg-kista", "jobbtorg-unga-globen", "jobbtorg-farsta")
    due = TODAY - timedelta(days=3 + number)
    case = f"c-2017-{number:05d}"
    protocol = CATALOGUE.protocols[changes.get("protocol", "occupation_6m")]
    anchor_on = changes.get("anchor_on", (due - timedelta(days=183)).isoformat())
    check = {
        "id": f"{protocol.id}:p-{number:016x}:{case}",
        "ref": f"{number:024x}",
        "protocol": protocol.id,
        "subject": case,
        "case": case,
        "person": f"p-{number:016x}",
        "unit": units[number % 3],
        "worker": None,
        "anchor_on": anchor_on,
        "due": due.isoformat(),
        "gives_up_on": (due + timedelta(days=61)).isoformat(),
        "state": "overdue",
        "group": "overdue",
        "open": True,
        "late": False,
        "flag": None,
        "settled_on": None,
        "because": [],
        "link": f"https://flai.example/arende/{case}",
        "why": {"day": anchor_on, "anchor": protocol.anchor, "rule": protocol.id, "event": {"source": "/a", "id": "1"}},
        "takes_answer": protocol.takes_answers,
        "asks_register": protocol.reads_month,
        "tried": [],
        "postponed_until": None,
        "response": None,
        "occupation": None,
        "missed_why": None,
        "acts": [],
    }
    return {**check, **changes}


def an_act(kind: str, key: str = "k1", **changes: Any) -> dict[str, Any]:
    """Something that the reader has done with a check."""
    said = {"answer": {"occupation": "work"}, "attempt": {"how": "phone"}, "postpone": {"until": "2018-01-14"}}
    act = {
        "key": key,
        "kind": kind,
        "on": TODAY.isoformat(),
        "said": said.get(kind, {}),
        "event": None if kind == "postpone" else {"source": "/efterhand/followup", "id": key},
        "pending": kind != "postpone",
        "undoes": None,
        "undone": False,
        "mine": True,
    }
    return {**act, **changes}


def told(on: str, type_: str, **changes: Any) -> dict[str, Any]:
    """An event of a case as its story gives it."""
    marks = {name: changes.pop(name, first) for name, first in
             (("corrects", False), ("corrected", False), ("retracted_on", None), ("doubts", []))}  # fmt: skip
    return {
        "source": "/stockholm/flai",
        "id": f"{type_}-{on}",
        "type": type_,
        "on": on,
        "time": f"{on}T08:00:00+00:00",
        "received": f"{on}T09:00:00+00:00",
        "data": {"on": on, **changes},
        **marks,
    }


EVENTS = [
    told("2016-11-07", "case.enrolled", case="c", unit="jobbtorg-kista", target_group="ordinary"),
    told("2016-11-08", "plan.set", case="c"),
    told("2016-11-10", "case.assigned", case="c", worker="eva01"),
    told("2016-12-01", "case.transferred", case="c", unit="jobbtorg-farsta", target_group="resource"),
    told("2016-12-05", "guidance.held", case="c", retracted_on="2016-12-06"),
    told("2017-01-15", "offer.made", case="c", kind="job"),
    told("2017-02-01", "measure.started", case="c", measure="m", kind="internship"),
    told("2017-05-02", "case.closed", case="c", reason="studies", corrected=True),
    told("2017-06-15", "measure.ended", case="c", measure="m", result="completed"),
    told("2017-06-26", "case.closed", case="c", reason="work", corrects=True),
    told("2017-06-27", "consent.changed", contact=True),
    told("2017-06-28", "case.transferred", case="c", unit="jobbtorg-kista", doubts=["transfer_before_enrolment"]),
    {**told("2017-07-01", "assistance.reported"), "data": {"month": "2017-07", "receives": False}},
    told("2017-12-20", "followup.attempted", check="occupation_6m", subject="c", how="sms"),
]


def a_figure(value: str | None, numerator: int | None, denominator: int | None, **changes: Any) -> dict[str, Any]:
    row = {
        "dims": {},
        "value": value,
        "numerator": numerator,
        "denominator": denominator,
        "expected": None,
        "sum": None,
        "coverage": None,
        "status": "shown",
        "target": None,
        "judgement": "not_judged",
    }
    return {**row, **changes}


def by_sex(whole: dict[str, Any], women: dict[str, Any], men: dict[str, Any]) -> list[dict[str, Any]]:
    return [whole, {**women, "dims": {"sex": "female"}}, {**men, "dims": {"sex": "male"}}]


FIGURES: dict[str, list[dict[str, Any]]] = {
    "closed_12m": by_sex(
        a_figure("79.75", 1292, 1620, target="78", judgement="met"),
        a_figure("78.74", 600, 762),
        a_figure("80.57", 684, 849),
    ),
    "self_sufficient_6m": by_sex(
        a_figure("75.78", 945, 1247, expected=1434, coverage="0.8696", target="84", judgement="partly"),
        a_figure("73.62", 441, 599, expected=678, coverage="0.8835"),
        a_figure(None, 100, 200, expected=400, coverage="0.5000", status="low_coverage"),
    ),
    "offer_90d": by_sex(
        a_figure("86.0", 698, 811, target="100", judgement="not_met"),
        a_figure("95.7", 332, 347),
        a_figure(None, 0, 0, status="no_data"),
    ),
    "unique_persons": by_sex(a_figure("3412", 3412, None), a_figure("1598", 1598, None), a_figure("1799", 1799, None)),
}


NOTHING = by_sex(*(a_figure(None, 0, 0, status="no_data") for _ in range(3)))


@dataclass
class Services:
    """What the services say; take one away with `down`, and read what was posted from `answers`."""

    checks: list[dict[str, Any]] = field(default_factory=lambda: [a_check(number) for number in range(1, 24)])
    down: set[str] = field(default_factory=set)
    acts: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    """What was done: the check (or "acts" of several), what, and the body."""
    views: dict[str, str] = field(default_factory=dict)
    staff: str | None = None
    others: list[dict[str, Any]] = field(default_factory=list)
    """The other checks of the case whose story is told."""
    asked: list[httpx.URL] = field(default_factory=list)
    tokens_sent: set[str] = field(default_factory=set)
    statuses: dict[str, dict[str, Any]] = field(default_factory=dict)
    due_items: list[dict[str, Any]] = field(default_factory=lambda: [
        {"unit": "jobbtorg-unga-globen", "overdue": 14, "todo": 6, "waiting": 11},
        {"unit": "jobbtorg-kista", "overdue": 21, "todo": 2, "waiting": 12},
        {"unit": "jobbtorg-farsta", "overdue": 0, "todo": 3, "waiting": 1},
    ])  # fmt: skip
    figures: Mapping[str, list[dict[str, Any]]] = field(default_factory=lambda: FIGURES)
    computing: dict[str, int] | None = None
    """How far a changed catalogue has been computed, by which there are neither figures nor checks yet."""
    act_reply: tuple[int, dict[str, Any]] = (202, {"event": {"source": "/efterhand/followup", "id": "1"}})
    sums: dict[tuple[str, str], dict[str, Any]] = field(default_factory=lambda: dict(SUMS))
    resend_reply: tuple[int, dict[str, Any]] = (202, {"results": [{"outcome": "accepted"}]})

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._reply)

    def _reply(self, request: httpx.Request) -> httpx.Response:
        service, version, *path = unquote(request.url.path).strip("/").split("/", 2)
        assert version == "v1"
        self.asked.append(request.url)
        self.tokens_sent.add(request.headers["authorization"])
        if service in self.down:
            raise httpx.ConnectError("connection refused", request=request)
        return self._answer(request, service, path[0])

    def _answer(self, request: httpx.Request, service: str, path: str) -> httpx.Response:
        query = request.url.params
        if path == "status":
            return httpx.Response(200, json={**STATUS, **OWN_STATUS[service], **self.statuses.get(service, {})})
        if self.computing and (path.startswith("figures/") or path.endswith("/story")):
            progress = {**self.computing, "percent": 0}
            return httpx.Response(503, json={"code": "being_computed", "progress": progress})
        if (service, path) in self.sums:
            return httpx.Response(200, json=self.sums[service, path])
        if path.endswith("/resend"):
            self.acts.append((path.split("/")[1], "resend", {"body": request.content.decode()}))
            return httpx.Response(self.resend_reply[0], json=self.resend_reply[1])
        if path.startswith(("units/", "register/")):
            return httpx.Response(404, json={"code": "not_found"})
        if service == "followup":
            return self._followup(request, path, query)
        if service == "indicators" and path.startswith("figures/"):
            name = path.split("/")[1]
            return httpx.Response(200, json={
                "indicator": name, "from": "2017-01-01", "to": query["at"], "definition": "d1",
                "as_of": OWN_STATUS["indicators"]["as_of"][CATALOGUE.indicators[name].feed],
                "preliminary": name == "self_sufficient_6m", "rows": self.figures.get(name, NOTHING),
            })  # fmt: skip
        raise AssertionError(f"the door asked for {request.method} {request.url}")

    def _followup(self, request: httpx.Request, path: str, query: httpx.QueryParams) -> httpx.Response:
        told = {} if self.computing is None else {"computing": self.computing}
        groups = ("overdue", "todo", "waiting")
        if path == "worklist/counts":
            whole = {group: sum(unit[group] for unit in self.due_items) for group in groups}
            body = {"on": TODAY.isoformat(), "items": self.due_items, "all": whole, **told}
            return httpx.Response(200, json=body)
        if path == "worklist":
            return httpx.Response(200, json={**self._listed(query), **told})
        if path == "references":
            refs = query["ref"].split(",")
            found = [{"ref": each["ref"], "check": each["id"]} for each in self._all() if each["ref"] in refs]
            return httpx.Response(200, json={"items": found})
        if path == "views":
            views = [{"name": name, "query": self.views[name]} for name in sorted(self.views)]
            return httpx.Response(200, json={"items": views})
        if path.startswith("views/"):
            if request.method == "PUT":
                self.views[path.removeprefix("views/")] = json.loads(request.content)["query"]
            else:
                self.views.pop(path.removeprefix("views/"), None)
            return httpx.Response(204)
        if path.startswith("checks/") and request.method == "POST":
            return self._act(path.removeprefix("checks/"), json.loads(request.content))
        if path.endswith("/story"):
            return self._story(path.split("/")[1])
        raise AssertionError(f"the door asked for {request.method} {request.url}")

    def _all(self) -> list[dict[str, Any]]:
        return [*self.checks, *self.others]

    def _listed(self, query: httpx.QueryParams) -> dict[str, Any]:
        among = [
            check
            for check in self.checks
            if query.get("unit") in (None, check["unit"])
            and query.get("protocol") in (None, check["protocol"])
            and query.get("case", "") in check["case"]
        ]
        counts = Counter(check["group"] for check in among)
        groups = query["group"].split(",")
        wanted = [check for check in among if check["group"] in groups or {"missed", "list"} & set(query)]
        start, limit = int(query.get("cursor") or 0), int(query["limit"])
        return {
            "items": wanted[start : start + limit],
            "next": str(start + limit) if start + limit < len(wanted) else None,
            "on": TODAY.isoformat(),
            "counts": {group: counts[group] for group in ("overdue", "todo", "waiting", "done")},
            "total": len(wanted),
            "staff": self.staff,
        }

    def _act(self, path: str, body: dict[str, Any]) -> httpx.Response:
        check, _, kind = path.rpartition("/")
        self.acts.append((check, kind, body))
        if kind != "acts" or self.act_reply[0] >= 300:
            return httpx.Response(self.act_reply[0], json=self.act_reply[1])
        checks = body.get("checks", [self.checks[0]["id"]])
        saved = [{"check": each, "saved": True, "code": None, "message": None} for each in checks]
        results = self.act_reply[1].get("results", saved)
        return httpx.Response(202 if all(each["saved"] for each in results) else 207, json={"results": results})

    def _story(self, check_id: str) -> httpx.Response:
        check = next((each for each in self._all() if each["id"] == check_id), None)
        if check is None:
            return httpx.Response(404, json={"code": "not_found"})
        notice = {
            "check": check_id,
            "step": "-14",
            "moment": "2017-12-14",
            "send_on": "2017-12-14",
            "to": "worker:eva01",
        }
        return httpx.Response(200, json={
            "on": TODAY.isoformat(), "check": check, "postpone_until": "2018-02-27", "events": EVENTS,
            "checks": [each for each in self.others if each["id"] != check_id],
            "notices": [
                {**notice, "id": "n1", "status": "withdrawn", "made_on": "2017-12-14", "withdrawn_on": "2017-12-28"},
                {**notice, "id": "n2", "step": "0", "to": "manager:jobbtorg-kista", "send_on": "2017-12-28",
                 "status": "open", "made_on": "2017-12-28", "withdrawn_on": None},
            ],
        })  # fmt: skip


def town_of_work() -> Services:
    """A list with something of everything that a page can show."""
    services = Services()
    tried = [{"on": "2017-12-20", "how": "phone"}, {"on": "2017-12-27", "how": "sms"}]
    services.checks = [
        a_check(1, protected=True, worker="eva01"),
        a_check(2, acts=[an_act("answer")]),
        *(a_check(number) for number in range(3, 9)),
        a_check(9, state="due", group="todo", due="2017-12-31", link=None),
        a_check(10, protocol="offer_90d", state="upcoming", group="todo", due="2018-01-09", anchor_on="2017-10-11"),
        a_check(11, protocol="plan_5d", state="upcoming", group="todo", due="2018-01-10", anchor_on="2018-01-02"),
        a_check(12, group="waiting", tried=tried),
        a_check(13, group="waiting", postponed_until="2018-01-14", acts=[an_act("postpone")]),
        a_check(14, protocol="assistance_7m", group="waiting"),
        a_check(15, group="done", state="answered", open=False, response="answered", occupation="studies"),
        a_check(16, group="done", state="expired", open=False),
    ]
    services.others = [
        a_check(31, protocol="assistance_7m", group=None, state="scheduled", due="2018-01-26"),
        a_check(32, protocol="plan_5d", group=None, state="met", open=False, due="2016-11-14"),
        a_check(33, protocol="offer_90d", group=None, state="missed", open=False, due="2017-02-05"),
    ]
    services.views = {"Mina förfallna": "group=overdue", "Väntar, Kista": "group=waiting&unit=jobbtorg-kista"}
    return services
