"""All ways out, and which of them are open in this installation."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from efterhand.catalogue import Catalogue
from efterhand.settings import Settings
from efterhand.web.tokens import Tokens
from efterhand_followup.adapters.channel_keys import webhook_key
from efterhand_followup.adapters.chat_sender import ChatSender
from efterhand_followup.adapters.mail_sender import MailSender, Smtp
from efterhand_followup.adapters.rendering import Rendering
from efterhand_followup.adapters.webhook_sender import WebhookSender
from efterhand_followup.domain.channels import Channel, Kind
from efterhand_followup.domain.message import Message


@dataclass(frozen=True)
class WaysOut:
    """Sends messages by whatever way a channel has."""

    rendering: Rendering
    tokens: Tokens
    mail: MailSender
    webhook: WebhookSender
    chat: ChatSender

    def send(self, to: Channel, message: Message, now: datetime) -> None:
        """Send a digest under its id.

        Raises:
            NotDelivered: the other side has not taken it, as far as is known.
        """
        if to.kind is Kind.EMAIL:
            self.mail.send(to.target, message.id, self.rendering.mail(to, message), now)
        elif to.kind is Kind.WEBHOOK:
            key = webhook_key(self.tokens, to)
            self.webhook.send(to.target, message.id, self.rendering.webhook(message), key, now)
        else:
            self.chat.send(to.target, *self.rendering.chat(to, message))

    def send_test(self, to: Channel, now: datetime) -> None:
        """Send something that only shows that it arrives, under an id of its own. Raises NotDelivered."""
        test_id = f"{to.id}-test-{secrets.token_hex(4)}"
        if to.kind is Kind.EMAIL:
            self.mail.send(to.target, test_id, self.rendering.test_mail(to), now)
        elif to.kind is Kind.WEBHOOK:
            key = webhook_key(self.tokens, to)
            self.webhook.send(to.target, test_id, self.rendering.test_webhook(to, now), key, now)
        else:
            self.chat.send(to.target, *self.rendering.test_chat(to))

    def refusal(self, kind: Kind, target: str) -> str | None:
        """Return in a sentence why nothing may be sent there; None: it may."""
        if kind is Kind.EMAIL and not self.mail.may_send_to(target):
            return "Mail goes to plain addresses in the domains of EFTERHAND_MAIL_DOMAINS only."
        if kind is Kind.WEBHOOK and not self.webhook.may_send_to(target):
            return "Webhooks go to https:// addresses at the hosts of EFTERHAND_CHANNEL_HOSTS only."
        if kind is Kind.CHAT and not self.chat.may_send_to(target):
            return "Chat messages go to Apprise addresses, without options, of the services that are allowed only."
        return None

    def shown(self, kind: Kind, target: str) -> str:
        """Return an address without its secrets."""
        if kind is Kind.WEBHOOK:
            parts = urlsplit(target)
            return f"{parts.scheme}://{parts.netloc}/…"
        return self.chat.shown(target) if kind is Kind.CHAT else target

    def close(self) -> None:
        """Close the connections."""
        self.webhook.close()


def make_ways_out(settings: Settings, catalogue: Catalogue, tokens: Tokens) -> WaysOut:
    """Return the ways out that the settings open."""
    smtp = Smtp(
        settings.smtp_host,
        settings.smtp_port,
        settings.smtp_user,
        settings.smtp_password,
        settings.smtp_tls,
        settings.smtp_sender,
        settings.mail_domains,
    )
    return WaysOut(
        Rendering(catalogue, door_address(settings)),
        tokens,
        MailSender(smtp),
        WebhookSender(settings.channel_hosts),
        ChatSender(settings.chat_services, settings.channel_hosts),
    )


def door_address(settings: Settings) -> str:
    """Return the address at which people reach the door, without a slash at its end."""
    return (settings.public_url or settings.intake_url).rstrip("/")
