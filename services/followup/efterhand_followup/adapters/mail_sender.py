"""Mail, handed in by SMTP."""

import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from pydantic import SecretStr

from efterhand_followup.adapters.not_delivered import (
    NO_ANSWER,
    NOT_ALLOWED,
    NOT_SET_UP,
    REFUSED,
    SECONDS,
    NotDelivered,
)
from efterhand_followup.adapters.rendering import Mail
from efterhand_followup.domain.channels import may_mail_to


@dataclass(frozen=True)
class Smtp:
    """Where mail is handed in.

    Attributes:
        host: the server; "" for none.
        port: its port.
        user: by which it knows this installation; "" where it does not ask.
        password: the secret that goes with it.
        tls: `starttls`, `tls` or `none`.
        sender: the address that mail comes from.
        domains: that mail may go to.
    """

    host: str
    port: int
    user: str
    password: SecretStr
    tls: str
    sender: str
    domains: Sequence[str]


class MailSender:
    """Hands mails in at one server, each in a connection of its own."""

    def __init__(self, smtp: Smtp) -> None:
        """`smtp` says where."""
        self._smtp = smtp

    def may_send_to(self, address: str) -> bool:
        """Tell whether mail may go to an address."""
        return bool(self._smtp.host) and may_mail_to(address, self._smtp.domains)

    def send(self, address: str, message_id: str, mail: Mail, now: datetime) -> None:
        """Hand one mail in.

        Args:
            address: whom to.
            message_id: stays the same however often the mail is sent.
            mail: what it says.
            now: the time.

        Raises:
            NotDelivered: the server has not taken it.
        """
        if not self._smtp.host:
            raise NotDelivered(NOT_SET_UP)
        if not self.may_send_to(address):
            raise NotDelivered(NOT_ALLOWED)
        try:
            with self._connected() as server:
                server.send_message(self._message(address, message_id, mail, now), self._smtp.sender, [address])
        except smtplib.SMTPResponseException as error:
            raise NotDelivered(REFUSED, str(error.smtp_code)) from None
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            raise NotDelivered(REFUSED, str(codes[0]) if codes else "") from None
        except (smtplib.SMTPException, OSError):
            raise NotDelivered(NO_ANSWER) from None

    def _connected(self) -> smtplib.SMTP:
        smtp, tls = self._smtp, ssl.create_default_context()
        if smtp.tls == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(smtp.host, smtp.port, timeout=SECONDS, context=tls)
        else:
            server = smtplib.SMTP(smtp.host, smtp.port, timeout=SECONDS)
        try:
            if smtp.tls == "starttls":
                server.starttls(context=tls)
            if smtp.user:
                server.login(smtp.user, smtp.password.get_secret_value())
        except BaseException:
            server.close()
            raise
        return server

    def _message(self, address: str, message_id: str, mail: Mail, now: datetime) -> EmailMessage:
        message = EmailMessage(SMTP)
        message["From"] = self._smtp.sender
        message["To"] = address
        message["Subject"] = mail.subject
        message["Date"] = format_datetime(now.astimezone(UTC))
        message["Message-ID"] = f"<{message_id}@{self._smtp.sender.rpartition('@')[2]}>"
        # Absences answer people, not programs.
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
        message.add_alternative(mail.html, subtype="html")
        return message
