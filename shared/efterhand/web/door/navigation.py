"""The links of every page's head: the parts of the house that the reader has a right to."""

from typing import Any, Final

from efterhand.web.door.words import Words
from efterhand.web.rights import Principal, Right

CHANNELS: Final = "/installningar/aviseringar"


def navigation(words: Words, principal: Principal, path: str) -> list[dict[str, Any]]:
    """Return the parts that somebody may open, each with its address, and whether a path is it or within it."""
    text = words.text
    parts = (
        ("/", text("Översikt"), (Right.CHECKS_READ, Right.FIGURES_READ, Right.STATUS_READ)),
        ("/uppfoljningar", text("Uppföljningar"), (Right.CHECKS_READ,)),
        ("/enheter", text("Enheter"), (Right.UNITS_READ,)),
        ("/register", text("Registret"), (Right.REGISTER_READ,)),
        ("/nyckeltal", text("Nyckeltal"), (Right.FIGURES_READ,)),
        ("/datakvalitet", text("Datakvalitet"), (Right.CHECKS_READ, Right.REFUSED_READ)),
        (CHANNELS, text("Aviseringar"), (Right.CHANNELS_SET,)),
    )
    return [
        {"link": link, "name": name, "here": path == link, "within": link != "/" and path.startswith(f"{link}/")}
        for link, name, rights in parts
        if any(principal.may(right) for right in rights)
    ]
