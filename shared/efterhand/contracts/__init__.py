"""The contracts as data, and what is judged by them: event types, refusal codes, topics."""

from efterhand.contracts.codes import REFUSAL_CODES
from efterhand.contracts.content import canonical_content
from efterhand.contracts.envelope import instant_of
from efterhand.contracts.event_types import Contract, event_types
from efterhand.contracts.faults import CodeLookup, Fault, find_faults
from efterhand.contracts.identity_numbers import (
    contains_identity_number,
    identity_number_paths,
    mask_identity_numbers,
    masked,
    text_to_keep,
)
from efterhand.contracts.reading import Body, NotJson, parse_body, parse_event
from efterhand.contracts.topics import Topic, topics

__all__ = [
    "REFUSAL_CODES",
    "Body",
    "CodeLookup",
    "Contract",
    "Fault",
    "NotJson",
    "Topic",
    "canonical_content",
    "contains_identity_number",
    "event_types",
    "find_faults",
    "identity_number_paths",
    "instant_of",
    "mask_identity_numbers",
    "masked",
    "parse_body",
    "parse_event",
    "text_to_keep",
    "topics",
]
