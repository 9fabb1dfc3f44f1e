"""What stops a start, in words for the person at the terminal."""

from __future__ import annotations


class CannotStart(Exception):
    """Something outside the product prevents a start. The text is a sentence that says what to do.

    `exit_code` is what the command ends with: 1 for a state of the machine, 2 for wrong use.
    """

    def __init__(self, sentence: str, *, exit_code: int = 1) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code
