"""Debian's Chromium, headless, as the tests of the page and the scripts about it drive it."""

import shutil

from runs import PATIENCE

HOW = "no browser: `apt-get install chromium chromium-driver` and `pip install selenium` get one"


def start():
    """Return a driver, or None where there is no browser."""
    try:
        from selenium import webdriver
    except ImportError:
        return None
    binary = shutil.which("chromium") or shutil.which("chromium-browser")
    driver = shutil.which("chromedriver")
    if not (binary and driver):
        return None
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for argument in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage"):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    browser.set_script_timeout(PATIENCE)
    return browser


def resize(browser, width, height=1000):
    """Set the size of the page in pixels; a narrow one is a telephone's."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 700}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def wait(browser, script, *arguments):
    """Return what a script gives as soon as it gives something; it may take a while."""
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, PATIENCE, 0.05).until(
        lambda b: b.execute_script(script, *arguments)
    )
