"""HTTP that is given up when it becomes slower than a pace, whatever it is waiting for.

A timeout of a socket starts anew with every byte: a mirror that sends one now and then is waited
for as long as it likes. Here every wait, for the connection, the headers and the content, ends when
the download as a whole has fallen behind.
"""

from __future__ import annotations

import functools
import http.client
import io
import socket
import time
import urllib.request
from typing import Any

GRACE = 10.0  # seconds that a mirror has for its first bytes …
SLOWEST = 16 << 10  # … and then a second more for as many bytes as this
CONNECT = 4.0  # seconds for one of the addresses that a mirror has


class Pace:
    """How many bytes came, and until when the next ones may come."""

    def __init__(self) -> None:
        self.start = time.monotonic()
        self.received = 0

    def left(self) -> float:
        """Return the seconds that are left, or raise TimeoutError."""
        left = self.start + GRACE + self.received / SLOWEST - time.monotonic()
        if left <= 0:
            slow = f"{self.received:,} bytes in {time.monotonic() - self.start:.0f} s"
            raise TimeoutError(f"too slow: {slow}")
        return left


def open_url(url: str, pace: Pace) -> Any:
    """Return the answer to a GET request; reading from it keeps to the pace.

    Only http and https are spoken, through a proxy if the environment names one.
    """
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
        _Handler(pace),
    ):
        opener.add_handler(handler)
    request = urllib.request.Request(url, headers={"User-Agent": "npcnn"})
    return opener.open(request, timeout=pace.left())


class _Handler(urllib.request.HTTPSHandler):
    def __init__(self, pace: Pace) -> None:
        super().__init__()
        self.pace = pace

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connection(http.client.HTTPConnection), request)

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connection(http.client.HTTPSConnection), request)

    http_request = urllib.request.AbstractHTTPHandler.do_request_
    https_request = urllib.request.AbstractHTTPHandler.do_request_

    def _connection(self, kind: Any) -> Any:
        def make(host: str, **options: Any) -> Any:
            connection = kind(host, **options)
            connection._create_connection = functools.partial(_connect, self.pace)
            connection.response_class = functools.partial(_Response, self.pace)
            return connection

        return make


def _connect(pace: Pace, address: tuple[str, int], *_: Any) -> socket.socket:
    """Return a connection to the first of the host's addresses that takes it."""
    failure: OSError = OSError("no address")
    for family, kind, protocol, _name, place in socket.getaddrinfo(
        *address, type=socket.SOCK_STREAM
    ):
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(min(CONNECT, pace.left()))
            connection.connect(place)
            connection.settimeout(pace.left())  # for the handshake and the request
        except OSError as error:
            connection.close()
            failure = error
        else:
            return connection
    raise failure


class _Response(http.client.HTTPResponse):
    """An answer whose bytes, headers included, come through a `_Paced` reader."""

    def __init__(self, pace: Pace, connection: Any, *args: Any, **options: Any) -> None:
        super().__init__(connection, *args, **options)
        self.fp: Any = io.BufferedReader(_Paced(pace, connection, self.fp.detach()))


class _Paced(io.RawIOBase):
    def __init__(self, pace: Pace, connection: Any, raw: Any) -> None:
        self._pace, self._connection, self._raw = pace, connection, raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._connection.settimeout(self._pace.left())
        try:
            count: int = self._raw.readinto(buffer)
        except TimeoutError:
            self._pace.left()  # says how slow it was
            raise
        self._pace.received += count
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()
