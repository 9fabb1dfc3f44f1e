"""What changed between two catalogues is said in words, part by part, and what means the same is no change."""

import shutil
from functools import cache
from pathlib import Path

import pytest

from efterhand.catalogue import Catalogue, load_catalogue
from efterhand.catalogue.differences import Change, Part, What, differences
from efterhand.catalogue.loader import BUILT_IN

CITY = "- {id: jobbtorg-city,"
LAST_EDGE = "    - {parent: sodra, from: 2017-01-01}"
CLOSED_EDGE = "    - {parent: sodra, from: 2017-01-01, to: 2018-06-30}"


@cache
def built_in(name: str) -> Catalogue:
    """A built-in catalogue, read once."""
    return load_catalogue(name)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A copy of Stockholm's catalogue to change."""
    directory = tmp_path / "own"
    shutil.copytree(BUILT_IN / "stockholm", directory)
    return directory


def after(own: Path, file: str, *changes: tuple[str, str]) -> tuple[Change, ...]:
    """The differences when texts of a file are replaced."""
    text = (own / file).read_text(encoding="utf-8")
    for replace, by in changes:
        assert replace in text
        text = text.replace(replace, by, 1)
    (own / file).write_text(text, encoding="utf-8")
    return differences(built_in("stockholm"), load_catalogue(str(own)))


def told(changes: tuple[Change, ...]) -> list[tuple[Part, What, str]]:
    """Without the words."""
    return [(change.part, change.what, change.id) for change in changes]


def test_a_catalogue_does_not_differ_from_itself() -> None:
    assert differences(built_in("stockholm"), built_in("stockholm")) == ()


def test_what_a_file_looks_like_is_no_difference(own: Path) -> None:
    assert after(own, "units.yaml", ("- {id: stockholm, name", "# The city.\n- {id: stockholm,   name")) == ()


def test_a_test_person_is_no_difference(own: Path) -> None:
    assert after(own, "protocols.yaml", ("an offer on day 90 is in time", "another name")) == ()


def test_a_new_unit_is_told_with_where_it_lies(own: Path) -> None:
    changes = after(
        own,
        "units.yaml",
        (CITY, "- {id: nytt, name: Nytt torg, under: [{parent: norra, from: 2018-01-01}]}\n" + CITY),
    )

    assert told(changes) == [(Part.UNIT, What.ADDED, "nytt"), (Part.UNIT, What.ADDED, "nytt")]
    assert [change.swedish for change in changes] == [
        "Ny enhet: ”Nytt torg”.",
        "”Nytt torg” ligger under ”Område norra” från och med 2018-01-01.",
    ]
    assert changes[1].english == "“Nytt torg” lies under “Område norra” from 2018-01-01 on."


def test_a_unit_that_moves_is_told_once(own: Path) -> None:
    changes = after(
        own,
        "units.yaml",
        (LAST_EDGE, CLOSED_EDGE + "\n    - {parent: norra, from: 2018-07-01}"),
    )

    assert told(changes) == [(Part.UNIT, What.MOVED, "jobbtorg-resurs")]
    assert changes[0].swedish == "”Jobbtorg Resurs” flyttar till ”Område norra” från och med 2018-07-01."
    assert changes[0].decides


def test_a_unit_that_closes_is_told_with_its_last_day(own: Path) -> None:
    changes = after(own, "units.yaml", (LAST_EDGE, CLOSED_EDGE))

    assert told(changes) == [(Part.UNIT, What.CLOSED, "jobbtorg-resurs")]
    assert changes[0].swedish == "”Jobbtorg Resurs” stänger 2018-06-30."
    assert changes[0].english == "“Jobbtorg Resurs” closes on 2018-06-30."


def test_units_that_merge_are_told_together(own: Path) -> None:
    def move(unit: str, name: str, parent: str, since: str) -> tuple[str, str]:
        old = f"- {{id: {unit}, name: {name}, under: [{{parent: {parent}, from: {since}}}]}}"
        ended = f"{{parent: {parent}, from: {since}, to: 2018-12-31}}, {{parent: nya, from: 2019-01-01}}"
        return old, f"- {{id: {unit}, name: {name}, under: [{ended}]}}"

    changes = after(
        own,
        "units.yaml",
        move("jobbtorg-kista", "Jobbtorg Kista", "norra", "2008-01-01"),
        move("jobbtorg-unga-kista", "Jobbtorg unga Kista", "norra", "2012-01-01"),
        ("- {id: sodra,", "- {id: nya, name: Nya Kista, under: [{parent: norra, from: 2019-01-01}]}\n- {id: sodra,"),
    )

    assert (Part.UNIT, What.MERGED, "nya") in told(changes)
    assert "”Jobbtorg Kista” och ”Jobbtorg unga Kista” går ihop i ”Nya Kista” från och med 2019-01-01." in [
        change.swedish for change in changes
    ]
    assert not any(change.what in (What.MOVED, What.CLOSED) for change in changes)


def test_a_renamed_unit_and_a_renamed_code_change_no_figure(own: Path) -> None:
    units = after(own, "units.yaml", ("name: Jobbtorg Farsta", "name: Farsta jobbtorg"))
    lists = after(own, "codelists.yaml", ("work: {name: Arbete,", "work: {name: Jobb,"))

    assert units[0].swedish == "Enheten ”Jobbtorg Farsta” heter nu ”Farsta jobbtorg”."
    assert told(lists)[1:] == [(Part.CODELIST, What.RENAMED, "reasons.work")]
    assert not any(change.decides for change in (*units, *lists))


def test_a_code_that_is_renamed_in_english_alone_is_told_and_changes_no_figure(own: Path) -> None:
    changes = after(own, "codelists.yaml", ("english: Work}", "english: Job}"))

    assert told(changes) == [(Part.CODELIST, What.RENAMED, "reasons.work")]
    assert changes[0].english == "“Arbete” among the reasons of closure is now called “Job” in English (work)."
    assert not any(change.decides for change in changes)


def test_codes_that_come_and_go_and_groups_that_change_are_told(own: Path) -> None:
    changes = after(
        own,
        "codelists.yaml",
        ("  work: {", "  trial: Provanställning\n  work: {"),
        ("  association: {name: Förening, english: Association}\n", ""),
        ("neutral: {of: reasons, codes: [referred_back,", "neutral: {of: reasons, codes: [illness,"),
    )

    assert told(changes)[:3] == [
        (Part.CODELIST, What.ADDED, "reasons.trial"),
        (Part.CODELIST, What.REMOVED, "providers.association"),
        (Part.GROUP, What.CHANGED, "neutral"),
    ]
    assert changes[2].swedish == "Gruppen neutral: nu även illness; inte längre referred_back."
    assert (Part.PROTOCOL, What.CHANGED, "offer_90d") in told(changes)


def test_a_changed_definition_is_told_by_the_sentences_that_are_others_now(own: Path) -> None:
    changes = after(own, "indicators.yaml", ("enrolled_on + 12 months", "enrolled_on + 6 months"))

    assert told(changes) == [(Part.INDICATOR, What.CHANGED, "closed_12m")]
    assert changes[0].decides
    assert "Förut: Mätdagen infaller tolv månader efter inskrivningen" in changes[0].swedish
    assert "Nu: Mätdagen infaller sex månader efter inskrivningen" in changes[0].swedish
    assert "avslutsorsaken" not in changes[0].swedish


def test_a_changed_target_decides_nothing(own: Path) -> None:
    changes = after(own, "indicators.yaml", ("target: {2017: 78}", "target: {2017: 79.5, 2018: 80}"))

    assert [change.swedish for change in changes] == [
        "Målet 2017 för ”Avslutade inom tolv månader från inskrivning, utom återremitterade”: 78 förut, 79,5 nu.",
        "Målet 2018 för ”Avslutade inom tolv månader från inskrivning, utom återremitterade”: inget förut, 80 nu.",
    ]
    assert not any(change.decides for change in changes)


def test_a_changed_reminder_is_told_by_itself(own: Path) -> None:
    changes = after(own, "protocols.yaml", ("{day: due - 30 days, who: worker}", "{day: due - 20 days, who: worker}"))

    assert told(changes) == [(Part.REMINDER, What.CHANGED, "offer_90d")]
    assert changes[0].swedish.startswith("Påminnelserna för ”Erbjudande inom 90 dagar”: Förut: Påminnelse ges till")
    assert not changes[0].decides


def test_a_changed_protocol_changes_the_indicators_that_count_its_checks(own: Path) -> None:
    changes = after(own, "protocols.yaml", ("due: anchor + 90 days", "due: anchor + 60 days"))

    assert (Part.PROTOCOL, What.CHANGED, "offer_90d") in told(changes)
    resting = next(change for change in changes if (change.part, change.id) == (Part.INDICATOR, "offer_90d"))
    assert resting.decides
    assert resting.english.endswith("What it rests on has changed.")


def test_definitions_that_come_and_go_are_told_in_both_languages() -> None:
    changes = differences(built_in("stockholm"), built_in("nacka"))

    assert (Part.PROTOCOL, What.ADDED, "in_measure_3m") in told(changes)
    assert (Part.INDICATOR, What.REMOVED, "internship_count") not in told(changes)
    assert (Part.INDICATOR, What.REMOVED, "stockholmsjobb_count") in told(changes)
    assert all(change.swedish.endswith(".") and change.english.endswith(".") for change in changes)


def test_a_fact_that_is_derived_otherwise_is_told(tmp_path: Path) -> None:
    wide = Path(__file__).parents[1] / "data" / "wide-catalogue"
    directory = tmp_path / "own"
    shutil.copytree(wide, directory)
    facts = directory / "facts.yaml"
    facts.write_text(facts.read_text(encoding="utf-8").replace("gap: 90 days", "gap: 30 days"), encoding="utf-8")

    changes = differences(load_catalogue(str(wide)), load_catalogue(str(directory)))

    assert told(changes) == [(Part.FACT, What.CHANGED, "episode"), (Part.INDICATOR, What.CHANGED, "in_episodes")]
    assert "högst 30 dagar" in changes[0].swedish


def test_an_older_catalogue_differs_the_other_way_round() -> None:
    stockholm, nacka = built_in("stockholm"), built_in("nacka")
    there, back = told(differences(stockholm, nacka)), told(differences(nacka, stockholm))

    def ids(changes: list[tuple[Part, What, str]], what: What) -> set[tuple[Part, str]]:
        return {(part, name) for part, each, name in changes if each is what and part is not Part.UNIT}

    assert ids(there, What.ADDED) == ids(back, What.REMOVED)
    assert ids(there, What.REMOVED) == ids(back, What.ADDED)
