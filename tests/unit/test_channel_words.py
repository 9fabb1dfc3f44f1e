"""What channels tell: no text without its English, none that nobody says any more."""

import re

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from efterhand_followup.adapters.rendering import DOMAIN, HERE, LOCALE

TEMPLATES = ("templates/**.txt", "templates/**.html")


def said() -> set[str]:
    """Every text in the renderer and its templates."""
    return {
        message
        for _, _, message, _, _ in extract_from_dir(
            HERE,
            [("adapters/rendering.py", "python"), *((pattern, "jinja2") for pattern in TEMPLATES)],
            options_map={pattern: {"newstyle_gettext": "true"} for pattern in TEMPLATES},
            keywords={"_": None, "text": None},
        )
        if isinstance(message, str)
    }


def test_every_text_has_a_translation_with_the_same_values_and_none_is_left_over_or_fuzzy() -> None:
    with (LOCALE / "en" / "LC_MESSAGES" / f"{DOMAIN}.po").open("rb") as file:
        messages = [message for message in read_po(file, locale="en") if message.id]
    assert len(said()) > 20
    assert {message.id for message in messages} == said()
    assert [message.id for message in messages if not message.string or message.fuzzy] == []
    for message in messages:
        assert set(re.findall(r"%\(\w+\)s", str(message.id))) == set(re.findall(r"%\(\w+\)s", str(message.string)))
