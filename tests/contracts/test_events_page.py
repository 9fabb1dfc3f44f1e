"""The page for integrators says what the contracts say."""

from pathlib import Path

from efterhand.contracts import REFUSAL_CODES, event_types, topics
from efterhand.contracts.document import document

PAGE = Path(__file__).parents[2] / "docs" / "events.md"


def test_the_page_is_the_one_that_the_contracts_give() -> None:
    assert PAGE.read_text(encoding="utf-8") == document()


def test_the_page_names_every_type_every_field_every_code_and_every_topic() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name, contract in event_types().items():
        section = text.split(f"### `{name}`\n")[1].split("\n### ")[0]
        assert all(f"| `{field}` |" in section for field in contract.properties)
    assert all(f"| `{name}` |" in text for name in [*REFUSAL_CODES, *topics()])
