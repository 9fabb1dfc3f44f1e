"""What stands at the other end of channels: a mail server, and a host that webhooks and chat messages are posted to.

Each does with every message what its plan says, keeps what it took, and can be away.
"""

import json
import socket
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

Fate = Literal["take", "refuse", "take_and_say_no", "lead_away"]
"""`take_and_say_no`: the message is kept, and the sender told that it is not. `lead_away`: it belongs elsewhere."""


@dataclass
class Plan:
    """What becomes of one message after the other; at the end of the plan all are taken."""

    fates: Iterator[Fate] = field(default_factory=lambda: iter(()))

    def next(self) -> Fate:
        return next(self.fates, "take")

    def set(self, fates: Iterable[Fate]) -> None:
        self.fates = iter(fates)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


class MailServer:
    """A real SMTP server on loopback."""

    def __init__(self) -> None:
        self.port = free_port()
        self.plan = Plan()
        self.taken: list[EmailMessage] = []
        self._controller: Controller | None = None

    def start(self) -> None:
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def stop(self) -> None:
        """Be away."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802 — aiosmtpd's name
        fate = self.plan.next()
        if fate != "refuse":
            content = envelope.content
            assert isinstance(content, bytes)
            self.taken.append(BytesParser(policy=default).parsebytes(content))  # type: ignore[arg-type]
        return "250 OK" if fate == "take" else "451 not now"


@dataclass(frozen=True)
class Posted:
    """One request that was taken."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def said(self) -> Any:
        return json.loads(self.body)


class PostOffice:
    """An HTTP server on loopback to which anything may be posted."""

    def __init__(self) -> None:
        self.port = free_port()
        self.plan = Plan()
        self.taken: list[Posted] = []
        self.elsewhere = ""
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def address(self) -> str:
        return f"http://{self.host}/hook/of/the/unit"

    def start(self) -> None:
        office = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                fate = office.plan.next()
                if fate in ("take", "take_and_say_no"):
                    headers = {name.lower(): value for name, value in self.headers.items()}
                    office.taken.append(Posted(self.path, headers, body))
                self.send_response({"take": 204, "lead_away": 307}.get(fate, 500))
                if fate == "lead_away":
                    self.send_header("location", office.elsewhere)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def stop(self) -> None:
        """Be away."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = None
