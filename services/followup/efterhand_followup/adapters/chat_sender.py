"""Chat messages, by Apprise."""

from collections.abc import Sequence

from apprise import Apprise, AppriseAsset, NotifyFormat
from apprise.common import PersistentStoreMode

from efterhand_followup.adapters.not_delivered import NOT_ALLOWED, REFUSED, SECONDS, NotDelivered
from efterhand_followup.domain.channels import may_chat_with


class ChatSender:
    """Sends chat messages through the services that are allowed."""

    def __init__(self, services: Sequence[str], hosts: Sequence[str]) -> None:
        """`services` may be used, with addresses at the `hosts` where a service has some."""
        self._services = tuple(services)
        self._hosts = tuple(hosts)
        # Nothing is kept on disk, no other place is followed to, and no template of ours is interpreted.
        self._asset = AppriseAsset(
            app_id="efterhand",
            app_desc="efterhand",
            app_url="",
            async_mode=False,
            http_redirects=False,
            storage_mode=PersistentStoreMode.MEMORY,
            service_timeout=SECONDS,
            allow_templates=False,
            secure_logging=True,
        )

    def may_send_to(self, address: str) -> bool:
        """Tell whether chat messages may go to an address, and whether it is one."""
        # Nothing else is even looked at by the library.
        if not may_chat_with(address, self._services, self._hosts, names_host=False):
            return False
        made = Apprise.instantiate(address, asset=self._asset, suppress_exceptions=True)
        if made is None:
            return False
        templates: tuple[str, ...] = made.templates
        names_host = any("{host}" in template for template in templates)
        return may_chat_with(address, self._services, self._hosts, names_host)

    def send(self, address: str, title: str, text: str) -> None:
        """Send one message.

        Raises:
            NotDelivered: the service has not taken it.
        """
        if not self.may_send_to(address):
            raise NotDelivered(NOT_ALLOWED)
        chat = Apprise(asset=self._asset)
        chat.add(address)
        if not chat.notify(body=text, title=title, body_format=NotifyFormat.TEXT):
            raise NotDelivered(REFUSED)

    def shown(self, address: str) -> str:
        """Return an address without its secrets."""
        made = Apprise.instantiate(address, asset=self._asset, suppress_exceptions=True)
        return "" if made is None else str(made.url(privacy=True)).partition("?")[0]  # type: ignore[no-untyped-call]
