"""The browser checks need Chromium and Node, so they are collected only when EFTERHAND_BROWSER is set."""

import os
import shutil
from pathlib import Path

import pytest

from tests.browser.chromium import install_packages

collect_ignore_glob = [] if os.environ.get("EFTERHAND_BROWSER") else ["test_*.py"]


@pytest.fixture(scope="session")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the pinned packages of package-lock.json are installed."""
    return install_packages(tmp_path_factory.mktemp("browser"))


@pytest.fixture(scope="session")
def chromium() -> str:
    path = os.environ.get("EFTERHAND_CHROMIUM") or shutil.which("chromium")
    assert path, "The browser checks need Chromium: install it, or say where it is in EFTERHAND_CHROMIUM."
    return path
