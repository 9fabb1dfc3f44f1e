"""The gate: it lets through what breaks nobody, and stops what does."""

import copy
import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from efterhand.contracts.gate import State, breaking_changes, main, state_at, state_on_disk

ENROLLED = "events/case.enrolled/v1.json"
ANSWERED = "events/followup.answered/v1.json"
RETRACTED = "events/event.retracted/v1.json"
DATE = "values/business-date/v1.json"
CHECK = "values/followup-check/v1.json"
NOW = state_on_disk()
Change = Callable[[dict[str, Any]], object]


def after(path: str, change: Change) -> State:
    schemas = copy.deepcopy(dict(NOW.schemas))
    change(schemas[path])  # type: ignore[arg-type]
    return replace(NOW, schemas=schemas)


def field(name: str, **keywords: Any) -> Change:
    return lambda schema: schema["properties"].setdefault(name, {}).update(keywords)


BREAKING: list[tuple[str, str, Change, str]] = [
    ("a removed field", ENROLLED, lambda s: s["properties"].pop("education"), "education: the field is removed"),
    ("a nested field removed", RETRACTED, lambda s: s["properties"]["retracts"]["properties"].pop("id"), "retracts.id"),
    ("a retyped field", ENROLLED, field("birth_year", type="string"), "birth_year: the type was integer and is string"),
    ("a field made required", ENROLLED, lambda s: s["required"].append("education"), "education: the field is now"),
    (
        "a new field that is required",
        ENROLLED,
        lambda s: (s["properties"].update(x={"type": "string"}), s["required"].append("x")),
        "x: the field is now required",
    ),
    ("a narrowed closed list", ENROLLED, field("sex", enum=["female", "male"]), "sex: unknown left the closed list"),
    ("a closed list set", ENROLLED, field("unit", enum=["farsta"]), "unit: a closed list was set"),
    ("a narrowed pattern", ENROLLED, field("case", pattern="^[a-z]+$"), "case: pattern was"),
    ("a pattern set", ENROLLED, field("unit", pattern="^[a-z]+$"), "unit: pattern was null"),
    ("a format set", ENROLLED, field("unit", format="date"), "unit: format was null"),
    ("a bound set", ENROLLED, field("unit", maxLength=50), "unit: maxLength was None and is 50"),
    (
        "a bound lowered",
        "events/case.assigned/v1.json",
        field("worker", maxLength=50),
        "worker: maxLength was 100 and is 50",
    ),
    (
        "a bound raised from below",
        "events/case.assigned/v1.json",
        field("worker", minLength=2),
        "worker: minLength was 1 and is 2",
    ),
    ("another code list", ENROLLED, field("unit", **{"x-codelist": "reasons"}), "unit: x-codelist was"),
    ("a limit to a date", ENROLLED, field("on", **{"x-not-after": "business-date"}), "on: x-not-after was null"),
    ("another business date", ENROLLED, lambda s: s.update({"x-business-date": None}), "x-business-date was"),
    ("no person any more", ENROLLED, lambda s: s.update({"x-person": False}), "x-person was true"),
    ("another key of the fact", ENROLLED, lambda s: s.update({"x-fact-key": ["on"]}), "x-fact-key was"),
    ("a rule between fields", ANSWERED, lambda s: s["allOf"].append({"not": {"required": ["method"]}}), "allOf was"),
    ("a closed object", DATE, lambda s: s["properties"]["date"].update(additionalProperties=False), "additionalProp"),
    ("a value that lacks what was there", CHECK, lambda s: s["required"].remove("change"), "change: the field is no"),
    ("a field of a value removed", DATE, lambda s: s["properties"].pop("date"), "date: the field is removed"),
]
ALLOWED: list[tuple[str, str, Change]] = [
    ("a new optional field", ENROLLED, field("language", type="string")),
    ("a wider closed list", ENROLLED, field("sex", enum=["female", "male", "unknown", "other"])),
    ("a field made optional", ENROLLED, lambda s: s["required"].remove("sex")),
    ("an integer made a number", ENROLLED, field("birth_year", type="number")),
    ("a kind added", ENROLLED, field("unit", type=["string", "integer"])),
    ("a pattern taken away", ENROLLED, lambda s: s["properties"]["case"].pop("pattern")),
    ("a closed list taken away", ENROLLED, lambda s: s["properties"]["sex"].pop("enum")),
    ("a bound raised", "events/case.assigned/v1.json", field("worker", maxLength=200)),
    ("a bound taken away", "events/case.assigned/v1.json", lambda s: s["properties"]["worker"].pop("minLength")),
    ("an open object", ENROLLED, lambda s: s.pop("additionalProperties")),
    ("other words", ENROLLED, field("unit", description="Where.")),
]


@pytest.mark.parametrize(("name", "path", "change", "says"), BREAKING, ids=[row[0] for row in BREAKING])
def test_a_breaking_change_is_stopped(name: str, path: str, change: Change, says: str) -> None:
    found = breaking_changes(NOW, after(path, change))
    assert any(sentence.startswith(f"{path}: ") and says in sentence for sentence in found), found


@pytest.mark.parametrize(("name", "path", "change"), ALLOWED, ids=[row[0] for row in ALLOWED])
def test_a_change_that_breaks_nobody_is_let_through(name: str, path: str, change: Change) -> None:
    assert breaking_changes(NOW, after(path, change)) == []


def test_nothing_has_changed_between_a_state_and_itself() -> None:
    assert NOW.schemas
    assert NOW.examples
    assert NOW.topics
    assert breaking_changes(NOW, NOW) == []


def test_a_removed_type_is_stopped_and_a_new_one_is_let_through() -> None:
    less = replace(NOW, schemas={path: s for path, s in NOW.schemas.items() if path != ENROLLED})
    assert breaking_changes(NOW, less) == [f"{ENROLLED}: the schema is removed"]
    assert breaking_changes(less, NOW) == []


def test_an_event_that_was_valid_must_stay_valid_whatever_the_words_of_the_schema() -> None:
    def forbid_hidden(schema: dict[str, Any]) -> None:
        schema["examples"] = []
        schema["properties"]["sex"]["enum"].remove("female")

    found = breaking_changes(NOW, after(ENROLLED, forbid_hidden))
    assert "events/case.enrolled/examples/valid/smallest.json: this was valid and is valid no more" in found


@pytest.mark.parametrize(
    ("keyword", "value"),
    [("key", "source"), ("partitions", 8), ("value", "cloudevent"), ("cleanup", "compact")],
)
def test_a_topic_keeps_its_key_partitions_schema_and_cleanup(keyword: str, value: Any) -> None:
    changed = replace(NOW.topics["case-events"], **{keyword: value})
    found = breaking_changes(NOW, replace(NOW, topics={**NOW.topics, "case-events": changed}))
    assert len(found) == 1
    assert found[0].startswith(f"topics.yaml: case-events: {keyword} was ")


def test_a_removed_topic_is_stopped_and_longer_retention_and_new_readers_are_let_through() -> None:
    less = replace(NOW, topics={name: t for name, t in NOW.topics.items() if name != "business-date"})
    assert breaking_changes(NOW, less) == ["topics.yaml: business-date: the topic is removed"]
    assert breaking_changes(less, NOW) == []
    longer = replace(NOW.topics["case-events"], retention_days=30, consumers=("x",))
    assert breaking_changes(NOW, replace(NOW, topics={**NOW.topics, "case-events": longer})) == []


class Repository:
    """A git repository with a copy of the contracts."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.contracts = root / "contracts"
        root.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false")
        done = subprocess.run(["git", *identity, *arguments], cwd=self.root, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "x")
        return self.git("rev-parse", "HEAD")

    def change(self, path: str, change: Change) -> None:
        file = self.contracts / path
        schema = json.loads(file.read_text(encoding="utf-8"))
        change(schema)
        file.write_text(json.dumps(schema), encoding="utf-8")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    from efterhand.contracts.gate import DIRECTORY

    repository = Repository(tmp_path / "repository")
    repository.contracts.mkdir()
    for part in ("events", "values"):
        shutil.copytree(DIRECTORY / part, repository.contracts / part)
    shutil.copy(DIRECTORY / "topics.yaml", repository.contracts)
    return repository


def remove_sex(schema: dict[str, Any]) -> None:
    schema["properties"].pop("sex")


def test_a_revision_is_read_as_it_was(repository: Repository) -> None:
    first = repository.commit()
    repository.change(ENROLLED, remove_sex)
    assert state_at(first, repository.contracts) == NOW


def test_before_the_first_commit_and_after_it_the_gate_says_loudly_that_there_is_nothing_to_compare_with(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([], repository.contracts) == 0
    assert "NOTHING TO COMPARE WITH" in capsys.readouterr().err


def test_contracts_that_no_earlier_revision_had_are_said_loudly_to_be_unchecked(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.move(repository.contracts, repository.root.parent / "aside")
    repository.commit()
    shutil.move(repository.root.parent / "aside", repository.contracts)
    assert main([], repository.contracts) == 0
    assert "NOTHING TO COMPARE WITH" in capsys.readouterr().err


def test_a_change_that_is_not_committed_yet_is_seen(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    repository.commit()
    assert main([], repository.contracts) == 0
    repository.change(ENROLLED, remove_sex)
    assert main([], repository.contracts) == 1
    assert f"{ENROLLED}: sex: the field is removed" in capsys.readouterr().err


def test_the_last_commit_is_compared_with_the_one_before_it(repository: Repository) -> None:
    repository.commit()
    repository.change(ENROLLED, remove_sex)
    repository.commit()
    assert main([], repository.contracts) == 1


def test_a_branch_is_compared_with_where_it_left_main(repository: Repository, tmp_path: Path) -> None:
    first = repository.commit()
    repository.git("update-ref", "refs/remotes/origin/main", first)
    repository.git("switch", "--quiet", "--create", "work")
    repository.change(ENROLLED, remove_sex)
    repository.commit()
    repository.change(DATE, field("note", type="string"))
    repository.commit()
    assert main(["HEAD~1"], repository.contracts) == 0
    assert main([], repository.contracts) == 1


def test_a_named_revision_is_the_one_compared_with(repository: Repository) -> None:
    first = repository.commit()
    repository.change(ENROLLED, remove_sex)
    second = repository.commit()
    assert main([first], repository.contracts) == 1
    assert main([second], repository.contracts) == 0


@pytest.mark.parametrize("arguments", [["no-such-revision"], ["a", "b"]])
def test_a_revision_that_cannot_be_read_is_no_pass(repository: Repository, arguments: list[str]) -> None:
    repository.commit()
    assert main(arguments, repository.contracts) == 2


def test_a_clone_without_history_is_no_pass(
    repository: Repository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.commit()
    repository.commit()
    repository.git("clone", "--quiet", "--depth=1", f"file://{repository.root}", str(tmp_path / "clone"))
    assert main([], tmp_path / "clone" / "contracts") == 2
    assert "THE CONTRACTS WERE NOT COMPARED" in capsys.readouterr().err


def test_a_directory_that_is_in_no_repository_is_no_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert main([], tmp_path) == 2
