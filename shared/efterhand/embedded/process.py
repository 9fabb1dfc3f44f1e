"""Run one process of the installation in this interpreter: `python -m efterhand.embedded.process NAME`."""

from __future__ import annotations

import gc
import sys
from importlib.metadata import entry_points

GROUP = "efterhand.processes"
OBJECTS_BETWEEN_COLLECTIONS = 50_000
"""A batch makes very many objects that refer to each other in no circle: to look for circles every 700 costs a tenth of
the time, and finds nothing."""


def names() -> tuple[str, ...]:
    """The processes of the installed services, each service's interface before its worker."""
    return tuple(dict.fromkeys(point.name for point in entry_points(group=GROUP)))


def main(name: str) -> None:
    """Run the process of that name until it ends. Raises `SystemExit` for a name that is not installed."""
    for point in entry_points(group=GROUP):
        if point.name == name:
            run = point.load()
            gc.freeze()
            gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
            run()
            return
    raise SystemExit(f"No process is called {name!r}; there are: {', '.join(names())}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(f"usage: python -m efterhand.embedded.process ({' | '.join(names())})")
    main(sys.argv[1])
