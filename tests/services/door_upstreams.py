"""The three services as the door sees them: the replies that their HTTP interface documents, made up and small."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from urllib.parse import unquote

import httpx

from efterhand.catalogue import load_catalogue
from efterhand.settings import Settings
from efterhand.web.tokens import Tokens

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
    units = ("jobbtorg-kista", "jobbtorg-unga-globen", "jobbtorg-farsta")
    due = TODAY - timedelta(days=3 + number)
    check = {
        "id": f"occupation_6m:p-{number:016x}:c-2017-{number:05d}",
        "protocol": "occupation_6m",
        "subject": f"c-2017-{number:05d}",
        "case": f"c-2017-{number:05d}",
        "person": f"p-{number:016x}",
        "unit": units[number % 3],
        "anchor_on": (due - timedelta(days=183)).isoformat(),
        "due": due.isoformat(),
        "state": "overdue",
        "late": False,
        "flag": None,
        "settled_on": None,
        "because": [],
    }
    return {**check, **changes}


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
    answers: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    asked: list[httpx.URL] = field(default_factory=list)
    tokens_sent: set[str] = field(default_factory=set)
    statuses: dict[str, dict[str, Any]] = field(default_factory=dict)
    due_items: list[dict[str, Any]] = field(default_factory=lambda: [
        {"unit": "jobbtorg-unga-globen", "overdue": 14, "this_week": 6, "answerable": 11},
        {"unit": "jobbtorg-kista", "overdue": 21, "this_week": 2, "answerable": 12},
        {"unit": "jobbtorg-farsta", "overdue": 0, "this_week": 3, "answerable": 1},
    ])  # fmt: skip
    figures: Mapping[str, list[dict[str, Any]]] = field(default_factory=lambda: FIGURES)
    computing: dict[str, int] | None = None
    """How far a changed catalogue has been computed, by which there are neither figures nor checks yet."""
    answer_reply: tuple[int, dict[str, Any]] = (202, {"event": {"source": "/efterhand/followup", "id": "1"}})

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
        if self.computing and (path.startswith("figures/") or (path == "checks" and "case" in query)):
            progress = {**self.computing, "percent": 0}
            return httpx.Response(503, json={"code": "being_computed", "progress": progress})
        if service == "followup" and path == "due-summary":
            week = {"from": "2017-12-31", "to": "2017-12-31"}
            told = {} if self.computing is None else {"computing": self.computing}
            return httpx.Response(200, json={"on": TODAY.isoformat(), "week": week, "items": self.due_items, **told})
        if service == "followup" and path == "checks":
            wanted = [
                check
                for check in self.checks
                if all(query.get(name) in (None, check[name]) for name in ("case", "unit"))
                and check["protocol"] in query.get("protocol", check["protocol"]).split(",")
                and check["state"] in query.get("state", check["state"]).split(",")
            ]
            start, limit = int(query.get("cursor") or 0), int(query.get("limit") or 100)
            more = str(start + limit) if start + limit < len(wanted) else None
            return httpx.Response(200, json={"items": wanted[start : start + limit], "next": more})
        if service == "followup" and path.endswith("/answer") and request.method == "POST":
            self.answers.append((path.split("/")[1], httpx.Response(200, content=request.content).json()))
            return httpx.Response(self.answer_reply[0], json=self.answer_reply[1])
        if service == "indicators" and path.startswith("figures/"):
            name = path.split("/")[1]
            return httpx.Response(200, json={
                "indicator": name, "from": "2017-01-01", "to": query["at"], "definition": "d1",
                "as_of": OWN_STATUS["indicators"]["as_of"][CATALOGUE.indicators[name].feed],
                "preliminary": name == "self_sufficient_6m", "rows": self.figures.get(name, NOTHING),
            })  # fmt: skip
        raise AssertionError(f"the door asked for {request.method} {request.url}")
