"""Mail is handed in encrypted, with a password, and to nobody who cannot show who they are."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr, ValidationError

from efterhand.settings import Settings
from efterhand_followup.adapters.mail_sender import MailSender, Smtp
from efterhand_followup.adapters.not_delivered import NotDelivered
from efterhand_followup.adapters.rendering import Mail
from tests.services.receivers import free_port

NOW = datetime.now(UTC)
MAIL = Mail("Ämne", "Text", "<p>Text</p>")


def certificate(directory: Path) -> Path:
    """A certificate with its key for 127.0.0.1, that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = directory / "mail.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


class Post:
    """What the server took."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802 — aiosmtpd's name
        self.taken.append(envelope)
        return "250 OK"


def authenticate(_: SMTP, __: Session, ___: Envelope, ____: str, given: Any) -> AuthResult:
    right = isinstance(given, LoginPassword) and (given.login, given.password) == (b"efterhand", b"word")
    return AuthResult(success=right, handled=False)


def sender(port: int, password: str = "word", tls: str = "starttls") -> MailSender:
    smtp = Smtp("127.0.0.1", port, "efterhand", SecretStr(password), tls, "efterhand@town.test", ("town.test",))
    return MailSender(smtp)


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")
@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_mail_is_handed_in_encrypted_and_with_a_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tls: str
) -> None:
    pem = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    post = Post()
    asked: dict[str, Any] = {"authenticator": authenticate, "auth_required": True}
    if tls == "tls":
        asked |= {"ssl_context": context, "auth_require_tls": False}
    else:
        asked |= {"tls_context": context, "require_starttls": True}
    port = free_port()
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    controller = Controller(post, hostname="127.0.0.1", port=port, **asked)
    controller.start()
    try:
        sender(port, tls=tls).send("eva@town.test", "a-1", MAIL, NOW)
        with pytest.raises(NotDelivered, match="refused 535"):
            sender(port, password="wrong", tls=tls).send("eva@town.test", "a-2", MAIL, NOW)
        monkeypatch.delenv("SSL_CERT_FILE")
        with pytest.raises(NotDelivered, match="no_answer"):
            sender(port, tls=tls).send("eva@town.test", "a-3", MAIL, NOW)
    finally:
        controller.stop()
    assert [envelope.rcpt_tos for envelope in post.taken] == [["eva@town.test"]]


def test_without_a_server_nothing_is_sent_and_it_says_so() -> None:
    nobody = MailSender(Smtp("", 587, "", SecretStr(""), "starttls", "", ("town.test",)))
    with pytest.raises(NotDelivered, match="not_set_up"):
        nobody.send("eva@town.test", "a-1", MAIL, NOW)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"smtp_host": "mail.town.test"}, "EFTERHAND_SMTP_SENDER"),
        ({"smtp_user": "efterhand", "smtp_tls": "none"}, "EFTERHAND_SMTP_TLS"),
    ],
)
def test_settings_of_mail_that_do_not_fit_together_are_refused(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        Settings(**settings)


def test_what_is_several_is_given_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EFTERHAND_MAIL_DOMAINS", '["stockholm.se", "nacka.se"]')
    monkeypatch.setenv("EFTERHAND_CHANNEL_HOSTS", "")
    assert (Settings().mail_domains, Settings().channel_hosts) == (("stockholm.se", "nacka.se"), ())
