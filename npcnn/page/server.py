"""The page live: a server on this machine alone, and training that the page steers.

It listens on loopback, answers only who knows the token in the address, takes no name for itself
but its own (so that no other site's page can have a browser ask it), and no uploads.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import importlib.util
import secrets
import socket
import threading
import webbrowser
from collections.abc import Callable
from typing import Any

from npcnn import extras
from npcnn.arguments import AModel, Arrays, Count, Listed, checked
from npcnn.checks import ArgumentError, StateError, message
from npcnn.page.channel import Channel
from npcnn.page.described import describe
from npcnn.page.one_file import assembled, names_of
from npcnn.page.packed import Bytes
from npcnn.page.samples import describe_samples
from npcnn.page.trainer import Trainer, end
from npcnn.page.turns import Turns
from npcnn.streams import say

MOST_BYTES = 4096  # of a message from the page


@checked
def explore(
    model: AModel,
    x: Arrays,
    y: Arrays,
    validation_data: Any = None,
    port: Count = 0,
    open_browser: bool = True,
    class_names: Listed | None = None,
) -> None:
    """Serve a page in which a model is taken apart and trained, until Ctrl-C.

    What is trained is a clone: the model stays as it is. Needs the extra `explore`:
    ``pip install -e ".[explore]"`` in the clone.

    Args:
        model: built and compiled.
        x: what it learns from, as `fit` takes it.
        y: its targets.
        validation_data: (x, y) to pick samples from and to validate on; None takes x and y.
        port: to listen on, 0 for any that is free.
        open_browser: whether to open the page.
        class_names: what the classes are called, in their order; numbers by default.

    Raises:
        StateError: the model is not compiled, or Starlette and uvicorn are not installed.
        ArgumentError: the data or the names do not fit the model, or the port is taken.
    """
    Explorer(model, x, y, validation_data, class_names).serve(port, open_browser)


class Explorer:
    """A page, and two trainers behind it: networks of different settings beside each other."""

    def __init__(
        self, model: Any, x: Any, y: Any, validation_data: Any = None, class_names: Any = None
    ) -> None:
        _require_libraries()
        if not (model.built and model.compiled):
            fix = "call compile(loss=…) first"
            raise StateError(message("explore(model)", "a compiled model", "another", fix))
        self.token = secrets.token_urlsafe(24)
        self.own_names: set[str] = set()
        self.running = False
        row = Bytes()
        description = describe(model, row)
        description["class_names"] = names_of(class_names, description, "explore(class_names)")
        shown_x, shown_y = (x, y) if validation_data is None else validation_data[:2]
        description["samples"] = describe_samples(model, shown_x, shown_y, row, description)
        description["live"] = True
        self.text = assembled(description, row, live=True)
        turns, self.channels = Turns(), [Channel(), Channel()]
        for channel in self.channels:  # the second waits until a page wants one beside the first
            channel.trainer = Trainer(model, x, y, validation_data, channel.told, turns)

    # Serving ------------------------------------------------------------------------------------

    def serve(self, port: int = 0, open_browser: bool = False, ready: Any = None) -> None:
        """Serve until Ctrl-C; `ready` is called with the page's address."""
        import uvicorn

        def told(address: str) -> None:
            say(f"{address}  (Ctrl-C ends it)")
            if ready is not None:
                ready(address)
            if open_browser:  # some browsers keep who opens them
                threading.Thread(target=webbrowser.open, args=[address], daemon=True).start()

        with contextlib.closing(socket.socket()) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
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
                self.application(lambda: told(address)), log_level="critical", lifespan="on",
                ws_max_size=MOST_BYTES, timeout_graceful_shutdown=0, server_header=False,
            )  # fmt: skip
            self.server = uvicorn.Server(config)
            try:
                with contextlib.suppress(KeyboardInterrupt):
                    self.server.run(sockets=[listener])
            finally:
                end(channel.trainer for channel in self.channels)

    def application(self, begun: Callable[[], None]) -> Any:
        """Return the ASGI application; `begun` is called when it may be asked, and Ctrl-C heard."""
        from starlette.applications import Starlette
        from starlette.routing import Route, WebSocketRoute

        @contextlib.asynccontextmanager
        async def lifespan(_: Any) -> Any:
            loop = asyncio.get_running_loop()
            for channel in self.channels:
                channel.loop = loop
            self.running = True
            begun()
            yield
            for channel in self.channels:
                channel.loop = None

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
        """Let a page look on at one of the networks: the second one if its address says so."""
        if self._refusal(page) or "origin" not in page.headers:
            await page.close(1008)
            return
        await self.channels[page.query_params.get("network") == "2"].talk(page)


def _require_libraries() -> None:
    for name in ("starlette", "uvicorn", "websockets"):
        if importlib.util.find_spec(name) is None:
            expected = "Starlette, uvicorn and websockets"
            raise StateError(message("explore", expected, f"no {name}", extras.how("explore")))
