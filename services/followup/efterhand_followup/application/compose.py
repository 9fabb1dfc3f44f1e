"""A digest becomes a message: which of its notices may still be told, grouped, with links that say nothing."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby

from sqlalchemy import Connection

from efterhand.catalogue import Catalogue
from efterhand.web.door.choice import Choice
from efterhand.web.references import reference_of
from efterhand.web.tokens import Tokens
from efterhand_followup.adapters.delivery_store import Digest, Told, count_open, read_told
from efterhand_followup.application.reading import units_below
from efterhand_followup.application.references import note_references
from efterhand_followup.domain.channels import Audience, Channel
from efterhand_followup.domain.message import ORDER, Line, Link, Message, group_of

_LENGTH = 24


@dataclass(frozen=True)
class Composing:
    """What messages are made with.

    Attributes:
        catalogue: the installation's.
        tokens: keys the references.
        base: address of the door, without a slash at its end.
    """

    catalogue: Catalogue = field(repr=False)
    tokens: Tokens
    base: str

    def units(self, to: Channel, day: date) -> frozenset[str]:
        """Return the units that a channel tells of, by the tree of a day."""
        return frozenset() if to.unit is None else units_below(self.catalogue, to.unit, day)

    def list_address(self, to: Channel) -> str:
        """Return the address of the list that a channel leads to."""
        if to.audience is Audience.REGISTER:
            return self.base + Choice(groups=("waiting",)).link()
        return self.base + Choice(unit=to.unit, mine=to.audience is Audience.WORKER).link()

    def link(self, told: Told) -> Link:
        """Return a notice's link. The part behind # tells notices about one check apart, and is sent to nobody."""
        notice_ref = self.tokens.keyed_hash("notice", told.notice_id)[:_LENGTH]
        if told.check_id is not None:
            address = f"/uppfoljningar/{reference_of(self.tokens, told.check_id)}"
        elif told.unit is not None:
            address = Choice(unit=told.unit).link()
        else:
            address = Choice(groups=("waiting",)).link()
        return Link(notice_ref, f"{self.base}{address}#n-{notice_ref}")

    def link_to_check(self, told: Told) -> Link:
        """Return a check's link, where there is no notice about it yet."""
        reference = reference_of(self.tokens, told.notice_id)
        return Link(reference, f"{self.base}/uppfoljningar/{reference}")


def compose(
    connection: Connection, composing: Composing, to: Channel, taken: Digest, today: date
) -> tuple[Message, frozenset[str]] | None:
    """Return what a digest says now and the ids of the notices in it, or None where it has nothing left to say.

    Args:
        connection: in a transaction, in which the references that are given out are remembered.
        composing: what messages are made with.
        to: the digest's channel.
        taken: the digest.
        today: the business date.
    """
    told = read_told(connection, taken)
    if not told:
        return None
    remember(connection, composing.tokens, told)
    still_open = count_open(connection, to, composing.units(to, today), today)
    lines = lines_of(told, composing.link)
    message = Message(taken.id, to.id, taken.day, lines, still_open, composing.list_address(to))
    return message, frozenset(each.notice_id for each in told)


def remember(connection: Connection, tokens: Tokens, told: Iterable[Told]) -> None:
    """Remember the references of checks, so that links lead back."""
    note_references(
        connection, tokens, [{"person": each.person, "id": each.check_id} for each in told if each.check_id]
    )


def lines_of(told: Iterable[Told], link: Callable[[Told], Link]) -> tuple[Line, ...]:
    """Group notices by how things stand and what the check is, in the order in which they are told."""

    def place(each: Told) -> tuple[int, str]:
        return ORDER.index(group_of(each.notice_id, each.check_id, each.state)), each.protocol or ""

    ordered = sorted(told, key=lambda each: (place(each), each.notice_id))
    return tuple(
        Line(ORDER[position], protocol or None, tuple(link(each) for each in together))
        for (position, protocol), together in groupby(ordered, key=place)
    )
