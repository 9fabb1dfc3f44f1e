"""Bring the schema of every service up to date: `python -m efterhand.embedded.migrations`.

A process of its own, so that the memory that this takes is given back before the services start.
"""

from __future__ import annotations

from importlib.metadata import entry_points

from efterhand.database import migrate
from efterhand.settings import Settings


def main() -> None:
    """Apply the migrations of every installed service to `EFTERHAND_DATABASE_URL`."""
    url = Settings().database_url
    for service in sorted({point.name for point in entry_points(group="efterhand.migrations")}):
        migrate(url, service)


if __name__ == "__main__":
    main()
