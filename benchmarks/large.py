"""The three benchmarks of large histories on towns that are filled once: the year's table, corrections, a rebuild.

    python -m benchmarks.large [--small] [--persons N] [--only NAME]

Half of N persons, N and 2 N. What each of them measures stands in its own module.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import Final

from benchmarks import corrections, rebuild, year_table
from benchmarks.common import Report, finish, large_servers, read_arguments, settings
from benchmarks.filling import make_town
from efterhand_indicators.bootstrap import make_definitions

PERSONS: Final = (1_000_000, 50_000)
"""N of a full and of a small run: the corrections' 2 N of a small one are a million events."""
NAMES: Final = ("year_table", "corrections", "rebuild")
"""In this order: a town that has been rebuilt is of another generation, and cannot grow."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=NAMES, action="append", help="may be given several times; default: all")
    parser.add_argument("--without-nightly", action="store_true", help="corrections and year_table: DuckDB alone")
    given = read_arguments(parser, PERSONS)
    nightly = not given.without_nightly
    wanted = given.only or NAMES
    with large_servers() as servers:
        half = make_town(servers, make_definitions(settings()), given.persons // 2)
        single = half.doubled(servers)

        def correct() -> Report:
            double = single.doubled(servers)
            try:
                return corrections.measure(servers, single, double, given.rounds, nightly=nightly)
            finally:
                servers.drop_database(double.url)

        measuring: dict[str, Callable[[], Report]] = {
            "year_table": lambda: year_table.measure(servers, single, given.rounds, with_nightly=nightly),
            "corrections": correct,
            "rebuild": lambda: rebuild.measure(servers, half, single, given.rounds),
        }
        if "rebuild" not in wanted:
            servers.drop_database(half.url)
        for name in NAMES:
            if name in wanted:
                load_before = os.getloadavg()[0]
                finish(measuring[name](), given, load_before)


if __name__ == "__main__":
    main()
