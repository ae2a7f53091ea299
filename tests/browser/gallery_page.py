"""The gallery as a person meets it: an address to open, pictures to look at, keys to press."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Locator, Page, expect


@dataclass
class GalleryPage:
    """One page of the browser with the gallery in it.

    Attributes:
        page: The page.
        url: Where the gallery is served.
        screenshots: Folder of the screenshots.
        errors: What the page has reported as errors and nobody has looked at.
    """

    page: Page
    url: str
    screenshots: Path
    errors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Listen to what goes wrong in the page."""
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._note)

    def open(self, **state: str) -> None:
        """Open the page in a state, named as its address names it, and wait until it shows something."""
        self.page.goto(f"{self.url}/?{urlencode(state)}")

    @property
    def state(self) -> dict[str, list[str]]:
        """What the address says."""
        return parse_qs(urlsplit(self.page.url).query)

    @property
    def tiles(self) -> Locator:
        """Links to the pictures that are shown."""
        return self.page.locator("section:not([hidden]) .tiles").first.locator(".tile-link")

    @property
    def heading(self) -> Locator:
        return self.page.locator("section:not([hidden]) > .view-head h2")

    @property
    def status(self) -> Locator:
        return self.page.locator("section:not([hidden]) > .view-head .status")

    @property
    def details(self) -> Locator:
        return self.page.get_by_role("dialog")

    def key_of(self, tile: Locator) -> str:
        """Key of the picture in a tile."""
        return str(tile.get_attribute("data-key"))

    def fact(self, name: str) -> Locator:
        """A value in the details panel."""
        return self.details.locator("dl > div").filter(has=self.page.get_by_text(name, exact=True)).locator("dd")

    def search(self, words: str) -> None:
        box = self.page.get_by_role("searchbox", name="Words to search for")
        box.fill(words)
        box.press("Enter")

    def pick(self, *, name: str, data: bytes) -> None:
        """Give a file from the person's own machine."""
        self.page.locator("#picture-file").set_input_files({"name": name, "mimeType": "image/jpeg", "buffer": data})

    def violations(self) -> list[str]:
        """What axe finds wrong for people with disabilities: rule and places."""
        found: dict[str, Any] = Axe().run(self.page).response
        return [
            f"{violation['id']}: {[node['target'] for node in violation['nodes']]}" for violation in found["violations"]
        ]

    def wait_for_pictures(self) -> None:
        """Wait until the thumbnails in sight are there."""
        self.page.wait_for_function(
            "() => [...document.images].every(image => image.complete || image.getBoundingClientRect().top > innerHeight)"
        )

    def shoot(self, name: str) -> None:
        """Keep what the page shows as `<name>.png`, with the mouse out of the way."""
        self.page.mouse.move(0, 0)
        self.wait_for_pictures()
        self.page.screenshot(path=self.screenshots / f"{name}.png")

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location['url']})")
