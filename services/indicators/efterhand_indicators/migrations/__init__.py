"""The history of the schema `indicators`."""

from pathlib import Path

DIRECTORY = Path(__file__).parent
