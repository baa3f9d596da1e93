"""A real browser for tests: pages that remember what they loaded and what they complained about."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PHONE, DESKTOP = (390, 844), (1280, 900)
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


class Opened:
    """A page with what happened in it.

    Attributes:
        page: playwright's page.
        requests: addresses of all that it asked for.
        complaints: errors and warnings of the console, exceptions, and requests that failed.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("requestfailed", lambda request: self.complaints.append(f"{request.url}: {request.failure}"))
        page.on("response", self._note_status)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._note_console)

    def _note_status(self, response) -> None:
        if response.status >= 400:
            self.complaints.append(f"{response.url}: {response.status}")

    def _note_console(self, message) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def overflow(self) -> int:
        """By how many pixels the page is wider than its window."""
        return self.page.evaluate(OVERFLOW)


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """The installed Chromium, without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        try:
            yield browser
        finally:
            browser.close()
