"""The history of the schema `followup`."""

from pathlib import Path

DIRECTORY = Path(__file__).parent
