"""Every mistake in a catalogue is refused with its file, its line and the nearest right word; one file a mistake."""

import shutil
from pathlib import Path

import pytest
import yaml

from efterhand.catalogue import CatalogueError, load_catalogue
from efterhand.catalogue.loader import BUILT_IN

MISTAKES = sorted((Path(__file__).parents[1] / "data" / "wrong-catalogues").glob("*.yaml"))


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda file: file.stem)
def test_a_mistake_is_refused_with_its_place_and_the_nearest_right_word(mistake: Path, tmp_path: Path) -> None:
    case = yaml.safe_load(mistake.read_text(encoding="utf-8"))
    directory = tmp_path / "stockholm"
    shutil.copytree(BUILT_IN / "stockholm", directory)
    file = directory / case["file"]
    if "replace" in case:
        text = file.read_text(encoding="utf-8")
        assert case["replace"] in text
        file.write_text(text.replace(case["replace"], case["by"], 1), encoding="utf-8")
    else:
        file.write_text(case["by"], encoding="utf-8")

    with pytest.raises(CatalogueError) as refused:
        load_catalogue(str(directory))

    assert case["message"] in refused.value.message
    assert refused.value.file == file
    assert refused.value.line == case["line"]


def test_the_built_in_catalogue_loads_and_keeps_its_version() -> None:
    first, second = load_catalogue("stockholm"), load_catalogue("stockholm")

    assert first.version == second.version
    assert first.protocols["occupation_6m"].takes_answers
    assert not first.protocols["assistance_7m"].takes_answers


def test_a_catalogue_that_does_not_exist_names_the_nearest_built_in_one() -> None:
    with pytest.raises(CatalogueError, match="did you mean 'stockholm'"):
        load_catalogue("stokholm")


def test_words_that_yaml_reads_as_booleans_stay_words(tmp_path: Path) -> None:
    directory = tmp_path / "own"
    shutil.copytree(BUILT_IN / "stockholm", directory)
    file = directory / "codelists.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("  private: Privat arbetsgivare", "  no: Ingen\n  on: På"), encoding="utf-8")

    assert set(load_catalogue(str(directory)).codelists["providers"]) == {"municipal", "no", "on", "association"}
