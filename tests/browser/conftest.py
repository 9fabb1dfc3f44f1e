"""The browser checks need Chromium and Node, so they are collected only when EFTERHAND_BROWSER is set."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

collect_ignore_glob = [] if os.environ.get("EFTERHAND_BROWSER") else ["test_*.py"]

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the pinned packages of package-lock.json are installed."""
    directory = tmp_path_factory.mktemp("browser")
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(HERE / name, directory)
    subprocess.run(["npm", "ci", "--ignore-scripts", "--silent"], cwd=directory, check=True)
    return directory


@pytest.fixture(scope="session")
def chromium() -> str:
    path = os.environ.get("EFTERHAND_CHROMIUM") or shutil.which("chromium")
    assert path, "The browser checks need Chromium: install it, or say where it is in EFTERHAND_CHROMIUM."
    return path
