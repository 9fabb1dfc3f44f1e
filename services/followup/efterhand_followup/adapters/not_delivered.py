"""What all ways out have in common: how long they wait, and how they say that a message was not taken."""

from typing import Final

SECONDS: Final = 10.0
"""That one answer of another side may take."""

NO_ANSWER: Final = "no_answer"
REFUSED: Final = "refused"
NOT_ALLOWED: Final = "not_allowed"
NOT_SET_UP: Final = "not_set_up"


class NotDelivered(Exception):
    """The other side has not taken a message, as far as is known; it may have all the same."""

    def __init__(self, reason: str, detail: str = "") -> None:
        """`reason` is one of the codes; `detail` a number of the protocol: never what the other side wrote."""
        self.reason = f"{reason} {detail}".strip()
        super().__init__(self.reason)
