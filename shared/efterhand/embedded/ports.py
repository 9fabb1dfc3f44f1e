"""Ports on loopback."""

from __future__ import annotations

import contextlib
import random
import socket
from collections.abc import Collection
from pathlib import Path

_EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen on `port` of `host` now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def answers(port: int, host: str = "127.0.0.1", timeout: float = 0.5) -> bool:
    """Whether something accepts connections on `port` of `host`."""
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=timeout):
        return True
    return False


def choose(taken: Collection[int] = ()) -> int:
    """A free port on loopback that is not among `taken`.

    Never one of the kernel's ephemeral ports: a client that tries again and again while the server is down would
    sooner or later be given the server's own port as its source, connect to itself, and keep the server from it.
    """
    low, high = 20_000, 32_000
    with contextlib.suppress(OSError, ValueError):
        first, last = (int(part) for part in _EPHEMERAL_RANGE.read_text().split())
        if first <= high:
            low, high = (10_000, first - 1) if first > 12_000 else (last + 1, 65_000)
    generator = random.SystemRandom()
    for _ in range(1000):
        port = generator.randint(low, high)
        if port not in taken and is_free(port):
            return port
    raise OSError("no free port on loopback")
