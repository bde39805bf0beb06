"""What the tests of the live page ask its server, and the model that it trains."""

import contextlib
import http.client
import json
import struct
from urllib.parse import urlsplit

import numpy as np
import pytest
from runs import PATIENCE

import npcnn
from npcnn import layers
from npcnn.datasets import draw_digits

pytest.importorskip("uvicorn", reason='the live page needs pip install -e ".[explore]"')
client = pytest.importorskip("websockets.sync.client")

X, Y = draw_digits(120, seed=4)
X = X[..., None] / np.float32(255)


def small():
    model = npcnn.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.AveragePooling2D(2),
            layers.Conv2D(3, 3, strides=2, activation="relu"),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def talk(address, **options):
    parts = urlsplit(address)
    options = {"origin": f"http://{parts.netloc}", "open_timeout": PATIENCE, **options}
    return client.connect(f"ws://{parts.netloc}/live?{parts.query}", **options)


def until(page, wanted):
    """Ask for numbers until the header is as wanted; return it."""
    for _ in range(200):
        page.send('{"do": "seen"}')
        frame = page.recv(timeout=PATIENCE)
        if isinstance(frame, bytes):
            (length,) = struct.unpack_from("<I", frame)
            header = json.loads(frame[4 : 4 + length])
            if wanted(header):
                return header
    raise AssertionError("never as wanted")


def asked(address, method="GET", path=None, **headers):
    """Return the status that a request gets, and its text."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.netloc, timeout=PATIENCE)
    connection.putrequest(method, path or f"/?{parts.query}", skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    with contextlib.closing(connection):
        response = connection.getresponse()
        return response.status, response.read().decode()
