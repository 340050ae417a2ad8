"""A websocket that says only that something changed. It carries no numbers, so a lost message does no harm."""

import time
from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from curation.models import Project

STRANGER = 4404
SECONDS_BETWEEN_CHECKS = 30.0


class Doorbell(AsyncJsonWebsocketConsumer):  # type: ignore[misc]
    """One browser that looks at one project."""

    group = ""
    checked_at = 0.0

    async def connect(self) -> None:
        """Let members in; a stranger is refused as if the project did not exist."""
        self.public_id: UUID = self.scope["url_route"]["kwargs"]["public_id"]
        project_id = await self._project_id()
        if project_id is None:
            await self.close(code=STRANGER)
            return
        self.group = f"project.{project_id}"
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:  # noqa: ARG002
        if self.group:
            await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive_json(self, content: Any, **_: Any) -> None:
        """Answer pings; everything else is ignored."""
        if content == {"t": "ping"}:
            await self.send_json({"t": "pong"})

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None, **_: Any) -> None:
        if text_data == '{"t":"ping"}' and not bytes_data:
            await self.receive_json({"t": "ping"})

    async def doorbell(self, message: dict[str, Any]) -> None:
        """Pass a ring on, after looking now and then whether the person is still a member."""
        if time.monotonic() - self.checked_at > SECONDS_BETWEEN_CHECKS and await self._project_id() is None:
            await self.close(code=STRANGER)
            return
        await self.send_json({"t": "p", "project": str(self.public_id), "version": message["version"]})

    async def _project_id(self) -> int | None:
        self.checked_at = time.monotonic()
        found: int | None = await database_sync_to_async(project_id_of)(self.scope["user"], self.public_id)
        return found


def project_id_of(user: Any, public_id: UUID) -> int | None:
    """Return the project's id for a member, None for anybody else."""
    mine = Project.objects.visible_to(user).filter(public_id=public_id)
    return mine.values_list("pk", flat=True).first()


class Nothing(AsyncJsonWebsocketConsumer):  # type: ignore[misc]
    """What stands at every other address: closed as for a stranger, without a word in the log."""

    async def connect(self) -> None:
        await self.close(code=STRANGER)
