"""The door's pages: what is due, with an answer that can be given there, the year's figures, the system's state."""

from efterhand.web.door.pages import create_door

__all__ = ["create_door"]
