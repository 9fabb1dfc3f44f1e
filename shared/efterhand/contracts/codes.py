"""Why an event is refused at the door: the closed list of codes, in the order in which they are told."""

from typing import Final

NOT_JSON: Final = "not_json"
NOT_CLOUDEVENTS: Final = "not_cloudevents"
IDENTITY_NUMBER: Final = "identity_number"
UNKNOWN_TYPE: Final = "unknown_type"
UNKNOWN_SCHEMA: Final = "unknown_schema"
MISSING_FIELD: Final = "missing_field"
UNKNOWN_FIELD: Final = "unknown_field"
WRONG_VALUE: Final = "wrong_value"
TIME_IN_FUTURE: Final = "time_in_future"
ON_TOO_EARLY: Final = "on_too_early"
ON_IN_FUTURE: Final = "on_in_future"
AGE_OUT_OF_RANGE: Final = "age_out_of_range"
UNKNOWN_CODE: Final = "unknown_code"
SOURCE_NOT_ALLOWED: Final = "source_not_allowed"
PERSON_ERASED: Final = "person_erased"
CONFLICT: Final = "conflict"

REFUSAL_CODES: Final[dict[str, str]] = {
    NOT_JSON: (
        "The text is not JSON that can be kept: a mistake in its syntax, a key twice in one object, bytes that are not "
        "UTF-8, half of a surrogate pair, the character U+0000, a number beyond 64 bits, or more than 32 levels. "
        "It stands alone."
    ),
    NOT_CLOUDEVENTS: (
        "The envelope is not that of a CloudEvents 1.0 JSON event: `specversion`, `id`, `source` or `type` is missing "
        "or not as it must be, `time` has no offset, the data are not JSON, or an extension attribute breaks the rules."
    ),
    IDENTITY_NUMBER: (
        "A personal identity number or coordination number stands somewhere in the event, in a text, a number, a key "
        "or the envelope. Pseudonyms only."
    ),
    UNKNOWN_TYPE: "`type` is not one of the event types on this page.",
    UNKNOWN_SCHEMA: "`dataschema` is given and is not `urn:efterhand:<type>:1`.",
    MISSING_FIELD: "A field that must be there is not: `time`, `data` or a field of `data`.",
    UNKNOWN_FIELD: "A field of `data` that the type does not have.",
    WRONG_VALUE: (
        "A value that the field cannot have: the wrong kind, `null`, no real day or month, outside a closed list, a "
        "forbidden combination, a month after that of the business date, or an `id` or `source` of more than 500 bytes."
    ),
    TIME_IN_FUTURE: "`time` is more than 10 minutes after the event was received.",
    ON_TOO_EARLY: "`data.on` is before 1990-01-01.",
    ON_IN_FUTURE: "`data.on` is later than the day after the business date.",
    AGE_OUT_OF_RANGE: "The person would be under 13 or over 100 on `data.on`, by the year of birth.",
    UNKNOWN_CODE: (
        "A code that the catalogue of this installation lacks: unit, reason, kind, result and so on; for an answer "
        "also a protocol that takes none. It is tried again when the catalogue changes."
    ),
    SOURCE_NOT_ALLOWED: "The token may not write events of this `source`.",
    PERSON_ERASED: "The person has been erased; nothing is accepted for that pseudonym any more.",
    CONFLICT: "An event with the same `source` and `id` but other content was received earlier, and stands.",
}
"""Every code with what it means, for the documentation; the order is the order of the codes in an answer."""

RANK: Final[dict[str, int]] = {code: rank for rank, code in enumerate(REFUSAL_CODES)}
"""The place of each code in an answer."""
