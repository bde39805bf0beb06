"""Waiting for a page to be so far."""


def wait(browser, script, *arguments):
    """Return what a script gives as soon as it gives something; it may take ten seconds."""
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, 10, 0.05).until(lambda b: b.execute_script(script, *arguments))
