"""Waiting for a page to be so far."""

from runs import PATIENCE


def wait(browser, script, *arguments):
    """Return what a script gives as soon as it gives something; it may take a while."""
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, PATIENCE, 0.05).until(
        lambda b: b.execute_script(script, *arguments)
    )
