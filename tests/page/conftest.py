"""A real browser, and npcnn's page in it."""

from functools import partial

import chromium as headless
import pytest
from chromium import wait

import npcnn


@pytest.fixture(scope="session")
def chromium():
    """Debian's Chromium, headless, one for all tests."""
    browser = headless.start()
    if browser is None:
        pytest.skip(headless.HOW)
    yield browser
    browser.quit()


@pytest.fixture
def resize(chromium):
    """Return a function that sets the width of the page in pixels."""
    return partial(headless.resize, chromium)


@pytest.fixture
def browser(chromium, resize):
    """The browser, 1600 pixels wide; whatever a test let it complain of is a failure."""
    resize(1600)
    chromium.get("about:blank")
    chromium.get_log("browser")
    yield chromium
    assert [entry["message"] for entry in chromium.get_log("browser")] == []


@pytest.fixture
def opened(browser, tmp_path):
    """Return a function that writes a model's page and opens it; the address says how."""

    def go(model, *data, address="lang=en&theme=light"):
        npcnn.save_page(model, tmp_path / "page.html", *data)
        browser.get("about:blank")
        browser.get(f"{(tmp_path / 'page.html').as_uri()}#{address}")
        wait(browser, "return window.npcnn?.app.ready")
        return browser

    return go
