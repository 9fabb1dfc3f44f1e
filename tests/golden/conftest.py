"""The golden histories run on the services too."""

from tests.property.fixtures import services

__all__ = ["services"]
