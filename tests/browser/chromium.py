"""What is carried out in Chromium."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from efterhand.web.sessions import COOKIE

HERE = Path(__file__).parent

Found = dict[str, Any]
_BROWSER_DIED: Final = "Target page, context or browser has been closed"


def install_packages(directory: Path) -> Path:
    """Install the pinned packages of package-lock.json in a directory, which is made; return it."""
    directory.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(HERE / name, directory)
    subprocess.run(["npm", "ci", "--ignore-scripts", "--silent"], cwd=directory, check=True)
    return directory


def run_script(name: str, plan: Mapping[str, Any]) -> Any:
    """Have a script of this directory carry out a plan; return what it writes. Fails with what it says on stderr."""
    return _outcome(_start(name, plan))


def _start(name: str, plan: Mapping[str, Any]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["node", str(HERE / name)], input=json.dumps(plan), capture_output=True, text=True, check=False
    )


def _outcome(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def carry_out(checks: list[dict[str, Any]], base: str, session: str, modules: Path, chromium: str) -> list[Found]:
    """Carry out checks in one browser; give what was found, in their order.

    Args:
        checks: as check.cjs takes them; by default a signed-in look at the first page.
        base: address of the door.
        session: the token that the session cookie holds.
        modules: where the packages are.
        chromium: path of the browser.
    """
    plan = {
        "chromium": chromium,
        "modules": str(modules),
        "base": base,
        "cookie": {"name": COOKIE, "value": session},
        "checks": [{"kind": "look", "signedIn": True, "path": "/", **check} for check in checks],
        "pictures": os.environ.get("EFTERHAND_PICTURES"),
    }
    done = _start("check.cjs", plan)
    if _BROWSER_DIED in done.stderr:
        # Chromium itself ended, as it does now and then on a machine that is very busy: that says nothing of a page.
        done = _start("check.cjs", plan)
    found: list[Found] = _outcome(done)
    return found
