"""A client that sends requests as fast as they are answered; small, so that it is not what is measured."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.common import Wrong


@dataclass(frozen=True)
class Sent:
    """What came of sending: answers with 202, the seconds until the last one, and the client's share of one core."""

    accepted: int
    seconds: float
    busy: float

    @property
    def per_second(self) -> float:
        """Requests answered with 202 a second."""
        return self.accepted / self.seconds


def request(path: str, body: bytes, token: str = "") -> bytes:
    """The bytes of a POST on a connection that stays open."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def send(port: int, requests: Iterator[bytes], connections: int, seconds: float) -> Sent:
    """Keep every connection busy with one request after the other, for some seconds or until there are no more.

    Raises:
        Wrong: an answer is not 202, or none comes.
    """
    poll = select.epoll()
    sockets = {}
    for _ in range(connections):
        one = socket.create_connection(("127.0.0.1", port))
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        one.settimeout(30)
        sockets[one.fileno()] = one
        poll.register(one.fileno(), select.EPOLLIN)
    received = dict.fromkeys(sockets, b"")
    accepted = waiting = 0
    cpu, begun = time.process_time(), time.perf_counter()
    until = begun + seconds
    try:
        for one in sockets.values():
            if body := next(requests, None):
                one.sendall(body)
                waiting += 1
        while waiting:
            ready = poll.poll(30)
            if not ready:
                raise Wrong("no answer within 30 s")
            go_on = time.perf_counter() < until
            for number, _ in ready:
                one = sockets[number]
                answer = received[number] + one.recv(262_144)
                if not _is_whole(answer):
                    received[number] = answer
                    continue
                received[number] = b""
                if not answer.startswith(b"HTTP/1.1 202 "):
                    raise Wrong(f"answered with {answer[:500]!r}")
                accepted += 1
                waiting -= 1
                if go_on and (body := next(requests, None)):
                    one.sendall(body)
                    waiting += 1
        taken = time.perf_counter() - begun
        return Sent(accepted, taken, (time.process_time() - cpu) / taken)
    finally:
        poll.close()
        for one in sockets.values():
            one.close()


def _is_whole(answer: bytes) -> bool:
    head = answer.find(b"\r\n\r\n")
    if head < 0:
        if not answer:
            raise Wrong("the connection was closed")
        return False
    begin = answer.lower().find(b"content-length: ", 0, head)
    if begin < 0:
        raise Wrong(f"an answer without its length: {answer[:head]!r}")
    length = int(answer[begin + 16 : answer.find(b"\r\n", begin)])
    return len(answer) >= head + 4 + length
