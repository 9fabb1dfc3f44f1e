"""How a command ends."""

from __future__ import annotations

from typing import Final

OK: Final = 0
DIFFERENCES: Final = 1
USAGE: Final = 2
SOME_REFUSED: Final = 3
TIMEOUT: Final = 4
NOT_REACHABLE: Final = 5


class Ending(Exception):
    """Ends the command with a sentence on stderr and an exit code."""

    def __init__(self, exit_code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code
