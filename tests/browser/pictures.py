"""Takes a picture of every page of the demo, in Swedish, for `docs/pages.md`: `python -m tests.browser.pictures`.

Needs Chromium and Node, as the browser checks do. The demo runs on a home of its own and is stopped in the end.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final

import httpx

from efterhand.web.sessions import COOKIE
from tests.browser.chromium import carry_out, install_packages
from tests.chaos.demo_and_metrics import EFTERHAND, wait

PICTURES: Final = Path(__file__).parents[2] / "docs" / "pictures"
DONE_SECONDS: Final = 900.0
TALLER: Final = {"ett-nyckeltal": 2400}
"""How many pixels are shown of a page of which a part further down matters."""
SCREEN: Final = {"width": 1100, "height": 800, "scale": 1, "language": "sv", "tallest": 1500}
PAGES: Final = {
    "oversikt": "/",
    "uppfoljningar": "/uppfoljningar",
    "uppfoljning": re.compile(r"/uppfoljningar/[0-9a-f]{24}"),
    "enheter": "/enheter",
    "enhet": "/enheter/jobbtorg-kista",
    "registret": "/register",
    "registrets-manad": re.compile(r"/register/\d{4}-\d{2}"),
    "datakvalitet": "/datakvalitet?show=doubts",
    "nyckeltal": "/nyckeltal?at=2017-12-31",
    "ett-nyckeltal": "/nyckeltal/self_sufficient_6m?at=2017-12-31",
    "underlag": "/nyckeltal/offer_90d/underlag?at=2017-12-31",
    "aviseringar": "/installningar/aviseringar",
    "annan-enhet": "/annan-enhet",
    "valj-anvandare": "/valj-anvandare",
}
"""Address of each page; a pattern is looked for on the page before it."""


def addresses(url: str, token: str) -> dict[str, str]:
    """Return the address of each page. Raises `SystemExit` for one that nothing leads to."""
    found: dict[str, str] = {}
    before = ""
    with httpx.Client(base_url=url, cookies={COOKIE: token}, trust_env=False, timeout=60) as browser:
        for name, address in PAGES.items():
            if isinstance(address, str):
                found[name] = address
            elif match := address.search(before):
                found[name] = match[0]
            else:
                raise SystemExit(f"nothing leads to the page {name!r}")
            before = browser.get(found[name]).raise_for_status().text
    return found


def take(ready: dict[str, Any], modules: Path, chromium: str, into: Path) -> None:
    """Take a picture of every page into a directory."""
    found = addresses(ready["url"], ready["token"])
    checks = [
        {"name": name, "path": path, **SCREEN, "tallest": TALLER.get(name, SCREEN["tallest"])}
        for name, path in found.items()
    ]
    into.mkdir(parents=True, exist_ok=True)
    os.environ["EFTERHAND_PICTURES"] = str(into)
    for each in carry_out(checks, ready["url"], ready["token"], modules, chromium):
        print(each["name"], each["status"], *each["violations"], *each["complaints"])


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--into", type=Path, default=PICTURES)
    given = arguments.parse_args()
    chromium = os.environ.get("EFTERHAND_CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        raise SystemExit("Chromium is missing: install it, or say where it is in EFTERHAND_CHROMIUM.")
    with tempfile.TemporaryDirectory(prefix="efterhand-pictures-") as scratch:
        directory = Path(scratch)
        directory.chmod(0o711)
        modules = install_packages(directory / "modules")
        said = directory / "said"
        with said.open("wb") as out:
            demo = subprocess.Popen([*EFTERHAND, "demo", "--home", directory / "home"], stdout=out, stderr=out)
        try:
            wait(demo, said, lambda: "The pages are open" in said.read_text(), DONE_SECONDS)
            take(json.loads((directory / "home/run/ready.json").read_text()), modules, chromium, given.into)
        finally:
            demo.send_signal(signal.SIGTERM)
            demo.wait(60)


if __name__ == "__main__":
    main()
