"""Every mistake in a catalogue is refused with its file, its line and the nearest right word; one file a mistake.

A file says what it replaces in the catalogue that has every construct, by what, and the message; `§` stands on the
line that the message must name.
"""

import shutil
from pathlib import Path

import pytest
import yaml

from efterhand.catalogue import CatalogueError, load_catalogue
from efterhand.catalogue.loader import BUILT_IN

DATA = Path(__file__).parents[1] / "data"
WIDE = DATA / "wide-catalogue"
MISTAKES = sorted((DATA / "wrong-catalogues").glob("*.yaml"))
MARK = "§"
AT_LEAST = 60


def test_there_are_many_mistakes() -> None:
    assert len(MISTAKES) >= AT_LEAST


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda file: file.stem)
def test_a_mistake_is_refused_with_its_place_and_the_nearest_right_word(mistake: Path, tmp_path: Path) -> None:
    case = yaml.safe_load(mistake.read_text(encoding="utf-8"))
    directory = tmp_path / "wide"
    shutil.copytree(WIDE, directory)
    file = directory / case["file"]
    if "replace" in case:
        text = file.read_text(encoding="utf-8")
        assert case["replace"] in text
        marked = text.replace(case["replace"], case["by"], 1)
    else:
        marked = case["by"]
    file.write_text(marked.replace(MARK, ""), encoding="utf-8")

    with pytest.raises(CatalogueError) as refused:
        load_catalogue(str(directory))

    assert case["message"] in refused.value.message
    assert refused.value.file == file
    assert refused.value.line == marked[: marked.index(MARK)].count("\n") + 1


@pytest.mark.parametrize("name", ["stockholm", "nacka"])
def test_a_built_in_catalogue_loads_and_keeps_its_version(name: str) -> None:
    first, second = load_catalogue(name), load_catalogue(name)

    assert first.version == second.version
    assert first.protocols["occupation_6m"].takes_answers
    assert not first.protocols["assistance_7m"].takes_answers


def test_a_catalogue_with_every_construct_loads() -> None:
    catalogue = load_catalogue(str(WIDE))

    assert {indicator.kind.value for indicator in catalogue.indicators.values()} == {
        "share",
        "count",
        "persons",
        "mean",
        "median",
        "split",
    }
    assert {formula.operation.value for formula in catalogue.formulas.values()} == {
        "ratio",
        "difference",
        "standardise",
        "mean_of",
        "average_of",
    }


def test_a_target_in_the_file_of_targets_goes_before_the_one_beside_the_definition(tmp_path: Path) -> None:
    directory = tmp_path / "own"
    shutil.copytree(BUILT_IN / "stockholm", directory)
    (directory / "targets.yaml").write_text("closed_12m: {2017: 80, 2018: 81}\n", encoding="utf-8")

    targets = load_catalogue(str(directory)).indicators["closed_12m"].targets

    assert {year: int(goal) for year, goal in targets.items()} == {2017: 80, 2018: 81}


def test_targets_and_test_persons_are_no_part_of_a_definition(tmp_path: Path) -> None:
    directory = tmp_path / "own"
    shutil.copytree(BUILT_IN / "stockholm", directory)
    (directory / "targets.yaml").write_text("plan_5d: {2030: 1}\n", encoding="utf-8")
    protocols = directory / "protocols.yaml"
    text = protocols.read_text(encoding="utf-8")
    protocols.write_text(text.replace("name: an offer on day 90 is in time", "name: another name"), encoding="utf-8")

    own, built_in = load_catalogue(str(directory)), load_catalogue("stockholm")

    assert own.version != built_in.version
    assert own.protocols["offer_90d"].tests != built_in.protocols["offer_90d"].tests
    for name, indicator in own.indicators.items():
        assert indicator.definition == built_in.indicators[name].definition


def test_a_catalogue_that_does_not_exist_names_the_nearest_built_in_one() -> None:
    with pytest.raises(CatalogueError, match="did you mean 'stockholm'"):
        load_catalogue("stokholm")


def test_words_that_yaml_reads_as_booleans_stay_words(tmp_path: Path) -> None:
    directory = tmp_path / "own"
    shutil.copytree(BUILT_IN / "stockholm", directory)
    file = directory / "codelists.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(
        text.replace("  private: {name: Privat arbetsgivare, english: Private employer}", "  no: Ingen\n  on: På"),
        encoding="utf-8",
    )

    assert set(load_catalogue(str(directory)).codelists["providers"]) == {"municipal", "no", "on", "association"}
