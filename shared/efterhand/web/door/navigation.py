"""The links of every page's head: the parts of the house that the reader has a right to."""

from typing import Any

from efterhand.web.door.words import Words
from efterhand.web.rights import Principal, Right


def navigation(words: Words, principal: Principal, path: str) -> list[dict[str, Any]]:
    """Return the parts that somebody may open, each with its address, and whether the page at a path is in it."""
    text = words.text
    parts = (
        ("/", text("Översikt"), (Right.CHECKS_READ, Right.FIGURES_READ, Right.STATUS_READ)),
        ("/uppfoljningar", text("Uppföljningar"), (Right.CHECKS_READ,)),
        ("/enheter", text("Enheter"), (Right.UNITS_READ,)),
        ("/register", text("Registret"), (Right.REGISTER_READ,)),
        ("/datakvalitet", text("Datakvalitet"), (Right.CHECKS_READ, Right.REFUSED_READ)),
    )
    return [
        {"link": link, "name": name, "here": path == link or (link != "/" and path.startswith(f"{link}/"))}
        for link, name, rights in parts
        if any(principal.may(right) for right in rights)
    ]
