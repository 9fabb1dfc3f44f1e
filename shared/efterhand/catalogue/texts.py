"""A catalogue as it is written: its files' texts, kept so that it can be read again when its directory has changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from efterhand.catalogue.loader import FILES, directory_of, load_catalogue, version_of
from efterhand.catalogue.model import Catalogue


@dataclass(frozen=True)
class WrittenCatalogue:
    """A catalogue and the texts that it was read from, by file name."""

    catalogue: Catalogue
    texts: Mapping[str, str]


def load_written(path_or_name: str) -> WrittenCatalogue:
    """Load a catalogue from a directory, or a built-in one by its name, together with its texts.

    Raises:
        CatalogueError: it is missing or wrong.
    """
    directory = directory_of(path_or_name)
    while True:
        catalogue = load_catalogue(path_or_name)
        held = {name: (directory / name).read_bytes() for name in FILES if (directory / name).exists()}
        # Somebody may have written to a file between the two looks at it.
        if version_of(held) == catalogue.version:
            return WrittenCatalogue(catalogue, {name: text.decode("utf-8") for name, text in held.items()})


def load_texts(name: str, texts: Mapping[str, str]) -> Catalogue:
    """Load a catalogue from texts that were kept.

    Args:
        name: of the catalogue.
        texts: by file name.

    Raises:
        CatalogueError: they are no catalogue, or none any more.
    """
    with TemporaryDirectory(prefix="efterhand-catalogue-") as parent:
        directory = Path(parent) / name
        directory.mkdir()
        for file, text in texts.items():
            (directory / file).write_bytes(text.encode("utf-8"))
        return load_catalogue(str(directory))
