"""A catalogue that loads but means nonsense is warned about by name, and a sensible one is not."""

import shutil
from pathlib import Path

import pytest

from efterhand.catalogue import Catalogue, load_catalogue
from efterhand.catalogue.loader import BUILT_IN
from efterhand.catalogue.warnings import NAMES, find_warnings

WIDE = Path(__file__).parents[1] / "data" / "wide-catalogue"
P, D, F, U, C, T = (f"{name}.yaml" for name in ("protocols", "indicators", "facts", "units", "codelists", "targets"))
SETTLED = """  met_by:
    - {first: case.closed_on, same: case_id, from: anchor, where: {any: [{reason: [work, studies]}, {not: {reason: {in: neutral}}}]}}
  cancelled_by:
    - {first: case.enrolled_on, other: case_id, after: anchor, before: due, where: {none: {in: offer, same: case_id, from: enrolled_on}}}
"""  # noqa: E501
SOME = "share: {some: {in: case, from: closed_on + 1 days, to: day}}"

ODD = [
    ("due_before_anchor", "protocol asked", P, "due: anchor + 2 weeks", "due: started_on + 0 days"),
    (
        "due_before_anchor",
        "protocol stay_3m",
        P,
        "due: end of 1st quarter after anchor",
        "due: start of year of anchor",
    ),
    (
        "due_before_anchor",
        "protocol asked",
        P,
        "where: {kind: [internship, job_support], result: {not: interrupted}}}\n  due: anchor + 2 weeks",
        "where: {started_on + 1 months: {before: ended_on}}}\n  due: started_on + 1 weeks",
    ),
    ("gives_up_before_due", "protocol asked", P, "{day: start of month after due", "{day: due - 1 days"),
    (
        "gives_up_before_due",
        "protocol matched",
        P,
        "gives_up: {day: due + 1 quarters",
        "gives_up: {day: anchor + 2 weeks",
    ),
    ("reminder_after_giving_up", "protocol asked", P, "{day: start of month after due", "{day: due + 2 days"),
    ("reminder_before_anchor", "protocol asked", P, "{day: due - 1 days, who", "{day: due - 30 days, who"),
    ("nobody_has_it", "protocol stay_3m", P, "{from: 16, to: 29}", "{from: 30, to: 20}"),
    ("nobody_has_it", "protocol asked", P, "result: {not: interrupted}", "ended_on: {known: false}"),
    (
        "nobody_has_it",
        "protocol matched",
        P,
        "day: closed_on}",
        "day: closed_on, where: {closed_on: {before: enrolled_on}}}",
    ),
    (
        "nobody_has_it",
        "protocol matched",
        P,
        "day: closed_on}",
        "day: closed_on, where: {reason: work, not: {reason: {in: livelihood}}}}",
    ),
    ("never_settled", "protocol stay_3m", P, SETTLED, ""),
    ("never_found", "protocol stay_3m", P, "after: anchor, before: due,", "after: due, before: anchor,"),
    (
        "never_found",
        "indicator days_to_talk",
        D,
        "{first: guidance.held_on, same: case_id}",
        "{first: guidance.held_on, same: case_id, from: enrolled_on, before: enrolled_on - 1 months}",
    ),
    ("never_found", "indicator nested", D, "made_on: {before: outer.started_on}", "made_on: {from: outer.started_on}"),
    ("never_counts", "indicator first_offers", D, "age: 25", "age: {from: 30, to: 20}"),
    (
        "never_counts",
        "indicator open_today",
        D,
        "{born_abroad: false}",
        "{born_abroad: false, any: [{born_abroad: true}]}",
    ),
    (
        "never_counts",
        "indicator open_today",
        D,
        "{born_abroad: false}",
        "{reason: {in: livelihood, not: [work, studies, self_employment]}}",
    ),
    (
        "never_counts",
        "indicator returned",
        D,
        "where: {reason: {in: livelihood}}",
        "where: {closed_on: {known: false}}",
    ),
    (
        "never_counts",
        "indicator returned",
        D,
        "where: {reason: {in: livelihood}}",
        "where: {closed_on: {before: enrolled_on}}",
    ),
    (
        "never_counts",
        "indicator returned",
        D,
        "where: {reason: {in: livelihood}}",
        "where: {reason: work}\n  unless: {reason: {in: livelihood}}",
    ),
    (
        "never_counts",
        "indicator asked_and_answered",
        D,
        "where: {protocol: asked}",
        "where: {protocol: stay_3m, measure_kind: internship}",
    ),
    (
        "never_counts",
        "indicator asked_and_answered",
        D,
        "where: {protocol: asked}",
        "where: {protocol: asked, verdict: met}",
    ),
    (
        "never_counts",
        "indicator open_today",
        D,
        "during: [enrolled_on + 12 months, closed_on]",
        "during: [closed_on + 1 days, enrolled_on]\n  unless: {closed_on: {known: false}}",
    ),
    ("never_in_numerator", "indicator returned", D, SOME, "share: {reason: illness}"),
    ("never_in_numerator", "indicator returned", D, SOME, "share: {some: {in: case, after: day, to: closed_on}}"),
    ("never_in_numerator", "indicator returned", D, SOME, "share: {closed_on: {to: day}}"),
    (
        "never_in_numerator",
        "indicator moved_on",
        D,
        "of: offer, where: {kind: job}",
        "of: offer, where: {kind: job, not: {kind: job}}",
    ),
    ("never_reported", "indicator asked_and_answered", D, "reported: {response: known}", "reported: {due: known}"),
    ("never_reported", "indicator asked_and_answered", D, "reported: {response: known}", "reported: {verdict: met}"),
    ("target_year", "indicator returned", T, "{2017: 12,", "{1917: 12,"),
    ("target_value", "indicator returned", T, "{2017: 12,", "{2017: 120,"),
    ("target_of_nothing", "target retruned", T, "returned:", "retruned:"),
    ("target_year", "formula gender_gap", T, "{2018: 2}", "{2118: 2}"),
    ("feed_without_source", "indicator returned", D, "feed: cases\n  better", "feed: answers\n  better"),
    ("feed_without_source", "indicator asked_and_answered", D, "feed: answers", "feed: cases"),
    ("feed_without_source", "protocol matched", P, "feed: assistance", "feed: cases"),
    (
        "coverage_without_register",
        "indicator by_education",
        D,
        "  split: education\n",
        "  split: education\n  reported: {education: known}\n",
    ),
    ("unused_group", "group livelihood", D, "where: {reason: {in: livelihood}}", "where: {reason: work}"),
    ("unused_fact", "fact unread", F, "episode: {", "unread: {merge: measure, gap: 1 days}\nepisode: {"),
    ("unused_protocol_answers", "protocol asked", D, "where: {protocol: asked}", "where: {protocol: matched}"),
    ("unit_alone", "unit annexet", U, "- {id: norra,", "- {id: annexet, name: Annexet}\n- {id: norra,"),
    ("unit_gap", "unit jobbtorg-resurs", U, "to: 2016-12-31", "to: 2016-11-30"),
    ("bucket_overlap", "indicator back_after", D, "0-180: {to: 180}", "0-180: {to: 181}"),
    ("bucket_overlap", "indicator back_after", D, "0-180: {to: 180}", "0-180: {above: 5, below: 6}"),
    ("difference_of_nothing", "formula gender_gap", D, "{sex: [female, male]}", "{sex: [female, men]}"),
    (
        "formula_of_other_windows",
        "formula per_open",
        D,
        "to: {average_of: open_today, over: month ends}",
        "to: open_today",
    ),
]


def changed(directory: Path, file: str, replace: str, by: str) -> Catalogue:
    shutil.copytree(WIDE, directory)
    text = (directory / file).read_text(encoding="utf-8")
    assert replace in text
    (directory / file).write_text(text.replace(replace, by, 1), encoding="utf-8")
    return load_catalogue(str(directory))


@pytest.mark.parametrize("name", ["stockholm", "nacka"])
def test_a_built_in_catalogue_gives_no_warning(name: str) -> None:
    assert [str(each) for each in find_warnings(load_catalogue(name))] == []


def test_a_catalogue_with_every_construct_gives_a_warning_of_its_unused_groups_only() -> None:
    assert {each.name for each in find_warnings(load_catalogue(str(WIDE)))} == {"unused_group"}


@pytest.mark.parametrize(("name", "subject", "file", "replace", "by"), ODD)
def test_what_is_hardly_meant_is_warned_about_by_name(
    name: str, subject: str, file: str, replace: str, by: str, tmp_path: Path
) -> None:
    found = find_warnings(changed(tmp_path / "odd", file, replace, by))

    assert (name, subject) in [(each.name, each.subject) for each in found]


def test_every_warning_is_named_and_has_an_odd_catalogue() -> None:
    assert {name for name, *_ in ODD} | {"unused_codelist"} == set(NAMES)


def test_a_code_list_of_facts_that_no_definition_reads_is_warned_about(tmp_path: Path) -> None:
    for name in (C, U):
        shutil.copy(WIDE / name, tmp_path / name)
    (tmp_path / P).write_text("{}\n", encoding="utf-8")
    figure = "opened: {name: Inskrivna, counts: case, day: enrolled_on, feed: cases}\n"
    (tmp_path / D).write_text(figure, encoding="utf-8")

    unused = {each.subject for each in find_warnings(load_catalogue(str(tmp_path))) if each.name == "unused_codelist"}

    assert unused == {
        f"code list {name}" for name in ("measure_kinds", "offer_kinds", "providers", "funders", "results")
    }


def test_what_may_lie_either_way_gives_no_warning(tmp_path: Path) -> None:
    catalogue = changed(
        tmp_path / "own", D, "where: {reason: {in: livelihood}}", "where: {closed_on: {after: enrolled_on + 1 years}}"
    )

    assert {each.name for each in find_warnings(catalogue)} == {"unused_group"}


def test_every_built_in_catalogue_is_looked_at() -> None:
    assert {file.parent.name for file in BUILT_IN.glob("*/codelists.yaml")} == {"stockholm", "nacka"}
