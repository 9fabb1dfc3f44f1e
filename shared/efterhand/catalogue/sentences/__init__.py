"""Definitions and changes said in words, in Swedish and English, for readers who read no YAML."""

from efterhand.catalogue.sentences.definitions import (
    LANGUAGES,
    Definition,
    explain,
    fact_in_words,
    is_defined,
    reminders_of,
    sentences_of,
)
from efterhand.catalogue.sentences.language import Language

__all__ = [
    "LANGUAGES",
    "Definition",
    "Language",
    "explain",
    "fact_in_words",
    "is_defined",
    "reminders_of",
    "sentences_of",
]
