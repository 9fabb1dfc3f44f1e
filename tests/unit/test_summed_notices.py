"""After how many days a reminder is put in a list is said by the catalogue, a protocol at a time."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from efterhand.catalogue import Catalogue, load_catalogue
from efterhand.timeline.checks import derive_checks
from efterhand.timeline.events import Event
from efterhand.timeline.facts import derive_facts
from efterhand.timeline.notices import notices_on

RECEIVED = date(2017, 3, 18)
FEEDS = dict.fromkeys(("cases", "answers", "assistance"), RECEIVED)


def catalogue_with(days: int | None) -> Catalogue:
    """Stockholm's, in which a missed plan is summed after so many days; None: as it is."""
    catalogue = load_catalogue("stockholm")
    plan = catalogue.protocols["plan_5d"]
    changed = plan if days is None else replace(plan, summed_after_days=days)
    return replace(catalogue, protocols={**catalogue.protocols, "plan_5d": changed})


@pytest.mark.parametrize(("days", "status"), [(None, "open"), (8, "summed"), (9, "open")])
def test_a_reminder_is_summed_by_the_protocols_own_number_of_days(days: int | None, status: str) -> None:
    """Enrolled on 1 March, due on the 8th, told to the manager on the 9th, heard of on the 18th: nine days later."""
    data = {"person": "p-1", "case": "c-1", "on": "2017-03-01", "unit": "jobbtorg-kista", "target_group": "ordinary",
            "sex": "female", "birth_year": 1970}  # fmt: skip
    received = datetime(2017, 3, 18, 22, 59, tzinfo=UTC)
    facts = derive_facts([Event("p-1", "/a", "e-1", "case.enrolled", received, received, data)])
    catalogue = catalogue_with(days)

    notices = notices_on(facts, derive_checks(facts, catalogue), catalogue, RECEIVED, FEEDS)

    assert [(notice.step, notice.moment, notice.status) for notice in notices] == [("+1", date(2017, 3, 9), status)]
