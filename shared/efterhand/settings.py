"""What every process is told by its environment."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


def default_home() -> Path:
    """The home directory that is used when nothing else is said.

    `/var/lib/efterhand` for root, else `$XDG_DATA_HOME/efterhand` or `~/.local/share/efterhand`. Root has its own
    place because PostgreSQL then runs as another user, who must be able to reach the directory.
    """
    if os.geteuid() == 0:
        return Path("/var/lib/efterhand")
    data = os.environ.get("XDG_DATA_HOME", "")
    return (Path(data) if data.startswith("/") else Path.home() / ".local" / "share") / "efterhand"


class Settings(BaseSettings):
    """The settings of one process; each field is the environment variable `EFTERHAND_<FIELD>`.

    An empty variable counts as not set. Raises `pydantic.ValidationError` for a value of the wrong form.
    """

    model_config = SettingsConfigDict(env_prefix="EFTERHAND_", env_ignore_empty=True, extra="ignore", frozen=True)

    home: Path = default_home()
    """Directory that holds what is kept on this machine: database, log of events, secrets, logs."""
    database_url: str = "postgresql+psycopg://efterhand@127.0.0.1:5432/efterhand"
    """One PostgreSQL database; each service has a schema of its own in it."""
    kafka: str = "127.0.0.1:9092"
    """host:port of the broker."""
    catalogue: str = "stockholm"
    """Directory of a catalogue, or the name of a built-in one."""
    clock: Literal["system", "manual"] = "system"
    """`system`: today in Stockholm. `manual`: the date stands still until it is moved forward."""
    start_date: date | None = None
    """The manual clock's first date; a date that is already stored holds instead."""
    port: int = 8400
    """Port of this process's HTTP interface, on loopback unless `host` says otherwise."""
    host: str = "127.0.0.1"
    """Address that the HTTP interface and the metrics listen on."""
    metrics_port: int | None = None
    """Port of this process's `/metrics`; none: no metrics are served."""
    secret: SecretStr = SecretStr("")
    """Hex text that signs tokens and keys the hashes of erased persons and of references."""
    intake_url: str = "http://127.0.0.1:8400"
    followup_url: str = "http://127.0.0.1:8401"
    indicators_url: str = "http://127.0.0.1:8402"
    case_links: dict[str, str] = {}
    """Source → the address of a case in its system, `https://…` with `{case}` for its number; as JSON."""
    instance: str = "efterhand-0"
    """Unique name of this worker among all workers of the installation."""

    @field_validator("case_links")
    @classmethod
    def _are_addresses(cls, links: dict[str, str]) -> dict[str, str]:
        for source, link in links.items():
            if not link.startswith(("https://", "http://")) or "{case}" not in link:
                raise ValueError(f"the link of {source} must begin with https:// and hold {{case}}")
        return links
