"""Every setting and every metric stands in the operations page, and every page in a picture."""

import re
from pathlib import Path

from efterhand.settings import Settings
from tests.browser.pictures import PAGES, PICTURES

ROOT = Path(__file__).parents[2]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
METRIC = re.compile(
    r'"(efterhand_[a-z_]+(?:_total|_seconds|_info|_rows|_events|_persons|_lists|_messages|_days|_checks|_failed'
    r'|_open|_heard|_definitions|_protocols|_digests))"'
)


def test_every_setting_is_documented() -> None:
    missing = [name for name in Settings.model_fields if f"`EFTERHAND_{name.upper()}`" not in OPERATIONS]
    assert missing == []


def test_every_metric_is_documented() -> None:
    sources = [*(ROOT / "shared").rglob("*.py"), *(ROOT / "services").rglob("*.py")]
    metrics = {name for source in sources for name in METRIC.findall(source.read_text(encoding="utf-8"))}
    assert len(metrics) > 30
    assert sorted(name for name in metrics if f"`{name}`" not in OPERATIONS) == []


def test_every_page_has_a_picture_that_the_documentation_shows() -> None:
    shown = re.findall(r"\]\(pictures/([a-z-]+)\.png\)", (ROOT / "docs" / "pages.md").read_text(encoding="utf-8"))
    assert sorted(shown) == sorted(PAGES)
    assert sorted(path.stem for path in PICTURES.iterdir()) == sorted(PAGES)
