"""Requests answered and how long they took, by route (as declared: never with the values in it)."""

from typing import Final

from prometheus_client import Counter, Histogram

REQUESTS: Final = Counter("efterhand_http_requests_total", "Requests answered", ["method", "route", "status"])
SECONDS: Final = Histogram(
    "efterhand_http_request_duration_seconds",
    "Time to the end of the answer",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
_children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}


def observe(method: str, route: str, status: int, seconds: float) -> None:
    """Count one answered request."""
    key = (method, route, status)
    children = _children.get(key)
    if children is None:
        children = _children[key] = (REQUESTS.labels(method, route, str(status)), SECONDS.labels(route))
    children[0].inc()
    children[1].observe(seconds)
