"""The page live: a server on this machine alone, and training that the page steers.

It listens on loopback, answers only who knows the token in the address, takes no name for itself
but its own (so that no other site's page can have a browser ask it), and no uploads.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import importlib.util
import json
import secrets
import socket
import struct
import webbrowser
from typing import Any

from npcnn.arguments import AModel, Arrays, Count, checked
from npcnn.checks import ArgumentError, NpcnnError, StateError, message
from npcnn.page.described import describe
from npcnn.page.one_file import assembled
from npcnn.page.packed import Bytes
from npcnn.page.samples import describe_samples
from npcnn.page.trainer import Trainer
from npcnn.streams import say

MOST_BYTES = 4096  # of a message from the page
MOST_PAGES = 8  # that look on at the same time


@checked
def explore(
    model: AModel,
    x: Arrays,
    y: Arrays,
    validation_data: Any = None,
    port: Count = 0,
    open_browser: bool = True,
) -> None:
    """Serve a page in which a model is taken apart and trained, until Ctrl-C.

    What is trained is a clone: the model stays as it is. Needs ``pip install "npcnn[explore]"``.

    Args:
        model: built and compiled.
        x: what it learns from, as `fit` takes it.
        y: its targets.
        validation_data: (x, y) to pick samples from and to validate on; None takes x and y.
        port: to listen on, 0 for any that is free.
        open_browser: whether to open the page.

    Raises:
        StateError: the model is not compiled, or Starlette and uvicorn are not installed.
        ArgumentError: the data do not fit the model, or the port is taken.
    """
    Explorer(model, x, y, validation_data).serve(port, open_browser)


class Explorer:
    """A page, the trainer behind it, and who looks on."""

    def __init__(self, model: Any, x: Any, y: Any, validation_data: Any = None) -> None:
        _require_libraries()
        if not (model.built and model.compiled):
            fix = "call compile(loss=…) first"
            raise StateError(message("explore(model)", "a compiled model", "another", fix))
        self.token = secrets.token_urlsafe(24)
        self.own_names: set[str] = set()
        self.pages: dict[Any, _Page] = {}
        self.last, self.version = b"", 0  # what was told last, and how often something was
        self.loop: Any = None
        row = Bytes()
        description = describe(model, row)
        shown_x, shown_y = (x, y) if validation_data is None else validation_data[:2]
        description["samples"] = describe_samples(model, shown_x, shown_y, row, description)
        description["live"] = True
        self.text = assembled(description, row, live=True)
        self.trainer = Trainer(model, x, y, validation_data, self._told)

    # Serving ------------------------------------------------------------------------------------

    def serve(self, port: int = 0, open_browser: bool = False, ready: Any = None) -> None:
        """Serve until Ctrl-C; `ready` is called with the page's address."""
        import uvicorn

        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.closing(listener):
            try:
                listener.bind(("127.0.0.1", port))
            except (OSError, OverflowError) as error:
                got, fix = str(error), "give another port, or 0 for any that is free"
                raise ArgumentError(message("explore(port)", "a free port", got, fix)) from None
            listener.listen(64)
            place = listener.getsockname()[1]
            self.own_names = {f"127.0.0.1:{place}", f"localhost:{place}"}
            address = f"http://127.0.0.1:{place}/?token={self.token}"
            config = uvicorn.Config(
                self.application(), log_level="critical", ws_max_size=MOST_BYTES,
                timeout_graceful_shutdown=1, server_header=False, lifespan="on",
            )  # fmt: skip
            self.server = uvicorn.Server(config)
            say(f"{address}  (Ctrl-C ends it)")
            if ready is not None:
                ready(address)
            if open_browser:
                webbrowser.open(address)
            try:
                with contextlib.suppress(KeyboardInterrupt):
                    self.server.run(sockets=[listener])
            finally:
                self.trainer.end()

    def application(self) -> Any:
        """Return the ASGI application."""
        from starlette.applications import Starlette
        from starlette.routing import Route, WebSocketRoute

        @contextlib.asynccontextmanager
        async def lifespan(_: Any) -> Any:
            self.loop = asyncio.get_running_loop()
            yield
            self.loop = None

        routes = [Route("/", self._page), WebSocketRoute("/live", self._live)]
        return Starlette(routes=routes, lifespan=lifespan)

    async def _page(self, request: Any) -> Any:
        from starlette.responses import HTMLResponse, PlainTextResponse

        wrong = self._refusal(request)
        body = request.headers.get("content-length", "0") != "0"
        if body or "transfer-encoding" in request.headers:
            return PlainTextResponse("no uploads\n", 413, {"Connection": "close"})
        if wrong:
            return PlainTextResponse(f"{wrong}\n", 403)
        headers = {
            "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
        }  # fmt: skip
        return HTMLResponse(self.text, headers=headers)

    def _refusal(self, request: Any) -> str:
        """Return why a request is refused, or nothing."""
        if request.headers.get("host") not in self.own_names:
            return "another host's name"
        origin = request.headers.get("origin")
        if origin is not None and origin.removeprefix("http://") not in self.own_names:
            return "another origin"
        given = request.query_params.get("token", "")
        if not hmac.compare_digest(given.encode(), self.token.encode()):
            return "a wrong token"
        return ""

    async def _live(self, page: Any) -> None:
        """Talk with one page until it goes."""
        from starlette.websockets import WebSocketDisconnect

        if self._refusal(page) or "origin" not in page.headers or len(self.pages) >= MOST_PAGES:
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
            await page.send_text(json.dumps({"trouble": str(error)[:300]}))

    # Telling ------------------------------------------------------------------------------------

    def _told(self, header: dict[str, Any], numbers: bytes) -> None:
        """Pass on what the trainer tells, from its thread to that of the server."""
        text = json.dumps(header).encode()
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


def _require_libraries() -> None:
    for name in ("starlette", "uvicorn", "websockets"):
        if importlib.util.find_spec(name) is None:
            expected, fix = "Starlette, uvicorn and websockets", 'pip install "npcnn[explore]"'
            raise StateError(message("explore", expected, f"no {name}", fix))
