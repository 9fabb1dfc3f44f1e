"""A home, its lock, its children, and what an earlier supervisor left."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from efterhand.catalogue import loader
from efterhand.embedded import jars, ports
from efterhand.embedded.children import LOG_LIMIT_BYTES, Child, end, orphans, start_mark
from efterhand.embedded.errors import CannotStart
from efterhand.embedded.home import Home
from efterhand.embedded.supervisor import Options, Supervisor

SLEEPS = [sys.executable, "-c", "import signal; print('up', flush=True); signal.pause()"]
IGNORES_TERM = [
    sys.executable,
    "-c",
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); signal.pause()",
]


def child(directory: Path, command: list[str], name: str = "one") -> Child:
    return Child(
        name,
        command,
        run_directory=directory,
        log_file=directory / f"{name}.log",
        environment={"PATH": "/usr/bin:/bin"},
        directory=directory,
    )


@contextmanager
def opened(path: Path) -> Iterator[Home]:
    home = Home(path)
    home.open()
    yield home
    home.close()


def wait_for_output(one: Child) -> None:
    deadline = time.monotonic() + 20
    while b"up" not in one.log_file.read_bytes():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_home_is_held_by_one_and_given_up_with_its_process(tmp_path: Path) -> None:
    first = Home(tmp_path / "home")
    first.open()
    with pytest.raises(CannotStart, match="is in use by efterhand with process id"):
        Home(tmp_path / "home").open()
    first.close()
    with opened(tmp_path / "home"):
        pass


def test_a_lock_of_a_killed_supervisor_is_void(tmp_path: Path) -> None:
    code = f"from efterhand.embedded.home import Home\nfrom pathlib import Path\nimport os, signal\n\
home = Home(Path({str(tmp_path / 'home')!r})); home.open(); os.kill(os.getpid(), signal.SIGKILL)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    assert (tmp_path / "home" / "lock").read_text()
    with opened(tmp_path / "home"):
        pass


def test_a_home_of_another_version_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "format.json").write_text('{"format": 99}')
    with pytest.raises(CannotStart, match="has format 99; this release reads format 1"):
        Home(tmp_path).open()


def test_a_disk_without_room_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(10**9, 10**9 - 10**8, 10**8))
    with pytest.raises(CannotStart, match="Only 100 MB are free"):
        Home(tmp_path / "home").open()


def test_secrets_stay_and_ports_stay_where_they_are_free(tmp_path: Path) -> None:
    with opened(tmp_path / "home") as home:
        secret, chosen = home.secret("signing"), home.ports(["kafka", "postgres"])
    with opened(tmp_path / "home") as again:
        assert again.secret("signing") == secret
        assert again.secret("database") != secret
        assert again.ports(["kafka", "postgres"]) == chosen
        assert again.ports(["kafka"], reserved=[chosen["kafka"]])["kafka"] != chosen["kafka"]


def test_no_port_is_one_that_the_kernel_gives_to_clients() -> None:
    low, high = (int(part) for part in Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    assert not any(low <= ports.choose() <= high for _ in range(50))


def test_a_child_outlives_nothing_it_should_not_and_is_known_by_its_record(tmp_path: Path) -> None:
    one = child(tmp_path, SLEEPS)
    one.start()
    wait_for_output(one)
    left = orphans(tmp_path)
    assert [(orphan.name, orphan.pid) for orphan in left] == [("one", one.pid)]
    assert end([one], ((signal.SIGTERM, 5.0),)) == []
    assert orphans(tmp_path) == []
    assert one.pid is None


def test_a_child_that_does_not_listen_is_killed_after_its_seconds(tmp_path: Path) -> None:
    one, other = child(tmp_path, IGNORES_TERM), child(tmp_path, SLEEPS, "other")
    one.start()
    other.start()
    wait_for_output(one)
    wait_for_output(other)
    begun = time.monotonic()
    assert end([one, other], ((signal.SIGTERM, 0.3),)) == ["one"]
    assert time.monotonic() - begun < 5


def test_a_record_of_a_number_given_to_another_process_ends_nothing(tmp_path: Path) -> None:
    one = child(tmp_path, SLEEPS)
    one.start()
    wait_for_output(one)
    record = json.loads(one.record.read_text())
    one.record.write_text(json.dumps(record | {"mark": record["mark"].replace("/", "/1")}))
    assert orphans(tmp_path) == []
    assert not one.record.exists()
    assert one.pid is not None
    assert start_mark(one.pid) == record["mark"]
    end([one], ((signal.SIGTERM, 5.0),))


def test_a_program_whose_record_cannot_be_written_never_starts(tmp_path: Path) -> None:
    one = child(tmp_path, [sys.executable, "-c", f"open({str(tmp_path / 'ran')!r}, 'w')"])
    one.run_directory = tmp_path / "missing"
    with pytest.raises(FileNotFoundError):
        one.start()
    assert one.pid is None
    assert not (tmp_path / "ran").exists()


def test_what_dies_at_once_waits_longer_each_time(tmp_path: Path) -> None:
    one = child(tmp_path, [sys.executable, "-c", "raise SystemExit(7)"])
    waits = []
    for _ in range(4):
        one.start()
        while (code := one.collect()) is None:
            time.sleep(0.01)
        assert code == 7
        waits.append(one.back_off())
    assert waits == sorted(set(waits))
    one.forgive()
    assert one.next_start == 0.0


def test_a_log_is_cut_while_the_child_goes_on_writing_into_it(tmp_path: Path) -> None:
    code = "import sys, signal; sys.stdout.write('x' * 11_000_000); print('up', flush=True); input_ = signal.pause()"
    one = child(tmp_path, [sys.executable, "-c", code])
    one.start()
    deadline = time.monotonic() + 20
    while one.log_file.stat().st_size < 11_000_000:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    one.trim_log()
    assert one.log_file.stat().st_size == 0
    assert one.log_file.with_name("one.log.1").stat().st_size == LOG_LIMIT_BYTES
    end([one], ((signal.SIGTERM, 5.0),))


def test_a_wrong_catalogue_stops_up_before_anything_is_made(tmp_path: Path) -> None:
    copy = tmp_path / "catalogue"
    shutil.copytree(Path(loader.__file__).parent / "stockholm", copy)
    protocols = copy / "protocols.yaml"
    protocols.write_text(protocols.read_text().replace("  feed: cases", "  feeed: cases", 1))
    with pytest.raises(CannotStart, match=r"protocols\.yaml:\d+: ") as caught:
        Supervisor(Options(home=tmp_path / "home", catalogue=str(copy)), [].append).run()
    assert caught.value.exit_code == 2
    assert not (tmp_path / "home").exists()


def test_without_a_network_the_first_start_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = tmp_path / "jgo.conf"
    settings.write_text(f"[repositories]\nnearby = http://127.0.0.1:{ports.choose()}/nothing\n")
    monkeypatch.setenv("JGO_CONFIG_FILE", str(settings))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(CannotStart, match=r"EFTERHAND_KAFKA=host:port"):
        jars.fetch(lambda _line: None)
    assert list(jars.jars_directory().glob("*.jar")) == []


def test_a_jar_that_is_not_the_locked_one_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    first = jars.locked().dependencies[0]
    path = "/".join([*first.groupId.split("."), first.artifactId, first.version])
    served = tmp_path / "repository" / path
    served.mkdir(parents=True)
    (served / f"{first.artifactId}-{first.version}.jar").write_bytes(b"something else")
    port = ports.choose()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory"]
    with subprocess.Popen([*command, str(tmp_path / "repository")], stderr=subprocess.DEVNULL) as server:
        try:
            while not ports.answers(port):
                assert server.poll() is None
            settings = tmp_path / "jgo.conf"
            settings.write_text(f"[repositories]\nnearby = http://127.0.0.1:{port}\n")
            monkeypatch.setenv("JGO_CONFIG_FILE", str(settings))
            with pytest.raises(CannotStart, match="its SHA-256 differs"):
                jars.fetch(lambda _line: None)
        finally:
            server.terminate()
    assert list(jars.jars_directory().glob("*.jar")) == []
