"""A real browser, and npcnn's page in it."""

import shutil

import pytest
from selenium_wait import wait

import npcnn

HOW = "no browser: `apt-get install chromium chromium-driver` and `pip install selenium` get one"


@pytest.fixture(scope="session")
def chromium():
    """Debian's Chromium, headless, one for all tests."""
    webdriver = pytest.importorskip("selenium.webdriver", reason=HOW)
    binary = shutil.which("chromium") or shutil.which("chromium-browser")
    driver = shutil.which("chromedriver")
    if not (binary and driver):
        pytest.skip(HOW)
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for argument in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage"):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    browser.set_script_timeout(60)
    yield browser
    browser.quit()


@pytest.fixture
def resize(chromium):
    """Return a function that sets the width of the page in pixels."""

    def to(width, height=1000):
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 700}
        chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    return to


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
