"""A real browser without a screen, for tests of pages: Chromium, offline, that notes whatever it asks for and complains of."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine, and `make test` could not install one")


@dataclass
class Witness:
    """What a page did while it was open: every request, console message and uncaught error."""

    requests: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def watch(self, page: Any) -> None:
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.messages.append(message.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser, until the block is left."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: Any, file: Path, width: int = 1280, height: int = 800, **context: Any) -> Iterator[tuple[Any, Witness]]:
    """A file in a window of its own without network, and what it did; context: of playwright, such as color_scheme."""
    place = browser.new_context(offline=True, viewport={"width": width, "height": height}, **context)
    try:
        page, witness = place.new_page(), Witness()
        witness.watch(page)
        page.goto(file.as_uri())
        yield page, witness
    finally:
        place.close()
