"""What has to be written so that the tables hold what should be there, and what has to be told."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from efterhand.timeline.notices import Notice
from efterhand_followup.domain.chronicle import Chronicle, Episode
from efterhand_followup.domain.standing import Row


@dataclass
class Difference:
    """Rows to be written and taken away, by table, and messages in the order in which they are to go out."""

    checks: list[Row] = field(default_factory=list)
    checks_gone: list[tuple[str, str]] = field(default_factory=list)
    checks_told: list[Row] = field(default_factory=list)
    """Checks that others are to hear of."""
    checks_untold: list[tuple[str, str]] = field(default_factory=list)
    """(person, id) of checks that others are no longer to know of: gone, or about a person who is protected now."""
    notices: list[Row] = field(default_factory=list)
    notices_gone: list[tuple[str, str]] = field(default_factory=list)
    notices_made: list[Row] = field(default_factory=list)
    notices_withdrawn: list[Row] = field(default_factory=list)
    listed: list[Row] = field(default_factory=list)
    listed_gone: list[tuple[str, str]] = field(default_factory=list)
    listings_changed: list[tuple[str, date, bool]] = field(default_factory=list)
    """(catch-up or register notice, day, whether it was a protected person who came or went)."""
    doubts: list[Row] = field(default_factory=list)
    doubts_gone: list[tuple[str, str]] = field(default_factory=list)
    cases: list[Row] = field(default_factory=list)
    cases_gone: list[tuple[str, str]] = field(default_factory=list)


def add_checks(difference: Difference, stored: Mapping[str, Row], wanted: Iterable[Row]) -> None:
    """Compare one person's checks as stored with what they should be."""
    left = dict(stored)
    for row in wanted:
        before = left.pop(row["id"], None)
        if before == row:
            continue
        difference.checks.append(row)
        if not row["protected"]:
            if before is None or before["protected"] or _news_of(before) != _news_of(row):
                difference.checks_told.append(row)
        elif before is not None and not before["protected"]:
            difference.checks_untold.append((row["person"], row["id"]))
    for check_id, before in left.items():
        difference.checks_gone.append((before["person"], check_id))
        if not before["protected"]:
            difference.checks_untold.append((before["person"], check_id))


def _news_of(row: Row) -> tuple[object, ...]:
    """What is told of a check: nothing that another day alone would change."""
    return row["case_id"], row["anchor_on"], row["due"], row["outcome"], row["outcome_on"]


def add_notices(difference: Difference, stored: Mapping[str, Row], lived: Chronicle, computed_on: date | None) -> None:
    """Compare one person's log of notices with what the days since have brought.

    Args:
        difference: is added to.
        stored: the person's rows, by id.
        lived: the days up to the business date.
        computed_on: the day up to which the log was complete before; a notice that stood then and should not have is
            withdrawn on the day on which this became known.
    """
    person, protected = lived.standing.person, lived.standing.protected
    for notice_id in {**stored, **lived.episodes}:
        before, episode = stored.get(notice_id), lived.episodes.get(notice_id)
        row = _notice_row(person, before, episode, lived, computed_on)
        if row is None:
            if before is not None:
                difference.notices_gone.append((person, notice_id))
                if before["told"]:
                    difference.notices_withdrawn.append(before)
            continue
        row["protected"] = protected
        row["told"] = row["status"] == "open" and not protected
        if row == before:
            continue
        difference.notices.append(row)
        was_told = before is not None and before["told"]
        passed = before is None and row["status"] == "withdrawn" and not protected
        if (row["told"] and not was_told) or passed:
            difference.notices_made.append(row)
        if (was_told and not row["told"]) or passed:
            difference.notices_withdrawn.append(row)


def _notice_row(
    person: str, before: Row | None, episode: Episode | None, lived: Chronicle, computed_on: date | None
) -> Row | None:
    """Return what the log should say of one notice; None: it should not be there."""
    made_on = before["made_on"] if before is not None else None
    if episode is not None:
        made_on = made_on or episode.opened_on
        if episode.ended_on is None:
            return {**notice_row(person, episode.notice), "made_on": made_on, "withdrawn_on": None}
    if made_on is None:
        return None
    if before is not None and before["status"] == "withdrawn" and episode is None:
        return dict(before)
    ended_on = lived.first_day if episode is None or episode.ended_on is None else episode.ended_on
    # A late watermark takes `computed_on` back; what was made after it cannot have been withdrawn before it was made.
    if before is not None and ((computed_on is not None and ended_on <= computed_on) or ended_on < made_on):
        ended_on = lived.standing.day
    if before is None or episode is not None:
        assert episode is not None  # noqa: S101 — one of the two is there
        details = notice_row(person, episode.notice)
    else:
        details = dict(before)
    return {**details, "status": "withdrawn", "summed_into": None, "made_on": made_on, "withdrawn_on": ended_on}


def notice_row(person: str, notice: Notice) -> Row:
    """Return the columns of the table `notice` that the rule decides."""
    return {
        "person": person,
        "id": notice.id,
        "check_id": notice.check,
        "protocol": notice.protocol,
        "step": notice.step,
        "moment": notice.moment,
        "send_on": notice.send_on,
        "unit": notice.unit,
        "recipient": notice.to,
        "status": str(notice.status),
        "summed_into": notice.summed_into,
    }


def add_lists(difference: Difference, stored: Mapping[str, bool], lived: Chronicle) -> None:
    """Compare the lists that a person stands on with those that it should.

    Args:
        difference: is added to.
        stored: whether the person is protected, by the id of the catch-up or register notice.
        lived: the days up to the business date.
    """
    person, standing = lived.standing.person, lived.standing
    for list_id in sorted(standing.lists):
        if stored.get(list_id) != standing.protected:
            difference.listed.append({"person": person, "notice_id": list_id, "protected": standing.protected})
            joined_on = lived.lists_joined[list_id] if list_id not in stored else standing.day
            difference.listings_changed.append((list_id, joined_on, standing.protected))
    for list_id in sorted({*stored, *lived.lists_joined} - standing.lists):
        if list_id in stored:
            difference.listed_gone.append((person, list_id))
        else:
            # Came and went between two looks: that the notice was open in between shows in its two days.
            difference.listings_changed.append((list_id, lived.lists_joined[list_id], standing.protected))
        left_on = lived.lists_left.get(list_id, lived.first_day)
        difference.listings_changed.append((list_id, left_on, standing.protected))


def add_doubts(difference: Difference, stored: Mapping[str, Row], wanted: Iterable[Row]) -> None:
    """Compare what is doubtful about one person as stored (by id) with what should be."""
    _add(difference.doubts, difference.doubts_gone, "id", stored, wanted)


def add_cases(difference: Difference, stored: Mapping[str, Row], wanted: Iterable[Row]) -> None:
    """Compare one person's cases as stored (by case id) with what they should be."""
    _add(difference.cases, difference.cases_gone, "case_id", stored, wanted)


def _add(
    written: list[Row], gone: list[tuple[str, str]], key: str, stored: Mapping[str, Row], wanted: Iterable[Row]
) -> None:
    left = dict(stored)
    written += [row for row in wanted if left.pop(row[key], None) != row]
    gone += [(row["person"], row[key]) for row in left.values()]
