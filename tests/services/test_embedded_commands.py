"""The commands: what they send, what they print, how they end."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import click
import httpx
import pytest
from click.testing import CliRunner, Result

import efterhand.catalogue
from efterhand.cli import group, main
from efterhand.cli.ending import Ending
from efterhand.cli.output import as_csv, as_table
from efterhand.cli.settle import unsettled
from efterhand.cli.system import System

Handler = Callable[[httpx.Request], httpx.Response]
LEVEL = {"outbox": 0, "lag": 0, "dirty": 0, "date": "2017-01-01", "digest": {"count": 1, "sum": "aa", "buckets": {}}}


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a command against a system that a function plays; the command's ending becomes the result's."""

    def run(handler: Handler, *arguments: str) -> Result:
        made: list[System] = []

        def running() -> System:
            made.append(System("http://door", "secret", transport=httpx.MockTransport(handler)))
            return made[-1]

        monkeypatch.setattr(System, "running", running)
        result = CliRunner().invoke(group, list(arguments), standalone_mode=False)
        for system in made:
            system.close()
        return result

    return run


def code_of(result: Result) -> int:
    if isinstance(result.exception, Ending):
        return result.exception.exit_code
    if result.exception is not None:
        raise result.exception
    return int(result.return_value or 0)


def answer_all(outcome: str, codes: list[str] | None = None) -> Handler:
    def handler(request: httpx.Request) -> httpx.Response:
        results = [
            {"index": index, "source": "/s", "id": str(index), "outcome": outcome, "codes": codes or []}
            for index, _ in enumerate(json.loads(request.content))
        ]
        return httpx.Response(202, json={"results": results})

    return handler


def test_events_go_in_batches_of_500_in_their_order(invoke: Callable[..., Result], tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text("".join(f'{{"id": "{number}"}}\n' for number in range(1201)))
    sent: list[tuple[str, list[str]]] = []

    def handler(request: httpx.Request) -> httpx.Response:
        sent.append((request.url.path, [one["id"] for one in json.loads(request.content)]))
        return answer_all("accepted")(request)

    result = invoke(handler, "load", str(file))
    assert code_of(result) == 0
    assert [len(ids) for _, ids in sent] == [500, 500, 201]
    assert [int(one) for _, ids in sent for one in ids] == list(range(1201))
    assert {path for path, _ in sent} == {"/intake/v1/events"}
    assert "1201 accepted" in result.output
    assert not Path(f"{file}.refused.jsonl").exists()


def test_lines_with_a_day_of_receipt_go_to_the_path_that_honours_it(
    invoke: Callable[..., Result], tmp_path: Path
) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text('{"event": {"id": "1"}, "received": "2016-05-01"}\n\n{"id": "2"}\n{"event": {"id": "3"}}\n')
    sent: list[tuple[str, Any]] = []

    def handler(request: httpx.Request) -> httpx.Response:
        sent.append((request.url.path, json.loads(request.content)))
        return answer_all("accepted")(request)

    assert code_of(invoke(handler, "load", str(file))) == 0
    assert sent == [
        ("/intake/v1/load", [{"event": {"id": "1"}, "received": "2016-05-01"}]),
        ("/intake/v1/events", [{"id": "2"}, {"id": "3"}]),
    ]


def test_what_is_refused_goes_to_a_file_beside_it_and_ends_with_3(
    invoke: Callable[..., Result], tmp_path: Path
) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text('{"id": "1"}\nnot json\n')

    def handler(request: httpx.Request) -> httpx.Response:
        if request.content == b"not json":
            return httpx.Response(400, json={"code": "not_json", "title": "Not JSON"})
        return answer_all("refused", ["unknown_code"])(request)

    result = invoke(handler, "load", "--json", str(file))
    assert code_of(result) == 3
    written = [json.loads(line) for line in Path(f"{file}.refused.jsonl").read_text().splitlines()]
    assert {"line": 1, "outcome": "refused", "codes": ["unknown_code"], "event": {"id": "1"}} in written
    assert all("not json" not in json.dumps(one) for one in written)
    assert json.loads(result.stdout)[str(file)]["codes"] == {"unknown_code": 1, "not_json": 1}


def test_a_line_that_cannot_be_read_whole_is_left_to_intake_which_keeps_it(
    invoke: Callable[..., Result], tmp_path: Path
) -> None:
    file = tmp_path / "events.jsonl"
    lines = [b'\xef\xbb\xbf{"id": "1"}', b'{"id": "2"}', b"{bad", b'{"event": {"id": "a", "id": "b"}}', b'{"id": "3"}']
    file.write_bytes(b"\n".join(lines))
    sent: list[bytes] = []

    def handler(request: httpx.Request) -> httpx.Response:
        sent.append(request.content)
        if not request.content.startswith(b"["):
            return httpx.Response(400, json={"code": "not_json", "title": "Not JSON"})
        return answer_all("accepted")(request)

    assert code_of(invoke(handler, "load", str(file))) == 3
    assert sent == [b'[{"id": "1"},{"id": "2"}]', lines[2], lines[3], b'[{"id": "3"}]']


def test_an_event_with_an_identity_number_is_not_copied(invoke: Callable[..., Result], tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text('{"id": "what-must-not-be-kept"}\n')
    assert code_of(invoke(answer_all("refused", ["identity_number"]), "load", str(file))) == 3
    assert "what-must-not-be-kept" not in Path(f"{file}.refused.jsonl").read_text()


def test_one_line_that_spoils_a_batch_is_found_and_the_others_are_sent(
    invoke: Callable[..., Result], tmp_path: Path
) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text("".join(f'{{"id": "{number}"}}\n' for number in range(9)) + '{"id": "a", "id": "b"}\n')

    def handler(request: httpx.Request) -> httpx.Response:
        if b'"a"' in request.content:
            return httpx.Response(400, json={"code": "not_json", "title": "Not JSON"})
        return answer_all("accepted")(request)

    result = invoke(handler, "load", "--json", str(file))
    assert code_of(result) == 3
    assert json.loads(result.stdout)[str(file)]["outcomes"] == {"accepted": 9, "refused": 1}


def test_loading_waits_as_long_as_the_system_asks_for(invoke: Callable[..., Result], tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text('{"id": "1"}\n')
    answers: Iterator[Handler] = iter(
        [
            lambda _request: httpx.Response(503, headers={"Retry-After": "0.1"}),
            lambda _request: httpx.Response(503, headers={"Retry-After": "0.1"}),
            answer_all("accepted"),
        ]
    )
    assert code_of(invoke(lambda request: next(answers)(request), "load", str(file))) == 0


def test_settling_takes_level_services_and_nothing_less() -> None:
    assert unsettled({"intake": LEVEL, "followup": LEVEL, "indicators": LEVEL}) == []
    for worse, reason in (
        ({"outbox": 2}, "outbox 2"),
        ({"lag": None}, "cannot tell its lag"),
        ({"dirty": 1}, "dirty 1"),
        ({"complete": False}, "another catalogue is being taken over"),
        ({"date": "2017-01-02"}, "dates differ"),
        ({"digest": {"count": 2, "sum": "bb", "buckets": {}}}, "digests differ"),
    ):
        reasons = unsettled({"intake": LEVEL, "followup": {**LEVEL, **worse}, "indicators": LEVEL})
        assert any(reason in one for one in reasons), worse
    assert unsettled({"intake": None, "followup": LEVEL, "indicators": LEVEL}) == ["intake does not answer"]


def test_settle_ends_with_4_when_the_time_is_over(invoke: Callable[..., Result]) -> None:
    result = invoke(lambda _request: httpx.Response(200, json={**LEVEL, "outbox": 1}), "settle", "--timeout", "0.3")
    assert code_of(result) == 4
    assert "outbox 1" in str(result.exception)


def test_a_system_that_does_not_answer_ends_with_5(invoke: Callable[..., Result]) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    assert code_of(invoke(handler, "date")) == 5
    assert code_of(invoke(handler, "settle", "--timeout", "0")) == 5


def test_without_a_running_system_a_command_says_how_to_start_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("EFTERHAND_URL", raising=False)
    monkeypatch.setenv("EFTERHAND_HOME", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["efterhand", "date"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 5
    assert "`efterhand up`" in capsys.readouterr().err


def test_wrong_use_ends_with_2(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["nonsense"], ["date", "tomorrow"], ["up", "--clock", "sundial"], ["load", "/nowhere"]):
        monkeypatch.setattr("sys.argv", ["efterhand", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2, arguments
    assert capsys.readouterr().err


def test_an_audit_with_differences_ends_with_1(invoke: Callable[..., Result]) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        differences = [{"person": "p"}] if request.url.path == "/indicators/v1/audit" else []
        return httpx.Response(200, json={"differences": differences})

    assert code_of(invoke(handler, "audit")) == 1
    assert code_of(invoke(handler, "audit", "followup")) == 0


def test_lists_are_read_to_their_last_page(invoke: Callable[..., Result]) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        assert request.url.params.get("unit") == "farsta"
        assert request.headers["Authorization"] == "Bearer secret"
        if request.url.params.get("cursor") == "more":
            return httpx.Response(200, json={"items": [{"id": "b"}], "next": None})
        return httpx.Response(200, json={"items": [{"id": "a"}], "next": "more"})

    result = invoke(handler, "checks", "--unit", "farsta", "--json")
    assert [one["id"] for one in json.loads(result.stdout)] == ["a", "b"]


def test_notices_are_counted_by_week_and_summed_up_for_people(invoke: Callable[..., Result]) -> None:
    notice = {"to": "worker:w1", "unit": "kista", "status": "open", "withdrawn_on": None}

    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/followup/v1/status":
            return httpx.Response(200, json={"date": "2017-12-31"})
        days = ("2016-12-30", "2017-01-02", "2017-01-03", "2017-12-29")
        return httpx.Response(200, json={"items": [{**notice, "send_on": day} for day in days], "next": None})

    told = invoke(handler, "notices", "--weeks").stdout.splitlines()
    assert told[0].split() == ["role", "unit", "notices", "a", "week", "most", "in", "a", "week", "weeks", "without"]
    assert told[2].split() == ["worker", "kista", "3", "0.1", "2", "51"]
    by_week = json.loads(invoke(handler, "notices", "--weeks", "--json").stdout)
    assert [(one["week"], one["notices"]) for one in by_week] == [("2017-W01", 2), ("2017-W52", 1)]
    assert isinstance(invoke(handler, "notices", "--weeks", "--status", "open").exception, click.UsageError)


def test_the_date_is_shown_and_moved(invoke: Callable[..., Result]) -> None:
    moved: list[Any] = []

    def handler(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            moved.append(json.loads(request.content))
        return httpx.Response(200, json={"date": "2017-02-01"})

    assert invoke(handler, "date").stdout == "2017-02-01\n"
    assert code_of(invoke(handler, "date", "2017-02-01")) == 0
    assert moved == [{"date": date(2017, 2, 1).isoformat()}]


def test_a_problem_is_told_in_its_own_words(invoke: Callable[..., Result]) -> None:
    result = invoke(
        lambda _request: httpx.Response(409, json={"detail": "The date moves only forward"}), "date", "2017-01-01"
    )
    assert code_of(result) == 2
    assert "moves only forward" in str(result.exception)


def test_a_cell_that_a_spreadsheet_would_compute_is_marked_as_text() -> None:
    assert as_csv(["a"], [["=1+1"], ["-5"], ["-30/x"], ["plain"]]) == "a\n'=1+1\n-5\n'-30/x\nplain\n"


def test_a_table_lines_its_columns_up() -> None:
    assert as_table(["a", "long"], [["wide", "b"]]) == "a     long\n────  ────\nwide  b"


def test_an_unreadable_catalogue_ends_up_with_file_line_and_the_nearest_right_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    wrong = tmp_path / "catalogue"
    shutil.copytree(Path(efterhand.catalogue.__file__).parent / "stockholm", wrong)
    protocols = wrong / "protocols.yaml"
    protocols.write_text(protocols.read_text().replace("  feed: cases", "  feeed: cases", 1))
    arguments = ["up", "--home", str(tmp_path / "home"), "--catalogue", str(wrong)]
    monkeypatch.setattr("sys.argv", ["efterhand", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert re.search(r"protocols\.yaml:\d+: .*did you mean 'feed'", capsys.readouterr().err)
