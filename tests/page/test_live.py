"""The page live: trained from the browser to the bit, and closed to all others."""

import json
import socket
import threading
import time
from urllib.parse import urlsplit

import numpy as np
import pytest
from chromium import wait
from page_server import X, Y, asked, small, talk, until
from runs import PATIENCE

import npcnn
from npcnn import layers
from npcnn.checks import StateError
from npcnn.models import clone_model
from npcnn.page import explore


@pytest.fixture(autouse=True)
def reference():
    """The ops that are read: nothing here needs kernels compiled."""
    before = npcnn.get_backend()
    npcnn.use_backend("numpy")
    yield
    npcnn.use_backend(before)


@pytest.fixture
def server():
    """A server in a thread of its own; returns it with the page's address."""
    from npcnn.page.server import Explorer

    explorer = Explorer(small(), X, Y, (X[:20], Y[:20]))
    addresses = []
    thread = threading.Thread(target=explorer.serve, kwargs={"ready": addresses.append})
    thread.start()
    while not (addresses and explorer.running):
        time.sleep(0.01)
    yield explorer, addresses[0]
    explorer.server.should_exit = True
    thread.join(PATIENCE)
    assert not thread.is_alive()


def press(browser, action):
    browser.find_element("css selector", f"[data-do={action}]").click()


def stands(browser, epoch, step):
    """Wait until training waits at a step."""
    script = (
        "const header = npcnn.app.line.header; return header && !header.running &&"
        "header.epoch === arguments[0] && header.step === arguments[1]"
    )
    assert wait(browser, script, epoch, step)


def assert_learnt(trainer, optimizer, batch_size, epochs):
    """What was learnt is what a clone learns from `fit` in Python, to the bit; return the clone."""
    npcnn.set_random_seed(7)
    twin = clone_model(trainer.first)
    twin.compile(optimizer, "sparse_categorical_crossentropy", ["accuracy"])
    twin.fit(X, Y, batch_size=batch_size, epochs=epochs, verbose=0)
    for found, expected in zip(trainer.model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)
    return twin


def assert_shown(browser, model):
    shown = browser.execute_script(
        "return npcnn.app.network.layers.flatMap(({ parameters }) =>"
        "  Object.values(parameters).map(({ data }) => [...data]))"
    )
    for found, expected in zip(shown, model.get_weights(), strict=True):
        np.testing.assert_array_equal(np.float32(found), expected.ravel())


FILL = """
const [label, value] = arguments;
const field = document.querySelector(`.tool [aria-label='${label}']`);
field.value = value; field.dispatchEvent(new Event('change'));
"""
# How many epochs a network has made, once it has heard all wishes and waits behind an epoch.
RESTS = """
const [line, wishes] = [npcnn.app[arguments[0]], arguments[1]];
const { heard, running, epoch, step } = line.header ?? {};
return heard === wishes && !running && step === 0 ? epoch : 0;
"""

# How many steps of an epoch had a loss, once all of them had one.
LEARNT = """
const { epoch, running, curve } = npcnn.app.line.header;
return epoch === 1 && !running && curve.every(([, loss]) => loss > 0) && curve.length;
"""


def test_epochs_from_the_page_are_those_of_python(server, browser):
    """Of one network, then of two beside each other that differ in all settings."""
    (explorer, address), adam = server, npcnn.optimizers.Adam
    first, second = (channel.trainer for channel in explorer.channels)
    browser.get(f"{address}#lang=en")
    wait(browser, "return window.npcnn?.app.line?.header")
    browser.find_element("css selector", "[data-tab=train]").click()
    browser.execute_script(FILL, "batch size", 16)
    browser.execute_script(FILL, "seed", 7)
    press(browser, "again")
    stands(browser, 0, 0)
    press(browser, "step")
    stands(browser, 0, 1)
    press(browser, "epoch")
    stands(browser, 1, 0)
    press(browser, "start")
    press(browser, "pause")  # somewhere within an epoch, who knows which
    press(browser, "epoch")
    epochs = wait(browser, RESTS, "line", 7)
    twin = assert_learnt(first, adam(), 16, epochs)
    assert_shown(browser, twin)
    share = twin.evaluate(X[:20], Y[:20], verbose=0)[1]
    said = browser.find_element("css selector", ".said-step").text
    assert f"val_accuracy {share:.3g}" in said

    press(browser, "beside")
    wait(browser, "return npcnn.app.rival?.header")
    for label, value in (("seed", 7), ("batch size · B", 30), ("learning rate · B", 0.125),
                         ("optimizer · B", "sgd"), ("batch size · A", 20)):  # fmt: skip
        browser.execute_script(FILL, label, value)
    press(browser, "again")
    press(browser, "epoch")
    assert wait(browser, RESTS, "line", 10) == wait(browser, RESTS, "rival", 5) == 1
    press(browser, "start")
    press(browser, "pause")
    press(browser, "epoch")
    of_first, of_second = wait(browser, RESTS, "line", 13), wait(browser, RESTS, "rival", 8)
    assert_shown(browser, assert_learnt(first, adam(), 20, of_first))
    twin = assert_learnt(second, npcnn.optimizers.SGD(0.125), 30, of_second)
    browser.execute_script(FILL, "the cards show", "B")
    assert_shown(browser, twin)
    sides = "return [...document.querySelectorAll('.field.pair input')].map((field) => {"
    sides += "  const { left, right } = field.getBoundingClientRect(); return [left, right]; })"
    (_, first_ends), (second_begins, end), *_ = browser.execute_script(sides)
    assert first_ends <= second_begins
    assert end <= browser.execute_script("return document.querySelector('.left').clientWidth")
    rows = browser.find_elements("css selector", ".compared tr")
    best = twin.predict(X[:1], verbose=0)[0]
    assert rows[-1].text.split()[-2:] == [str(best.argmax()), f"({best.max():.3g})"]
    press(browser, "beside")
    assert_shown(browser, first.model)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy says that numbers overflow
def test_a_training_that_is_lost_is_shown_and_begun_again(server, browser):
    """Losses and weights that are no numbers: a page reads them, and goes on."""
    browser.get(f"{server[1]}#lang=en")
    wait(browser, "return window.npcnn?.app.line?.header")
    browser.find_element("css selector", "[data-tab=train]").click()
    for label, value in (("optimizer", "sgd"), ("learning rate", 1e30), ("batch size", 16)):
        browser.execute_script(FILL, label, value)
    press(browser, "epoch")
    stands(browser, 1, 0)
    assert "loss nan" in browser.find_element("css selector", ".said-step").text
    browser.execute_script("npcnn.app.useSample(3); npcnn.board.setView('kernel')")
    browser.execute_script(FILL, "learning rate", 0.01)
    browser.execute_script(FILL, "seed", 1)
    press(browser, "again")
    press(browser, "epoch")
    assert wait(browser, LEARNT) == 8


def test_settings_hold_from_the_next_epoch_or_at_once(server):
    trainer, address = server[0].channels[0].trainer, server[1]
    with talk(address) as page:
        page.send(json.dumps({"do": "again", "seed": 1}))
        page.send(json.dumps({"do": "set", "dropout": 0.25, "optimizer": "sgd", "batch_size": 60}))
        page.send(json.dumps({"do": "set", "learning_rate": 0.5}))
        page.send(json.dumps({"do": "epochs", "count": 1}))
        header = until(page, lambda header: header["epoch"] == 1)
        assert header["settings"] == {
            "batch_size": 60, "learning_rate": 0.5, "optimizer": "sgd", "dropout": 0.25,
        }  # fmt: skip
        assert header["steps"] == 2
        assert trainer.model.layers[3].rate == 0.25
        assert float(trainer.model.optimizer.learning_rate) == 0.5
        npcnn.set_random_seed(1)
        twin = clone_model(trainer.first)
        twin.layers[3].rate = 0.25
        twin.compile(npcnn.optimizers.SGD(0.5), "sparse_categorical_crossentropy", ["accuracy"])
        twin.fit(X, Y, batch_size=60, verbose=0)
        for found, expected in zip(trainer.model.get_weights(), twin.get_weights(), strict=True):
            np.testing.assert_array_equal(found, expected)


def test_only_who_knows_the_token_is_answered(server):
    _, address = server
    own = urlsplit(address).netloc
    assert asked(address)[0] == 200
    for path in ("/", "/?token=", "/?token=wrong", "/?token=%00%FF", "/?token=" + "a" * 5000):
        assert asked(address, path=path)[0] == 403
    assert asked(address, Host="evil.example")[0] == 403
    assert asked(address, Host=own + ".evil.example")[0] == 403
    assert asked(address, Origin="http://evil.example")[0] == 403
    assert asked(address, Origin="null")[0] == 403
    assert asked(address, path="/../../etc/passwd")[0] == 404
    assert asked(address, method="POST")[0] == 405
    assert asked(address, Content_Length="100000000")[0] == 413
    assert asked(address, method="POST", Content_Length="100000000")[0] == 405
    assert asked(address)[0] == 200


def test_only_the_page_itself_may_talk(server):
    from websockets.exceptions import InvalidStatus

    _, address = server
    for options in ({"origin": "http://evil.example"}, {"origin": None}):
        with pytest.raises(InvalidStatus), talk(address, **options):
            pass
    wrong = address.replace("token=", "token=a")
    with pytest.raises(InvalidStatus), talk(wrong):
        pass


def test_a_page_hears_that_the_first_step_prepares(server):
    with talk(server[1]) as page:
        until(page, lambda header: not header["running"])
        page.send('{"do": "seen"}')
        page.send('{"do": "step"}')
        header = until(page, lambda header: True)
        assert header["prepares"]
        assert header["running"]
        assert not until(page, lambda header: header["step"] == 1)["prepares"]


def test_what_a_strangers_layer_raises_is_told(server, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("a layer\ndivides")

    with talk(server[1]) as page:
        monkeypatch.setattr(server[0].channels[0].trainer.model, "fit", broken)
        page.send('{"do": "start"}')
        header = until(page, lambda header: header["trouble"])
        assert header["trouble"] == "ZeroDivisionError: a layer divides"
        assert not header["running"]
        monkeypatch.undo()
        page.send('{"do": "step"}')
        until(page, lambda header: header["step"] == 1)


@pytest.mark.parametrize(
    "text",
    ["", "{", "null", "[1]", '{"do": "exec"}', '{"do": "epochs", "count": -1}', "[" * 4000,
     '{"do": "set", "batch_size": "x"}', '{"do": "set", "learning_rate": NaN}',
     '{"do": "again"}', '{"do": "set", "optimizer": "__import__"}', '{"do": []}'],
)  # fmt: skip
def test_nonsense_is_answered_in_one_line_and_training_goes_on(server, text):
    _, address = server
    with talk(address) as page:
        page.send(text)
        trouble = json.loads(page.recv(timeout=PATIENCE))["trouble"]
        assert trouble
        assert "\n" not in trouble
        page.send('{"do": "step"}')
        until(page, lambda header: header["step"] == 1)


def test_broken_lines_are_borne(server):
    from websockets.exceptions import ConnectionClosed

    explorer, address = server
    with talk(address) as page:  # too long
        page.send("x" * 100_000)
        with pytest.raises(ConnectionClosed):
            page.recv(timeout=PATIENCE)
    with talk(address) as page:  # no text
        page.send(b"\0" * 100)
        with pytest.raises(ConnectionClosed):
            page.recv(timeout=PATIENCE)
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE) as line:
        line.sendall(
            f"GET /live?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            f"Origin: http://{parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        assert b"101" in line.recv(1000)
        line.sendall(b"\x81\xfe\x01")  # half a frame, then nothing
    with talk(address) as one, talk(address) as other:  # two tabs hear the same
        one.send('{"do": "step"}')
        for page in (one, other):
            until(page, lambda header: header["step"] == 1)
    deadline = time.monotonic() + PATIENCE
    while explorer.channels[0].pages and time.monotonic() < deadline:
        time.sleep(0.02)
    assert explorer.channels[0].pages == {}


def test_a_model_that_is_not_compiled_is_refused():
    model = npcnn.Sequential([layers.Input((4, 4, 1)), layers.Flatten()])
    with pytest.raises(StateError, match="a compiled model"):
        explore(model, np.zeros((2, 4, 4, 1)), np.zeros((2, 16)))
