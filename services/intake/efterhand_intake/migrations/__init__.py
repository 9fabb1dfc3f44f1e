"""The history of the schema `intake`."""

from pathlib import Path

DIRECTORY = Path(__file__).parent
