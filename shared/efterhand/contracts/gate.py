"""Stops a breaking change of the contracts: `python -m efterhand.contracts.gate [REV]`.

Compares the schemas and topics of the working tree with those of an earlier git revision. Allowed: new types, new
optional fields, wider closed lists, looser bounds, other words. Everything else breaks someone who relied on it, and
needs a new version beside the old one.

Without REV: the point where this branch left `origin/main`; on `main` itself the commit before; and in both cases the
last commit too, so that a change that is not committed yet is seen. Exit code 0: nothing broke, or there was never a
contract to break (which is said loudly). 1: something broke. 2: there is an earlier state, but it cannot be read here.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jsonschema_rs

from efterhand.contracts.topics import Topic, read_topics

DIRECTORY: Final = Path(__file__).parent

_WORDS: Final = frozenset({"title", "description", "$comment", "examples", "x-expect", "x-any-of-says", "x-fact"})
_MAY_RISE: Final = frozenset({"maxLength", "maximum", "exclusiveMaximum", "maxItems", "maxProperties"})
_MAY_FALL: Final = frozenset({"minLength", "minimum", "exclusiveMinimum", "minItems", "minProperties"})
_FIXED_IN_TOPICS: Final = ("key", "value", "partitions", "cleanup")


class CannotCompare(Exception):
    """There is an earlier state, but it cannot be read here; the text says what to do."""


@dataclass(frozen=True)
class State:
    """The contracts at one moment: the schemas by path, the valid examples by path, the topics by name."""

    schemas: Mapping[str, Mapping[str, Any]]
    examples: Mapping[str, Any]
    topics: Mapping[str, Topic]

    @classmethod
    def of_files(cls, files: Mapping[str, str]) -> "State":
        """Read a state from the texts of files, by their path inside the contracts' directory."""
        schemas: dict[str, Any] = {}
        examples: dict[str, Any] = {}
        for path, text in files.items():
            parts = path.split("/")
            if parts[0] not in ("events", "values") or not path.endswith(".json"):
                continue
            if len(parts) == 3:
                schemas[path] = json.loads(text)
            elif parts[2:4] == ["examples", "valid"]:
                examples[path] = json.loads(text)
        return cls(schemas, examples, read_topics(files["topics.yaml"]) if "topics.yaml" in files else {})


def breaking_changes(old: State, new: State) -> list[str]:
    """Return a sentence for every change from `old` to `new` that breaks who relies on `old`."""
    found: list[str] = []
    for path, schema in sorted(old.schemas.items()):
        if path not in new.schemas:
            found.append(f"{path}: the schema is removed")
        else:
            found.extend(f"{path}: {change}" for change in _schema_changes(schema, new.schemas[path], "", path))
    found.extend(_examples_that_fail(old, new))
    for name, topic in old.topics.items():
        if name not in new.topics:
            found.append(f"topics.yaml: {name}: the topic is removed")
            continue
        for field in _FIXED_IN_TOPICS:
            before, after = getattr(topic, field), getattr(new.topics[name], field)
            if before != after:
                found.append(f"topics.yaml: {name}: {field} was {before} and is {after}")
    return found


def _schema_changes(old: Any, new: Any, where: str, path: str) -> Iterator[str]:
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        # true takes everything, so it is wider than any schema; the rest cannot be told.
        if old != new and new is not True:
            yield f"{where or 'the whole'}: was {json.dumps(old)} and is {json.dumps(new)}"
        return
    here = where or "the whole"
    for keyword in sorted(old.keys() | new.keys()):
        if keyword in _WORDS:
            continue
        before, after = old.get(keyword), new.get(keyword)
        if before == after:
            continue
        if keyword == "properties":
            yield from _property_changes(before or {}, after or {}, where, path)
        elif keyword == "required":
            yield from _required_changes(before or [], after or [], where, path)
        elif keyword == "items" and before is not None and after is not None:
            yield from _schema_changes(before, after, f"{where}[]", path)
        elif keyword == "type":
            if after is not None and (before is None or not _kinds(before) <= _kinds(after)):
                yield f"{here}: the type was {before} and is {after}"
        elif keyword == "enum":
            if before is None:
                yield f"{here}: a closed list was set"
            elif after is not None and (gone := [value for value in before if value not in after]):
                yield f"{here}: {', '.join(map(str, gone))} left the closed list"
        elif keyword == "additionalProperties" and after in (None, True):
            continue
        elif keyword in _MAY_RISE or keyword in _MAY_FALL:
            tighter = before is None or (
                after is not None and (after < before if keyword in _MAY_RISE else after > before)
            )
            if tighter:
                yield f"{here}: {keyword} was {before} and is {after}"
        elif keyword in ("pattern", "format", "const") and after is None:
            continue
        else:
            yield f"{here}: {keyword} was {json.dumps(before)} and is {json.dumps(after)}"


def _property_changes(old: Mapping[str, Any], new: Mapping[str, Any], where: str, path: str) -> Iterator[str]:
    for name, field in old.items():
        inside = f"{where}.{name}" if where else name
        if name not in new:
            yield f"{inside}: the field is removed"
        else:
            yield from _schema_changes(field, new[name], inside, path)


def _required_changes(old: Sequence[str], new: Sequence[str], where: str, path: str) -> Iterator[str]:
    prefix = f"{where}." if where else ""
    for name in new:
        if name not in old:
            yield f"{prefix}{name}: the field is now required"
    if path.startswith("values/"):
        # What the product itself sends: a reader relied on finding it there.
        for name in old:
            if name not in new:
                yield f"{prefix}{name}: the field is no longer always there"


def _kinds(declared: str | Sequence[str]) -> set[str]:
    kinds = {declared} if isinstance(declared, str) else set(declared)
    return kinds | {"integer"} if "number" in kinds else kinds


def _examples_that_fail(old: State, new: State) -> Iterator[str]:
    """What a comparison of words may miss: an event that was valid must stay valid."""
    for path, example in sorted(old.examples.items()):
        folder, name = path.split("/")[:2]
        schema = f"{folder}/{name}/v1.json"
        if schema not in old.schemas or schema not in new.schemas:
            continue
        value = example["data"] if folder == "events" else example
        if _takes(old.schemas[schema], value) and not _takes(new.schemas[schema], value):
            yield f"{path}: this was valid and is valid no more"


def _takes(schema: Mapping[str, Any], value: Any) -> bool:
    return jsonschema_rs.Draft202012Validator(dict(schema), validate_formats=True).is_valid(value)


def state_on_disk(directory: Path = DIRECTORY) -> State:
    """Return the contracts as they lie in a directory."""
    files = sorted([*directory.glob("**/*.json"), *directory.glob("*.yaml")])
    return State.of_files({path.relative_to(directory).as_posix(): path.read_text(encoding="utf-8") for path in files})


def state_at(revision: str, directory: Path = DIRECTORY) -> State:
    """Return the contracts as they were in a git revision; empty where it had none.

    Raises:
        CannotCompare: the revision cannot be read in this clone.
    """
    listing = _git(directory, "ls-tree", "-r", "-z", revision, ".")
    entries = [line.split("\t", 1) for line in listing.split("\0") if line]
    wanted = [(meta.split()[2], path) for meta, path in entries if path.endswith((".json", ".yaml"))]
    texts = _blobs(directory, [blob for blob, _ in wanted])
    return State.of_files({path: text for (_, path), text in zip(wanted, texts, strict=True)})


def earlier_revisions(directory: Path = DIRECTORY) -> list[str]:
    """Return the revisions to compare with when none is named; an empty list before the second commit.

    Raises:
        CannotCompare: no git repository, or a clone without the history that it takes.
    """
    head = _revision(directory, "HEAD")
    if head is None:
        _git(directory, "rev-parse", "--git-dir")
        return []
    base = None
    if _revision(directory, "origin/main") is not None:
        # A clone without history may hold both ends and not the point where they parted.
        base = _git(directory, "merge-base", "HEAD", "origin/main", if_fails="").strip() or None
    if base in (None, head):
        base = _revision(directory, "HEAD~1")
    if base is None and _git(directory, "rev-parse", "--is-shallow-repository").strip() == "true":
        raise CannotCompare("This clone has no history. Fetch it (git fetch --unshallow), or name a revision.")
    return [head] if base is None else [base, head]


def _revision(directory: Path, name: str) -> str | None:
    return _git(directory, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", if_fails="").strip() or None


def _git(directory: Path, *arguments: str, if_fails: str | None = None) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=directory, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise CannotCompare("git is not installed; the earlier contracts cannot be read.") from None
    if done.returncode != 0:
        if if_fails is not None:
            return if_fails
        raise CannotCompare(f"git {arguments[0]} says: {done.stderr.strip()}")
    return done.stdout


def _blobs(directory: Path, names: Sequence[str]) -> list[str]:
    done = subprocess.run(
        ["git", "cat-file", "--batch"],
        cwd=directory,
        input="".join(f"{name}\n" for name in names).encode(),
        capture_output=True,
        check=True,
    )
    texts = []
    position = 0
    for name in names:
        end_of_header = done.stdout.index(b"\n", position)
        header = done.stdout[position:end_of_header].split()
        if header[1] != b"blob":
            raise CannotCompare(f"git does not have the object {name}; fetch the whole history.")
        start = end_of_header + 1
        size = int(header[2])
        texts.append(done.stdout[start : start + size].decode())
        position = start + size + 1
    return texts


def main(arguments: Sequence[str] | None = None, directory: Path = DIRECTORY) -> int:
    """Run the gate; see the module for the exit codes."""
    named = list(sys.argv[1:] if arguments is None else arguments)
    if len(named) > 1:
        _say("Usage: python -m efterhand.contracts.gate [REV]")
        return 2
    try:
        revisions = named or earlier_revisions(directory)
        earlier = {revision: state_at(revision, directory) for revision in revisions}
    except CannotCompare as error:
        _say(f"THE CONTRACTS WERE NOT COMPARED. {error}")
        return 2
    now = state_on_disk(directory)
    found: dict[str, None] = {}
    compared = 0
    for revision, state in earlier.items():
        if state.schemas:
            compared += 1
            changes = breaking_changes(state, now)
            found.update(dict.fromkeys(changes))
            _say(f"Contracts compared with {revision[:12]}: {len(changes)} breaking changes.")
    if not compared:
        _say("NOTHING TO COMPARE WITH: no earlier revision here has contracts. Nothing was checked.")
    for change in found:
        _say(f"  {change}")
    if found:
        _say("Others rely on this. Put a new version or a new optional field beside what is there.")
        return 1
    return 0


def _say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")


if __name__ == "__main__":
    sys.exit(main())
