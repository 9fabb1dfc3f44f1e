"""What every process is told by its environment."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator, model_validator
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
    retention_years: int = Field(default=5, ge=5, le=100)
    """Years that everything is kept for; only what lies further back may be disposed of."""
    intake_url: str = "http://127.0.0.1:8400"
    followup_url: str = "http://127.0.0.1:8401"
    indicators_url: str = "http://127.0.0.1:8402"
    public_url: str = ""
    """Address at which browsers reach the door; none: loopback and the port."""
    oidc_issuer: str = ""
    """The OpenID Connect provider that staff sign in with; none: nobody signs in."""
    oidc_client_id: str = ""
    """By which the provider knows this installation."""
    oidc_client_secret: SecretStr = SecretStr("")
    """The secret that goes with it."""
    oidc_staff_claim: str = "sub"
    """The claim that holds the staff id, as `case.assigned` names it in `worker`."""
    oidc_groups_claim: str = "groups"
    """The claim that holds the user's groups."""
    staff: Path | None = None
    """The file `staff.yaml`: which group may do what."""
    session_hours: int = Field(default=10, ge=1, le=24)
    """Hours that a session lasts."""
    glass_hours: int = Field(default=4, ge=1, le=24)
    """Hours that access to another unit lasts which somebody takes with a reason."""
    choose_user: bool = False
    """Whether whoever sits at this machine may choose to be one of the built-in users."""
    access_log_days: int = Field(default=730, ge=1)
    """Days that the log of who saw whom is kept."""
    case_links: dict[str, str] = {}
    """Source → the address of a case in its system, `https://…` with `{case}` for its number; as JSON."""
    smtp_host: str = ""
    """The mail server that takes what is sent by e-mail; none: nothing is."""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_user: str = ""
    """By which the mail server knows this installation; none: it does not ask."""
    smtp_password: SecretStr = SecretStr("")
    """The secret that goes with it."""
    smtp_tls: Literal["starttls", "tls", "none"] = "starttls"
    """`starttls`: encrypted after the greeting. `tls`: encrypted from the start. `none`: for loopback."""
    smtp_sender: str = ""
    """The address that mail comes from; where it is not known, nothing is sent."""
    mail_domains: tuple[str, ...] = ()
    """Domains of the addresses that mail may go to; as JSON. None: nothing is sent by e-mail."""
    channel_hosts: tuple[str, ...] = ()
    """Hosts, `host` or `host:port`, that webhooks and chat messages may go to; as JSON. None: they go nowhere."""
    chat_services: tuple[str, ...] = ()
    """Chat services that may be used, by the first part of their Apprise addresses; as JSON."""
    digest_hour: int = Field(default=7, ge=0, le=23)
    """Hour of a working day, in Stockholm, after which its digests are sent; with the manual clock at once."""
    delivery_retry_seconds: int = Field(default=60, ge=1, le=3600)
    """Seconds after which what could not be delivered is tried again; each time twice as long, at most an hour."""
    delivery_days: int = Field(default=7, ge=1, le=60)
    """Days after which what could not be delivered is not tried any more."""
    instance: str = "efterhand-0"
    """Unique name of this worker among all workers of the installation."""

    @field_validator("case_links")
    @classmethod
    def _are_addresses(cls, links: dict[str, str]) -> dict[str, str]:
        for source, link in links.items():
            if not link.startswith(("https://", "http://")) or "{case}" not in link:
                raise ValueError(f"the link of {source} must begin with https:// and hold {{case}}")
        return links

    @model_validator(mode="after")
    def _mail_is_whole(self) -> Settings:
        if self.smtp_host and "@" not in self.smtp_sender:
            raise ValueError("EFTERHAND_SMTP_HOST needs EFTERHAND_SMTP_SENDER, the address that mail comes from")
        if self.smtp_user and self.smtp_tls == "none":
            raise ValueError("EFTERHAND_SMTP_USER needs EFTERHAND_SMTP_TLS: a password is not sent in the open")
        return self
