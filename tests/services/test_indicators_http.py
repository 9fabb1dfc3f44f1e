"""What indicators answers over HTTP, and to whom."""

import asyncio
from datetime import date
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from efterhand.settings import Settings
from efterhand.web.rights import ROLES, Right
from efterhand_indicators.bootstrap import Services, create_services
from efterhand_indicators.entrypoints.api import create_app
from efterhand_indicators.entrypoints.metrics import StateCollector
from tests.property.product import catalogue
from tests.services.followup_town import closed, enrolled, event, reported_through
from tests.services.indicators_office import SECRET, Office, office, office_template
from tests.tiny import tiny_catalogue_directory

__all__ = ["office", "office_template"]

YEAR = date(2017, 12, 31)
PATHS = [
    ("GET", "/indicators/v1/indicators", Right.FIGURES_READ),
    ("GET", "/indicators/v1/figures/closed_12m", Right.FIGURES_READ),
    ("GET", "/indicators/v1/figures/closed_12m/cases", Right.CASES_READ),
    ("GET", "/indicators/v1/status", Right.STATUS_READ),
    ("GET", "/indicators/v1/disposable", Right.SYSTEM_OPERATE),
    ("POST", "/indicators/v1/rebuild", Right.SYSTEM_OPERATE),
    ("POST", "/indicators/v1/audit", Right.SYSTEM_OPERATE),
]


class Client:
    """Asks an app whose threads have not been started."""

    def __init__(self, office: Office) -> None:
        settings = Settings(
            database_url=office.url,
            catalogue=str(tiny_catalogue_directory()),
            secret=SecretStr(SECRET),
            kafka="127.0.0.1:1",
        )
        self.services: Services = create_services(settings)
        office.adopt(self.services.definitions.catalogue)
        office.definitions = self.services.definitions
        office.adopt()
        self._app = create_app(self.services)

    def ask(self, method: str, path: str, role: str | None = "administrator") -> httpx.Response:
        headers = {} if role is None else {"authorization": f"Bearer {self.services.tokens.issue(role)}"}
        return asyncio.run(self._ask(method, path, headers))

    def get(self, path: str, role: str | None = "administrator") -> Any:
        response = self.ask("GET", f"/indicators/v1/{path}", role)
        assert response.status_code == 200, response.text
        return response.json()

    async def _ask(self, method: str, path: str, headers: dict[str, str]) -> httpx.Response:
        transport = httpx.ASGITransport(self._app)
        async with httpx.AsyncClient(transport=transport, base_url="http://indicators.test") as client:
            return await client.request(method, path, headers=headers)

    def close(self) -> None:
        self.services.computing.dispose()
        self.services.engine.dispose()


@pytest.fixture
def client(office: Office) -> Any:
    made = Client(office)
    office.drain()
    yield made
    made.close()


def three(office: Office) -> None:
    office.move_to(YEAR)
    office.receive(
        enrolled("p1", date(2016, 3, 1)),
        closed("p1", date(2017, 1, 31)),
        enrolled("p2", date(2016, 3, 1), sex="male", unit="south"),
        enrolled("p3", date(2016, 3, 1), case="c3"),
        closed("p3", date(2017, 2, 1), case="c3"),
        event("assistance.reported", received=YEAR, person="p1", month="2017-08", receives=False),
    )


@pytest.mark.parametrize(("method", "path", "right"), PATHS, ids=[path for _, path, _ in PATHS])
def test_every_path_needs_its_right(client: Client, office: Office, method: str, path: str, right: Right) -> None:
    office.move_to(YEAR)
    assert client.ask(method, path, None).status_code == 401
    for role, rights in ROLES.items():
        status = client.ask(method, path, role).status_code
        assert (status == 403) == (right not in rights), (role, status)
        assert status in (200, 202, 403)


def test_a_figure_is_told_as_documented(client: Client, office: Office) -> None:
    three(office)
    answer = client.get("figures/closed_12m?at=2017-12-31&by=sex,unit", "analyst")
    assert {name: value for name, value in answer.items() if name not in ("rows", "definition", "name")} == {
        "indicator": "closed_12m",
        "kind": "share",
        "from": "2017-01-01",
        "to": "2017-12-31",
        "known": None,
        "business_date": "2017-12-31",
        "as_of": "2017-12-31",
        "preliminary": False,
        "projection": False,
        "reason": None,
        "better": "higher",
    }
    assert answer["rows"][0] == {
        "dims": {},
        "value": "66.67",
        "numerator": 2,
        "denominator": 3,
        "expected": None,
        "sum": None,
        "coverage": None,
        "status": "shown",
        "target": "78",
        "judgement": "not_met",
    }
    cells = {tuple(row["dims"].items()): row["value"] for row in answer["rows"]}
    assert cells == {
        (): "66.67",
        (("sex", "female"),): "100.00",
        (("sex", "male"),): "0.00",
        (("unit", "city"),): "66.67",
        (("unit", "north"),): "66.67",
        (("unit", "south"),): "0.00",
        (("sex", "female"), ("unit", "city")): "100.00",
        (("sex", "female"), ("unit", "north")): "100.00",
        (("sex", "male"), ("unit", "city")): "0.00",
        (("sex", "male"), ("unit", "north")): "0.00",
        (("sex", "male"), ("unit", "south")): "0.00",
    }
    assert client.get("figures/closed_12m?at=2017-12-31&known=2017-01-31")["rows"][0]["value"] == "33.33"
    assert client.get("figures/closed_12m")["to"] == "2017-12-31"


def test_the_cases_behind_a_figure_come_in_pages(client: Client, office: Office) -> None:
    three(office)
    first = client.get("figures/closed_12m/cases?at=2017-12-31&limit=2")
    assert [(item["person"], item["subject"], item["numerator"]) for item in first["items"]] == [
        ("p1", "c1", 1),
        ("p2", "c1", 0),
    ]
    assert first["items"][1] == {
        "person": "p2",
        "subject": "c1",
        "check": None,
        "day": "2017-03-01",
        "until": "2017-03-01",
        "dims": {"sex": "male", "unit": "south", "target_group": "ordinary", "age_band": "20-24"},
        "numerator": 0,
        "denominator": 1,
        "expected": None,
        "sum": None,
        "case": "c1",
        "link": None,
    }
    second = client.get(f"figures/closed_12m/cases?at=2017-12-31&limit=2&cursor={first['next']}")
    assert [(item["person"], item["subject"]) for item in second["items"]] == [("p3", "c3")]
    assert second["next"] is None
    checks = client.get("figures/offer_90d/cases?at=2016-12-31")["items"]
    assert [item["check"] for item in checks] == ["offer_90d:p1:c1", "offer_90d:p2:c1", "offer_90d:p3:c3"]


WRONG = [
    ("figures/closed_12?at=2017-12-31", 404, "unknown_indicator", "closed_12m"),
    ("figures/closed_12m/cases?at=31/12/2017", 400, "wrong_date", "2017-12-31"),
    ("figures/closed_12m?at=2017-02-30", 400, "wrong_date", "'at'"),
    ("figures/closed_12m?at=20171231", 400, "wrong_date", "'at'"),
    ("figures/closed_12m?at=0001-01-01", 400, "wrong_date", "calendar"),
    ("figures/closed_12m?known=yesterday", 400, "wrong_date", "'known'"),
    ("figures/closed_12m?by=gender", 400, "unknown_dimension", "sex"),
    ("figures/closed_12m?by=sex,age_bnd", 400, "unknown_dimension", "age_band"),
    ("figures/closed_12m/cases?cursor=x", 400, "wrong_cursor", "cursor"),
    ("figures/closed_12m/cases?limit=0", 422, "wrong_request", "limit"),
]


@pytest.mark.parametrize(("path", "status", "code", "said"), WRONG, ids=[path for path, *_ in WRONG])
def test_a_wrong_question_is_answered_with_what_is_right(
    client: Client, office: Office, path: str, status: int, code: str, said: str
) -> None:
    office.move_to(YEAR)
    response = client.ask("GET", f"/indicators/v1/{path}")
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == code
    assert said in response.text


def test_a_figure_ahead_of_the_calendar_or_at_its_end_does_not_fail(client: Client, office: Office) -> None:
    three(office)
    assert client.get("figures/unique_persons?at=9999-12-31")["rows"][0]["value"] == "1"
    assert client.get("figures/unique_persons?at=9999-12-31&known=9999-12-31")["rows"][0]["value"] == "1"
    assert client.get("figures/closed_12m?at=2017-12-31&known=0001-01-01")["rows"][0]["status"] == "no_data"


def test_before_a_date_is_known_the_answer_is_to_ask_again(client: Client) -> None:
    response = client.ask("GET", "/indicators/v1/figures/closed_12m?at=2017-12-31")
    assert response.status_code == 503
    assert response.headers["retry-after"]


def test_the_indicators_are_listed_with_what_they_can_be_broken_down_by(client: Client) -> None:
    items = {item["id"]: item for item in client.get("indicators", "manager")["items"]}
    assert set(items) == set(catalogue().indicators)
    assert items["self_sufficient_6m"]["dimensions"] == ["sex", "unit", "target_group", "age_band", "closure_reason"]
    assert items["self_sufficient_6m"]["coverage_minimum"] == "80"
    assert items["self_sufficient_6m"]["targets"] == {"2017": "84"}
    assert all(item["complete"] for item in items.values())


def test_status_rebuild_and_audit_tell_how_far_the_service_has_come(client: Client, office: Office) -> None:
    three(office)
    office.receive(reported_through("cases", date(2017, 6, 30), YEAR))
    status = client.get("status", "operator")
    assert {name: status[name] for name in ("date", "outbox", "lag", "dirty", "parked", "as_of", "complete")} == {
        "date": "2017-12-31",
        "outbox": 0,
        "lag": None,
        "dirty": 0,
        "parked": 0,
        "as_of": {"cases": "2017-06-30", "assistance": "2017-12-31", "answers": "2017-12-31"},
        "complete": True,
    }
    assert client.ask("POST", "/indicators/v1/rebuild").json() == {"dirty": 3}
    assert client.get("status")["dirty"] == 3
    assert client.ask("POST", "/indicators/v1/audit").json()["pending"] == 3
    office.drain()
    office.do("DELETE FROM indicators.contribution WHERE person = 'p2' AND indicator = 'closed_12m'")
    found = client.ask("POST", "/indicators/v1/audit").json()
    assert found == {
        "checked": 3,
        "pending": 0,
        "total": 1,
        "differences": [
            {"table": "contribution", "id": "p2/closed_12m/False//c1/2017-03-01", "what": "is missing"},
        ],
    }


def test_metrics_tell_of_work_and_never_of_outcomes(client: Client, office: Office) -> None:
    three(office)
    office.receive(reported_through("cases", date(2017, 6, 30), YEAR))
    office.rebuild()
    families = {
        family.name: [(sample.labels, sample.value) for sample in family.samples]
        for family in StateCollector(client.services.engine).collect()
    }
    assert families == {
        "efterhand_indicators_dirty_persons": [({}, 3)],
        "efterhand_indicators_known_persons": [({}, 3)],
        "efterhand_indicators_hidden_definitions": [({}, 0)],
        "efterhand_indicators_disposed_missing_events": [({}, 0)],
        "efterhand_indicators_parked_messages": [({}, 0)],
        "efterhand_indicators_feed_age_seconds": [({"feed": "cases"}, 184 * 86400)],
    }
