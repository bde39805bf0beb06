"""What one network in training tells the pages that look on, and hears from them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
from typing import TYPE_CHECKING, Any

from npcnn.checks import NpcnnError
from npcnn.page.packed import as_json

if TYPE_CHECKING:
    from npcnn.page.trainer import Trainer

MOST_PAGES = 8  # that look on at the same time


class Channel:
    """A trainer, and who looks on.

    Attributes:
        trainer: set once, before anyone looks on.
        loop: the server's event loop, while it runs.
    """

    def __init__(self) -> None:
        self.trainer: Trainer
        self.loop: Any = None
        self.pages: dict[Any, _Page] = {}
        self.last, self.version = b"", 0  # what was told last, and how often something was

    async def talk(self, page: Any) -> None:
        """Talk with one page until it goes."""
        from starlette.websockets import WebSocketDisconnect

        if len(self.pages) >= MOST_PAGES:
            await page.close(1008)
            return
        await page.accept()
        self.pages[page] = _Page()
        self.trainer.news = True
        try:
            while True:
                await self._heard(page, await page.receive_text())
        except (WebSocketDisconnect, KeyError, RuntimeError):
            pass  # it went, or sent what is no text
        finally:
            self.pages.pop(page, None)

    async def _heard(self, page: Any, text: str) -> None:
        try:
            wish = json.loads(text)
            if isinstance(wish, dict) and wish.get("do") == "seen":
                known = self.pages[page]
                if known.version < self.version and not self.trainer.news:
                    known.version = self.version
                    await page.send_bytes(self.last)
                    return
                known.waits = True
            self.trainer.ask(wish)
        except (NpcnnError, ValueError, RecursionError) as error:
            await page.send_text(as_json({"trouble": str(error)[:300]}))

    def told(self, header: dict[str, Any], numbers: bytes) -> None:
        """Pass on what the trainer tells, from its thread to that of the server."""
        text = as_json(header).encode()
        text += b" " * (-len(text) % 4)
        loop = self.loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # the server is about to end
                loop.call_soon_threadsafe(self._send, struct.pack("<I", len(text)) + text + numbers)

    def _send(self, frame: bytes) -> None:
        self.last, self.version = frame, self.version + 1
        for page, known in list(self.pages.items()):
            if known.waits:
                known.waits, known.version = False, self.version
                task = asyncio.ensure_future(self._send_to(page, frame))
                task.add_done_callback(lambda done: done.exception())

    async def _send_to(self, page: Any, frame: bytes) -> None:
        try:
            await asyncio.wait_for(page.send_bytes(frame), 10)
        except Exception:  # a lost connection ends in a dozen sorts of errors
            self.pages.pop(page, None)


class _Page:
    """What is known of one that looks on: whether it waits for numbers, which it has."""

    waits, version = False, 0
