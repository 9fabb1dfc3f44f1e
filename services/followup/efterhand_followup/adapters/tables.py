"""The tables of the schema `followup`.

Every large table has the person first in its key. Pseudonyms, ids and units compare by their bytes in the database
(collation C, set by the migration).
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Identity,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from efterhand.persons.tables import define_person_tables

SCHEMA: Final = "followup"

metadata: Final = MetaData()

kept: Final = define_person_tables(
    metadata,
    SCHEMA,
    gate=0x66_6F_6C_6C_6F_77,
    person=(
        Column("computed_on", Date),
        Column("next_change_on", Date),
        Column("dirty", Boolean, nullable=False),
        Index("person_dirty", "person", postgresql_where="dirty"),
        Index("person_next_change", "next_change_on"),
    ),
    context=(
        Column("started_on", Date),
        Column("protocols", JSONB, nullable=False, server_default="{}"),
        Column("definitions", JSONB, nullable=False, server_default="{}"),
    ),
)
"""What every service has that follows persons."""

outbox: Final = kept.outbox
position: Final = kept.position
parked: Final = kept.parked

_OPEN: Final = "state IN ('upcoming', 'due', 'overdue')"
_MISSED: Final = "state IN ('missed', 'expired')"
_FILTERED: Final = (
    *("case_id", "person", "unit", "worker"),
    *("state", "protocol", "tried_on", "postponed_until", "protected"),
)
"""What the worklist asks of a check before it is shown: held by the indexes, so that they answer alone."""

check: Final = Table(
    "check",
    metadata,
    Column("person", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("protocol", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("case_id", Text, nullable=False),
    Column("anchor_on", Date, nullable=False),
    Column("due", Date, nullable=False),
    Column("outcome", Text),
    Column("outcome_on", Date),
    Column("gives_up_on", Date),
    Column("gives_up_as", Text),
    Column("first_received", Date, nullable=False),
    Column("unit", Text, nullable=False),
    Column("worker", Text),
    Column("state", Text, nullable=False),
    Column("late", Boolean, nullable=False),
    Column("flag", Text),
    Column("settled_on", Date),
    Column("response", Text),
    Column("occupation", Text),
    Column("same_field", Boolean),
    Column("protected", Boolean, nullable=False),
    Column("because", JSONB, nullable=False),
    Column("attempts", JSONB, nullable=False, server_default="[]"),
    Column("tried_on", Date),
    Column("postponed_until", Date),
    Column("missed_why", Text),
    PrimaryKeyConstraint("person", "id", name="check_pkey"),
    Index("check_due", "due", "id"),
    Index("check_unit", "unit", "state", "due", "id"),
    Index("check_case", "case_id"),
    Index("check_gives_up", "protocol", "gives_up_on"),
    Index("check_open_due", "due", "id", postgresql_include=_FILTERED, postgresql_where=_OPEN),
    Index("check_open_case", "case_id", postgresql_where=_OPEN),
    Index("check_open_count", "unit", *_FILTERED[3:], "due", "gives_up_on", postgresql_where=_OPEN),
    Index("check_settled", "settled_on", "due", "id", postgresql_include=_FILTERED),
    Index(
        "check_missed", "unit", "settled_on", "protocol", "worker", "missed_why", "protected", postgresql_where=_MISSED
    ),
    schema=SCHEMA,
)
"""One row for each check that exists on the person's `computed_on`, with unit, worker and state of that day.

`attempts` is what had been tried by then, `tried_on` the last of its days; `missed_why` says why it was missed or
expired, where it was. `postponed_until` follows from no event: it is a copy of what the table `postponement` says, for
the worklist's indexes.
"""

notice: Final = Table(
    "notice",
    metadata,
    Column("person", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("check_id", Text),
    Column("protocol", Text),
    Column("step", Text),
    Column("moment", Date, nullable=False),
    Column("send_on", Date, nullable=False),
    Column("unit", Text),
    Column("recipient", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("summed_into", Text),
    Column("made_on", Date),
    Column("withdrawn_on", Date),
    Column("protected", Boolean, nullable=False),
    Column("told", Boolean, nullable=False),
    PrimaryKeyConstraint("person", "id", name="notice_pkey"),
    CheckConstraint("status IN ('open', 'summed', 'withdrawn')", name="notice_status"),
    CheckConstraint("status = 'summed' OR made_on IS NOT NULL", name="notice_made_on"),
    CheckConstraint("(status = 'withdrawn') = (withdrawn_on IS NOT NULL)", name="notice_withdrawn_on"),
    Index("notice_standing", "status", "id"),
    Index("notice_unit", "unit", "status", "id"),
    Index("notice_recipient", "recipient", postgresql_where="told"),
    schema=SCHEMA,
)
"""The log of notices: made once, later withdrawn; a step that is only summed up has no `made_on`.

Person "" for those that sum up many persons' checks. `told`: the topic holds it as made and not as withdrawn.
"""

listed: Final = Table(
    "listed",
    metadata,
    Column("person", Text, nullable=False),
    Column("notice_id", Text, nullable=False),
    Column("protected", Boolean, nullable=False),
    PrimaryKeyConstraint("person", "notice_id", name="listed_pkey"),
    Index("listed_notice", "notice_id"),
    schema=SCHEMA,
)
"""Which persons a catch-up or register notice has on its list; it is open while there is one."""

listing_changed: Final = Table(
    "listing_changed",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    Column("notice_id", Text, nullable=False),
    Column("on", Date, nullable=False),
    Column("protected", Boolean, nullable=False),
    PrimaryKeyConstraint("id", name="listing_changed_pkey"),
    schema=SCHEMA,
)
"""Lists that gained or lost somebody on a day, until the notices that sum up have been brought in line with it."""

doubt: Final = Table(
    "doubt",
    metadata,
    Column("person", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("case_id", Text),
    Column("unit", Text),
    Column("events", JSONB, nullable=False),
    Column("from_on", Date),
    Column("until_on", Date),
    Column("protected", Boolean, nullable=False),
    PrimaryKeyConstraint("person", "id", name="doubt_pkey"),
    Index("doubt_unit", "unit", "person", "id"),
    Index("doubt_code", "code", "person", "id"),
    schema=SCHEMA,
)
"""What is doubtful about one person on some day, with the unit of the case on the person's `computed_on`.

It stands on the list from `from_on` (NULL: at once) to `until_on` (NULL: until it is put right); which of them stand is
told when they are read, so that no day changes a row.
"""

person_case: Final = Table(
    "person_case",
    metadata,
    Column("person", Text, nullable=False),
    Column("case_id", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("events", JSONB, nullable=False),
    Column("protected", Boolean, nullable=False),
    PrimaryKeyConstraint("person", "case_id", name="person_case_pkey"),
    Index("person_case_case", "case_id"),
    schema=SCHEMA,
)
"""The enrolled cases of each person: that two persons have one id is seen here, whoever came first or goes."""

act: Final = Table(
    "act",
    metadata,
    Column("person", Text, nullable=False),
    Column("check_id", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("made_on", Date, nullable=False),
    Column("said", JSONB, nullable=False),
    Column("event", JSONB),
    Column("event_id", Text),
    Column("undoes", Text),
    Column("accepted", Boolean, nullable=False),
    PrimaryKeyConstraint("person", "check_id", "key", name="act_pkey"),
    Index("act_key", "key"),
    CheckConstraint("kind IN ('answer', 'attempt', 'postpone', 'undo')", name="act_kind"),
    CheckConstraint("(kind = 'undo') = (undoes IS NOT NULL)", name="act_undoes"),
    schema=SCHEMA,
)
"""What staff did with checks: by whom, on which business date, and the event that it became, if it became one.

The key comes from the form, so that a form sent twice is one act. `undoes` is the key of the act, on the same check,
that an undo takes back. Not `accepted`: intake has not said yet that it has the event.
"""

postponement: Final = Table(
    "postponement",
    metadata,
    Column("person", Text, nullable=False),
    Column("check_id", Text, nullable=False),
    Column("until_on", Date, nullable=False),
    PrimaryKeyConstraint("person", "check_id", name="postponement_pkey"),
    schema=SCHEMA,
)
"""To which day a check is put off: the last postponement among its acts that nobody took back."""

reference: Final = Table(
    "reference",
    metadata,
    Column("person", Text, nullable=False),
    Column("check_id", Text, nullable=False),
    Column("ref", Text, nullable=False),
    PrimaryKeyConstraint("person", "check_id", name="reference_pkey"),
    Index("reference_ref", "ref", unique=True),
    schema=SCHEMA,
)
"""The opaque references that have been given out for checks, so that an address leads back to its check."""

saved_view: Final = Table(
    "saved_view",
    metadata,
    Column("owner", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("query", Text, nullable=False),
    PrimaryKeyConstraint("owner", "name", name="saved_view_pkey"),
    schema=SCHEMA,
)
"""Named choices of the worklist, each user's own."""

channel: Final = Table(
    "channel",
    metadata,
    Column("id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("audience", Text, nullable=False),
    Column("unit", Text),
    Column("staff", Text),
    Column("target", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("address_hash", Text),
    Column("made_by", Text, nullable=False),
    Column("made_on", Date, nullable=False),
    Column("planned_through", Date, nullable=False),
    Column("read_at", DateTime(timezone=True)),
    PrimaryKeyConstraint("id", name="channel_pkey"),
    Index(
        "channel_same",
        *("kind", "audience", "unit", "staff", "target"),
        unique=True,
        postgresql_nulls_not_distinct=True,
    ),
    Index("channel_address", "address_hash", unique=True),
    CheckConstraint("kind IN ('email', 'webhook', 'chat', 'calendar')", name="channel_kind"),
    CheckConstraint("audience IN ('worker', 'unit', 'manager', 'register')", name="channel_audience"),
    CheckConstraint("(kind = 'calendar') = (address_hash IS NOT NULL)", name="channel_address_hash"),
    schema=SCHEMA,
)
"""Ways by which a unit, or a member of staff, hears of notices.

`generation` goes into a webhook's key: another one is another key. Of a calendar's address a keyed hash alone is kept,
and `read_at` is when it was read last. The days up to `planned_through` have had their digests.
"""

digest: Final = Table(
    "digest",
    metadata,
    Column("id", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", DateTime(timezone=True), nullable=False),
    Column("failing_since", DateTime(timezone=True)),
    Column("reason", Text),
    Column("settled_at", DateTime(timezone=True)),
    PrimaryKeyConstraint("id", name="digest_pkey"),
    Index("digest_channel", "channel", "day"),
    Index("digest_waiting", "next_attempt_at", postgresql_where="state = 'waiting'"),
    CheckConstraint("state IN ('waiting', 'delivered', 'failed', 'dropped')", name="digest_state"),
    CheckConstraint("(state = 'waiting') = (settled_at IS NULL)", name="digest_settled_at"),
    schema=SCHEMA,
)
"""What a channel is told on a day, by an id that stays the same however often it is sent.

`failed` is what could not be delivered for so long that it is not tried any more; `dropped` had nothing left to tell.
`reason` says why the last attempt failed.
"""

delivery: Final = Table(
    "delivery",
    metadata,
    Column("person", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("notice_id", Text, nullable=False),
    Column("check_id", Text),
    Column("digest_id", Text, nullable=False),
    PrimaryKeyConstraint("person", "channel", "notice_id", name="delivery_pkey"),
    Index("delivery_digest", "digest_id"),
    schema=SCHEMA,
)
"""By which digest a channel hears of a notice; person and check are there to be found by an erasure or a disposal."""
