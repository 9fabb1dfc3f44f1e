"""The jars of the embedded broker: resolved and locked with jgo, fetched once, checked against the lock."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from jgo.config import GlobalSettings
from jgo.env import EnvironmentBuilder, EnvironmentSpec, LockFile
from jgo.maven import MavenContext

from efterhand.embedded.errors import CannotStart

HERE = Path(__file__).parent
SPECIFICATION = HERE / "jgo.toml"
LOCK = HERE / "jgo.lock.toml"

Say = Callable[[str], None]


def cache_directory() -> Path:
    """Where fetched jars are kept: `$XDG_CACHE_HOME/efterhand`, else `~/.cache/efterhand`."""
    cache = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(cache) if cache.startswith("/") else Path.home() / ".cache") / "efterhand"


def locked() -> LockFile:
    """The lock: every jar with its version and SHA-256."""
    return LockFile.load(LOCK)


def jars_directory() -> Path:
    """The directory that holds exactly the jars of the lock, once they have been fetched."""
    return cache_directory() / f"kafka-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]}"


def missing() -> list[str]:
    """The file names of the lock's jars that have not been fetched yet."""
    directory = jars_directory()
    names = [f"{jar.artifactId}-{jar.version}.{jar.packaging}" for jar in locked().dependencies]
    return [name for name in names if not (directory / name).exists()]


def repositories() -> list[str]:
    """The addresses that jars are fetched from: those of the user's jgo settings, else jgo's default."""
    return list(_context().remote_repos.values())


def _context(repo_cache: Path | None = None) -> MavenContext:
    return MavenContext(repo_cache=repo_cache, remote_repos=GlobalSettings.load().repositories or None, timeout=30)


def fetch(say: Say) -> Path:
    """The directory of the jars, after fetching those that are missing.

    `say` is called with one line of progress at a time. A jar appears in the directory only when its SHA-256 is that
    of the lock; an interrupted download leaves nothing behind. Repositories of the user's own are taken from the jgo
    settings file; without one jgo's default holds. Raises `CannotStart` when a jar cannot be had.
    """
    directory = jars_directory()
    if directory.is_dir() and not missing():
        return directory
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with _one_at_a_time(directory):
            _fetch_missing(directory, say)
    except OSError as error:
        if isinstance(error, requests.RequestException):
            raise _unreachable(error) from error
        raise CannotStart(
            f"The programs of the broker cannot be kept in {directory}: {error.strerror or error}. "
            "Make room or set XDG_CACHE_HOME to a directory that can be written."
        ) from error
    return directory


def _fetch_missing(directory: Path, say: Say) -> None:
    wanted = set(missing())
    if not wanted:
        return
    say(f"Fetching {len(wanted)} programs of Apache Kafka, once, into {directory}")
    fetched = 0
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=directory) as scratch:
        context = _context(Path(scratch))
        for jar in locked().dependencies:
            component = context.project(jar.groupId, jar.artifactId).at_version(jar.version)
            artifact = component.artifact(packaging=jar.packaging)
            if artifact.filename not in wanted:
                continue
            try:
                path = artifact.resolve()
            except RuntimeError as error:
                raise _unreachable(error) from error
            if hashlib.sha256(path.read_bytes()).hexdigest() != jar.sha256:
                raise CannotStart(
                    f"{artifact.filename} is not the file that the lock names: its SHA-256 differs. Nothing of it is "
                    "kept. Try again; if it stays so, the repository or a proxy in between gives out another file."
                )
            size = path.stat().st_size
            path.replace(directory / artifact.filename)
            fetched += 1
            say(f"  {fetched}/{len(wanted)}  {artifact.filename}  {size / 1e6:.1f} MB")


def _unreachable(error: Exception) -> CannotStart:
    reason = type(error).__name__ if isinstance(error, requests.RequestException) else "not found"
    return CannotStart(
        f"The programs of Apache Kafka cannot be fetched ({reason}), and they are not in {jars_directory()} yet. "
        "Connect to the network and start again, name a repository that can be reached in jgo's settings file, copy "
        "that directory from a machine that has it, or set EFTERHAND_KAFKA=host:port to use a broker that runs already."
    )


@contextmanager
def _one_at_a_time(directory: Path) -> Iterator[None]:
    with (directory / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left_over in directory.glob(".fetch-*"):
            shutil.rmtree(left_over, ignore_errors=True)
        yield


def write_lock() -> None:
    """Resolve `jgo.toml` and write `jgo.lock.toml` beside it. For maintainers; needs the network."""
    specification = EnvironmentSpec.load(SPECIFICATION)
    context = _context()
    builder = EnvironmentBuilder(context=context)
    inputs, transitive = context.resolver.resolve(builder.spec_to_dependencies(specification))
    jars = [*inputs, *(dependency for dependency in transitive if dependency.scope in ("compile", "runtime"))]
    LockFile.from_resolved_dependencies(
        jars,
        environment_name=specification.name,
        java_version=specification.java_version,
        entrypoints=specification.entrypoints,
        default_entrypoint=specification.default_entrypoint,
        spec_hash=hashlib.sha256(SPECIFICATION.read_bytes()).hexdigest()[:16],
    ).save(LOCK)


if __name__ == "__main__":
    write_lock()
    sys.stderr.write(f"{LOCK}: {len(locked().dependencies)} jars\n")
