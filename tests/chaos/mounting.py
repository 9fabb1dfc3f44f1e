"""A mount of our own: the script starts itself again where it may make one, and nobody else sees it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

_STAGE = "EFTERHAND_TEST_MOUNTS"


class CannotMount(Exception):
    """This host does not let us make a mount."""


def run_with_tmpfs(module: str, arguments: Sequence[str], mounts: dict[Path, int]) -> int:
    """Run a module of ours where each of the directories is a tmpfs of so many bytes; gives its exit code.

    Root makes the mounts in a mount namespace. Anybody else makes them as root of a user namespace, and runs the module
    in one inside of that, as the same user as outside.

    Raises:
        CannotMount: the host does not allow it.
    """
    if os.geteuid() == 0:
        namespace = ["unshare", "--mount", "--propagation", "private"]
        inner: list[str] = []
    else:
        namespace = ["unshare", "--user", "--map-root-user", "--mount", "--propagation", "private"]
        inner = ["unshare", "--user", f"--map-user={os.getuid()}", f"--map-group={os.getgid()}"]
    steps = [
        f"mount -t tmpfs -o size={size},mode=0711 tmpfs '{directory}' || exit 90" for directory, size in mounts.items()
    ]
    script = "\n".join([*steps, 'exec "$@"'])
    command = [*namespace, "/bin/sh", "-c", script, "sh", *inner, sys.executable, "-m", module, *arguments]
    try:
        made = subprocess.run([*namespace, "true"], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise CannotMount("the program `unshare` is missing") from error
    if made.returncode:
        raise CannotMount(made.stderr.strip())
    child = subprocess.Popen(command, env={**os.environ, _STAGE: "1"})
    try:
        code = child.wait()
    except BaseException:
        # It has a system to stop before it ends.
        child.terminate()
        child.wait()
        raise
    if code == 90:
        raise CannotMount("mount refused a tmpfs")
    return code


def is_inside() -> bool:
    """Whether the mounts have been made."""
    return os.environ.get(_STAGE) == "1"


def fail_without_mount(test: str, reason: CannotMount) -> NoReturn:
    """End with a sentence: a test that could not be made has not passed."""
    print(
        f"{test} FAILED: it needs a small tmpfs, which this host does not let it mount ({reason}). Run it as root, or "
        "where user namespaces are allowed (`unshare -Urm true` succeeds)."
    )
    raise SystemExit(1)
