"""The demo as a newcomer runs it, then what it left running: audited, and its metrics held against promtool.

`python -m tests.chaos.demo_and_metrics [--enrolments N]`. Exit code 0, or 1 with what is wrong.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.request import urlopen

EFTERHAND = (sys.executable, "-m", "efterhand.cli")
DATE = "efterhand_business_date_timestamp_seconds"
READY_SECONDS, DONE_SECONDS, STOPPED_SECONDS = 120.0, 420.0, 25.0


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--enrolments", type=int, default=5000)
    enrolments = arguments.parse_args().enrolments
    with tempfile.TemporaryDirectory(prefix="efterhand-demo-ci-") as scratch:
        Path(scratch).chmod(0o711)
        home = Path(scratch) / "home"
        said = Path(scratch) / "said"
        command = [*EFTERHAND, "demo", "--home", str(home), "--port", "18400", "--enrolments", str(enrolments)]
        begun = time.monotonic()
        with said.open("wb") as out:
            demo = subprocess.Popen(command, stdout=out, stderr=out)
        try:
            wait(demo, said, lambda: "The pages are open" in said.read_text(), DONE_SECONDS)
            print(said.read_text())
            print(f"demo: done after {time.monotonic() - begun:.0f} s")
            ready = json.loads((home / "run" / "ready.json").read_text())
            faults = [*audit(ready), *metrics(ready)]
        finally:
            stopping = time.monotonic()
            demo.send_signal(signal.SIGTERM)
            code = demo.wait(60)
        took = time.monotonic() - stopping
        print(f"demo: stopped with {code} after {took:.1f} s")
        if code != 0 or took > STOPPED_SECONDS:
            faults.append(f"the demo ended with {code} after {took:.1f} s")
    for fault in faults:
        print(f"wrong: {fault}")
    print(f"{1 - bool(faults)} passed, {int(bool(faults))} failed")
    return int(bool(faults))


def wait(demo: subprocess.Popen[bytes], said: Path, condition: Any, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if demo.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"the demo did not come to its end:\n{said.read_text()}")
        time.sleep(0.2)


def audit(ready: dict[str, Any]) -> list[str]:
    """Run `efterhand audit`; return what it found."""
    environment = {"EFTERHAND_URL": ready["url"], "EFTERHAND_TOKEN": ready["token"]}
    answer = subprocess.run([*EFTERHAND, "audit"], capture_output=True, text=True, env=environment, check=False)
    print(answer.stdout)
    return [] if answer.returncode == 0 else [f"audit: {answer.stdout}{answer.stderr}"]


def metrics(ready: dict[str, Any]) -> list[str]:
    """Hold each process's metrics against promtool; return its complaints, and where the dates shown differ."""
    faults = []
    dates = {}
    for process, port in sorted(ready["metrics"].items()):
        with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            text = answer.read()
        judged = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
        complaints = (judged.stdout + judged.stderr).decode().strip()
        print(f"metrics of {process}: {len(text.splitlines())} lines, promtool says {judged.returncode} {complaints}")
        if judged.returncode != 0:
            faults.append(f"{process}: {complaints}")
        dates[process] = next((line for line in text.decode().splitlines() if line.startswith(DATE)), "no date")
    if len(set(dates.values())) != 1 or DATE not in next(iter(dates.values())):
        faults.append(f"the processes show different business dates: {dates}")
    return faults


if __name__ == "__main__":
    sys.exit(main())
