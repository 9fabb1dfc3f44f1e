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
from efterhand.dates import add_months, last_day_of_month
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


def a_channel(kind: str, number: int = 1, **changes: Any) -> dict[str, Any]:
    """A channel as followup lists it: nothing has been sent yet."""
    targets = {"email": "kista@stockholm.se", "webhook": "https://hooks.stockholm.se/…", "chat": "mmosts://chat/T…k/"}
    channel = {
        "id": f"{number:016x}", "kind": kind, "audience": "unit", "unit": "jobbtorg-kista", "staff": None,
        "target": targets.get(kind, ""), "language": "sv", "made_on": "2017-12-01", "delivered_at": None,
        "failing_since": None, "reason": None, "waiting": 0, "failed": 0, "read_at": None,
    }  # fmt: skip
    return {**channel, **changes}


def channels_of_all_kinds() -> list[dict[str, Any]]:
    """Channels in every state that a page can show."""
    return [
        a_channel("email", 1, delivered_at="2017-12-29T06:00:03Z"),
        a_channel("email", 2, audience="manager", failing_since="2017-12-28T06:00:10Z", reason="no_answer", waiting=2),
        a_channel("webhook", 3, delivered_at="2017-12-20T06:00:01Z", failed=3, reason="refused 500"),
        a_channel("calendar", 4, audience="worker", unit=None, staff="eva01", read_at="2017-12-30T18:12:44Z"),
        a_channel("chat", 5, waiting=1),
        a_channel("calendar", 6, audience="register", unit=None),
    ]


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


SOME_OF = {
    "unit": ("stockholm", "norra", "jobbtorg-kista", "jobbtorg-farsta"),
    "target_group": ("ordinary", "resource"),
    "age_band": ("16-19", "55+"),
    "closure_reason": ("work", "studies"),
}
"""What a breakdown is made of."""


def _cell_of(query: httpx.QueryParams) -> dict[str, str]:
    return dict(each.split(":") for each in query.get("cell", "").split(",") if each)


def a_counted_case(number: int, **changes: Any) -> dict[str, Any]:
    """A case behind a figure: every second fulfils, every fifth has not been reported."""
    reported = int(number % 5 > 0)
    case = f"c-2017-{number:05d}"
    item = {
        "person": f"p-{number:016x}",
        "subject": case,
        "check": None,
        "day": "2017-06-15",
        "until": "2017-06-15",
        "dims": {
            "sex": ("female", "male", "unknown")[number % 3], "unit": "jobbtorg-kista", "target_group": "ordinary",
            "age_band": "25-29", "closure_reason": "work",
        },
        "numerator": number % 2 * reported, "denominator": reported, "expected": 1, "sum": None,
        "case": case,
        "link": f"https://flai.example/arende/{case}",
    }  # fmt: skip
    return {**item, **changes}


def _end(to: str, known: str | None, numerator: int, value: str) -> dict[str, Any]:
    figure = a_figure(value, numerator, 811, expected=900, coverage="0.9011")
    figure.pop("dims")
    return {"from": "2017-01-01", "to": to, "known": known, "preliminary": False, "things": 900, **figure}


def _step(step: str, things: int, numerator: int, value: str) -> dict[str, Any]:
    return {"step": step, "things": things, "numerator": numerator, "denominator": 0, "expected": 0, "sum": None,
            "value": value}  # fmt: skip


BRIDGE: dict[str, Any] = {
    "earlier": _end("2017-11-30", "2017-11-30", 690, "85.1"),
    "steps": [
        _step("corrected", 3, 2, "85.3"), _step("came_in", 40, 31, "86.0"), _step("went_out", 38, -25, "86.0"),
        _step("changed", 0, 0, "86.0"),
    ],
    "later": _end("2017-12-31", None, 698, "86.0"),
}  # fmt: skip

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
    absent: dict[str, str] = field(default_factory=dict)
    """Figures that are missing in the table, and why."""
    refuses_cells: bool = False
    """Whether the reader has a right to the figures of all only."""
    cases: list[dict[str, Any]] = field(default_factory=lambda: [a_counted_case(number) for number in range(60)])
    cases_status: int = 200
    bridge: Mapping[str, Any] = field(default_factory=lambda: BRIDGE)
    computing: dict[str, int] | None = None
    """How far a changed catalogue has been computed, by which there are neither figures nor checks yet."""
    channels: list[dict[str, Any]] = field(default_factory=list)
    may_set: dict[str, Any] = field(default_factory=lambda: {
        "worker": True, "staff": "eva01", "units": None, "register": True, "everybody": True,
    })  # fmt: skip
    channel_reply: tuple[int, dict[str, Any]] | None = None
    """What becomes of anything that is done about channels, if it is not taken."""
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
        if service == "indicators" and path.split("/")[0] == "figures":
            return self._figures(path, query)
        raise AssertionError(f"the door asked for {request.method} {request.url}")

    def _figures(self, path: str, query: httpx.QueryParams) -> httpx.Response:
        """Every figure, the months of one, what led from one to another, and the cases behind one."""
        if self.refuses_cells and "cell" in query:
            return httpx.Response(403, json={"code": "outside_reach"})
        if path == "figures":
            names = [each for each in CATALOGUE.indicators if each not in self.absent]
            days = [date(int(query["at"][:4]) - 1, 12, 31), date.fromisoformat(query["at"])]
            absent = [{"indicator": name, "missing": why} for name, why in self.absent.items()]
            items = [self._series(name, days, query) for name in names]
            return httpx.Response(200, json={"cell": _cell_of(query), "items": [*items, *absent]})
        _, name, what = path.split("/")
        if what == "series":
            at, months = date.fromisoformat(query["at"]), int(query["months"])
            ends = [last_day_of_month(add_months(at.replace(day=1), -back)) for back in range(months)]
            return httpx.Response(200, json=self._series(name, ends[::-1], query))
        if what == "bridge":
            return httpx.Response(200, json=self.bridge | {"indicator": name})
        if what == "cases":
            start, limit = int(query.get("cursor") or 0), int(query["limit"])
            shown = self.cases[start : start + limit]
            following = str(start + limit) if start + limit < len(self.cases) else None
            window = {"indicator": name, "from": "2017-01-01", "to": query["at"]}
            return httpx.Response(self.cases_status, json={**window, "items": shown, "next": following})
        raise AssertionError(f"the door asked for {path}")

    def _series(self, name: str, days: list[date], query: httpx.QueryParams) -> dict[str, Any]:
        cell = _cell_of(query)
        by = [each for each in query.get("by", "").split(",") if each not in ("", "sex")]
        rows = [{**row, "dims": {**cell, **row["dims"]}} for row in self.figures.get(name, NOTHING)]
        parts = (
            [] if rows[0]["status"] == "not_available" else [(each, value) for each in by for value in SOME_OF[each]]
        )
        broken = [{**row, "dims": {**row["dims"], each: value}} for each, value in parts for row in rows]
        if cell:
            rows = [{**row, "target": None, "judgement": "not_judged"} for row in rows]
        feed = CATALOGUE.indicators[name].feed
        windows = [
            {
                "from": date(day.year - 1, day.month, 1).isoformat(),
                "to": day.isoformat(),
                "reason": None,
                "preliminary": feed == "assistance" and day >= TODAY,
                "projection": day > TODAY,
                "rows": [*rows, *broken],
            }
            for day in days
        ]
        return {
            "indicator": name,
            "as_of": OWN_STATUS["indicators"]["as_of"][feed],
            "business_date": TODAY.isoformat(),
            "cell": cell,
            "windows": windows,
        }

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
        if path.startswith("channels"):
            return self._channels(request, path)
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

    def _channels(self, request: httpx.Request, path: str) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json={"items": self.channels, "may_set": self.may_set})
        body = json.loads(request.content) if request.content else {}
        self.acts.append((path, request.method, body))
        if self.channel_reply is not None:
            return httpx.Response(self.channel_reply[0], json=self.channel_reply[1])
        if request.method == "DELETE":
            return httpx.Response(204)
        secrets = {"calendar": {"address": "https://efterhand.test/followup/v1/calendar/k3y.ics"},
                   "webhook": {"secret": "whsec_a2V5"}}  # fmt: skip
        kind = body.get("kind") or next((each["kind"] for each in self.channels if each["id"] in path), "email")
        secret = secrets.get(kind, {}) if path == "channels" or path.endswith("/renew") else {}
        return httpx.Response(201 if path == "channels" else 200, json={"kind": kind, **secret})

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
