"""Mirrors of data sets: web servers on this machine."""

import functools
import gzip
import http.server
import threading

import numpy as np

from npcnn.datasets import draw_digits, mnist
from npcnn.datasets.idx import header


@functools.cache
def small_set():
    """Four arrays laid out like MNIST's, by the names of their files."""
    x_train, y_train = draw_digits(30, seed=1)
    x_test, y_test = draw_digits(10, seed=2)
    names = (part.name for part in mnist.PARTS)
    return dict(zip(names, (x_train, y_train, x_test, y_test), strict=True))


def assert_small_set(loaded):
    (x_train, y_train), (x_test, y_test) = loaded
    for array, expected in zip(
        (x_train, y_train, x_test, y_test), small_set().values(), strict=True
    ):
        assert array.dtype == np.uint8
        np.testing.assert_array_equal(array, expected)


class Mirrors:
    """A web server; ``content`` is what it answers, ``asked`` what it was asked.

    ``content`` maps a path to (bytes, the length it says), or to a function that takes the
    request's handler and answers by itself.
    """

    def __init__(self):
        self.content, self.asked = {}, []
        self.closing = threading.Event()
        mirrors = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                mirrors.asked.append(self.path)
                answer = mirrors.content.get(self.path, (None, 0))
                if callable(answer):
                    try:
                        return answer(self)
                    except OSError:  # nobody listens any more
                        return None
                body, length = answer
                self.send_response(404 if body is None else 200)
                self.send_header("Content-Length", str(length))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def add(self, mirror, arrays):
        for name, array in arrays.items():
            packed = gzip.compress(header(array) + array.tobytes())
            self.content[f"/{mirror}/{name}.gz"] = (packed, len(packed))

    def close(self):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
