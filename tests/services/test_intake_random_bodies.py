"""Ten thousand random and mutated bodies: every one gets an answer that says what is wrong, and none a 5xx."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Final

from efterhand.contracts import mask_identity_numbers
from efterhand_intake.entrypoints.http_events import EVENTS, LOAD, VALIDATE, EventsEndpoint
from tests.services.intake_running import Intake, event, running_intake

SEED: Final = 20170301
BODIES: Final = 10_000

VALUES: Final[list[Any]] = [
    None,
    True,
    0,
    -1,
    1.5,
    1e308,
    2**63,
    2**64,
    10**30,
    "",
    " ",
    "x" * 3000,
    "å\u0301\U0001f600",
    "\x00",
    "\x1f",
    "\ud800",
    "\ufffe",
    "p-1",
    "811228-9874",
    "2017-02-30",
    "2017-02-28T00:00:00+25:00",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.999999999-14:00",
    "0000-00-00",
    "9999-12-31",
    "%s %(x)s :x {x} \\ ' \" --",
    "case.enrolled",
    "person.erased",
    "source.reported_through",
    "urn:efterhand:case.closed:1",
    [],
    [[]],
    {},
    {"": ""},
    {"a": {"b": [None, {"c": 1}]}},
]
TYPES: Final = ("case.closed", "case.enrolled", "person.erased", "source.reported_through", "followup.answered")
CONTENT_TYPES: Final = (b"application/json", b"application/cloudevents+json", b"application/cloudevents-batch+json")


def test_ten_thousand_bodies_give_no_5xx(database_url: str) -> None:
    with running_intake(database_url) as intake:
        seen = asyncio.run(send_all(intake, random.Random(SEED)))
        assert sum(seen.values()) == BODIES
        assert set(seen) <= {202, 207, 400, 409, 413, 415, 422}, seen
        assert {202, 207, 400, 409, 422} <= set(seen), seen
        status = intake.get("status")
        assert status["digest"]["count"] == intake.rows("SELECT count(*) FROM event")[0][0] > 0
        kept = str(intake.rows("SELECT source, event_id, field, message, body FROM refused"))
        assert mask_identity_numbers(kept) == kept


async def send_all(intake: Intake, chance: random.Random) -> Counter[int]:
    """Send the bodies past the network, some at once; count the statuses."""
    endpoint = EventsEndpoint(intake.services)
    apps = {EVENTS: endpoint.post, VALIDATE: endpoint.validate, LOAD: endpoint.load}
    token = intake.services.tokens.issue("administrator")
    seen: Counter[int] = Counter()
    waiting = iter(range(BODIES))

    async def sender() -> None:
        for _ in waiting:
            path = chance.choices([EVENTS, VALIDATE, LOAD], [90, 4, 6])[0]
            body = random_body(chance, wrapped=path == LOAD)
            status = await send(apps[path], random_headers(chance, token), body)
            seen[status] += 1
            assert status < 500, body[:2000]

    await asyncio.gather(*(sender() for _ in range(32)))
    return seen


def random_body(chance: random.Random, *, wrapped: bool) -> bytes:
    """A body that may be right, wrong in what it says, or no JSON at all."""
    kind = chance.random()
    if kind < 0.05:
        return chance.randbytes(chance.randrange(200))
    if kind < 0.3:
        value: Any = [random_event(chance) for _ in range(chance.randrange(6))]
    else:
        value = random_event(chance)
    if wrapped:
        received = chance.choice([*VALUES, "2017-01-01", "2017-02-28"])
        items = value if isinstance(value, list) else [value]
        value = [{"event": item, "received": received} for item in items]
    raw = bytearray(json.dumps(value, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass"))
    if kind > 0.7:
        for _ in range(chance.randrange(1, 4)):
            place = chance.randrange(len(raw))
            match chance.randrange(4):
                case 0:
                    raw[place] = chance.randrange(256)
                case 1:
                    del raw[place : place + chance.randrange(1, 20)]
                case 2:
                    raw[place:place] = raw[place : place + chance.randrange(40)]
                case _:
                    raw[place:place] = chance.choice([b"{", b"[", b'"', b"\\", b",", b"\xff", b"null", b"[[[[" * 20])
            raw = raw or bytearray(b" ")
    return bytes(raw)


def random_event(chance: random.Random) -> Any:
    """An event of a small world, with up to three things changed."""
    body = event(
        f"e-{chance.randrange(60)}", chance.choices(TYPES, [40, 30, 1, 10, 19])[0], source=f"/s/{chance.randrange(3)}"
    )
    data = body["data"]
    if "person" in data:
        data["person"] = f"p-{chance.randrange(30)}"
    for _ in range(chance.choice([0, 0, 1, 1, 2, 3])):
        target = chance.choice([body, data])
        name = chance.choice([*target, "new", "received", "personhash", "data_base64", "811228-9874", "x" * 200])
        if chance.random() < 0.25:
            target.pop(name, None)
        else:
            target[name] = chance.choice(VALUES)
    return chance.choice(VALUES) if chance.random() < 0.02 else body


def random_headers(chance: random.Random, token: str) -> list[tuple[bytes, bytes]]:
    """Headers of a sender who nearly always has a token and a content type."""
    headers = [(b"authorization", b"Bearer " + token.encode())]
    headers.append((b"content-type", chance.choice(CONTENT_TYPES) if chance.random() < 0.98 else chance.randbytes(9)))
    if chance.random() < 0.1:
        names = ["specversion", "id", "source", "type", "time", "dataschema", "x"]
        for name in chance.sample(names, chance.randrange(1, 7)):
            value = chance.choice(["1.0", "a%20b", "%00", "%ff", "case.closed", "/s/1", "2017-03-01T09:12:00Z", ""])
            headers.append((f"ce-{name}".encode(), value.encode()))
    return headers


async def send(app: Callable[..., Awaitable[None]], headers: list[tuple[bytes, bytes]], body: bytes) -> int:
    """Send one request straight into the app; gives the status."""
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def answer(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])
        else:
            json.loads(message["body"])

    await app({"type": "http", "headers": headers}, receive, answer)
    return statuses[0]
