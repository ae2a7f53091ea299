"""The gallery as a person meets it: an address to open, pictures to look at, keys to press."""

import base64
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Locator, Page, expect

_MOST_TABS = 60
_CLOSE = 1e-3
_JPEG_QUALITY = 85
_GIVE = """({how, name, data, zeros}) => {
  const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes, new Uint8Array(zeros)], name, {type: "image/jpeg"}));
  const target = document.querySelector("main");
  const options = {bubbles: true, cancelable: true};
  if (how === "paste") target.dispatchEvent(new ClipboardEvent("paste", {clipboardData: transfer, ...options}));
  else for (const type of ["dragenter", "dragover", "drop"]) {
    target.dispatchEvent(new DragEvent(type, {dataTransfer: transfer, ...options}));
  }
}"""

_PICTURES_IN_SIGHT = """() => Promise.all(
    [...document.images]
        .filter(image => !image.complete && image.getBoundingClientRect().top < innerHeight)
        .map(image => new Promise(done => { image.onload = image.onerror = done }))
)"""


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

    def give(self, how: str, *, name: str, data: bytes = b"", zeros: int = 0) -> None:
        """Drop or paste a file on the page: some bytes, and as many zeros after them."""
        self.page.evaluate(_GIVE, {"how": how, "name": name, "data": base64.b64encode(data).decode(), "zeros": zeros})

    def tab_to(self, target: Locator) -> None:
        """Press Tab until something has the focus."""
        for _ in range(_MOST_TABS):
            if target.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        expect(target).to_be_focused()

    def columns(self) -> int:
        """How many pictures stand in the first row."""
        tops = self.tiles.evaluate_all("links => links.map(link => link.getBoundingClientRect().top)")
        return int(tops.count(tops[0]))

    def middle_of(self, element: Locator) -> tuple[float, float]:
        box = element.bounding_box()
        assert box is not None
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def touch(self, *moments: Sequence[tuple[float, float]]) -> None:
        """Lay fingers on these places of the page, move them from moment to moment, and lift them."""
        devtools = self.page.context.new_cdp_session(self.page)
        for type_, places in zip(["touchStart", *["touchMove"] * (len(moments) - 1)], moments, strict=True):
            points = [{"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(places)]
            devtools.send("Input.dispatchTouchEvent", {"type": type_, "touchPoints": points})
        devtools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        devtools.detach()

    def wait_until_at(self, x: float) -> None:
        """Wait until the address has the map's middle there, which it learns of when the map rests."""
        self.page.wait_for_url(lambda url: abs(_middle(url) - x) < _CLOSE)

    def wait_until_away_from(self, x: float) -> None:
        """Wait until the address has the map's middle elsewhere."""
        self.page.wait_for_url(lambda url: abs(_middle(url) - x) > _CLOSE)

    def place_of_point(self, number: int) -> tuple[float, float]:
        """Where a point of the map lies."""
        version = self.page.request.get(f"{self.url}/api/map").json()["version"]
        points = self.page.request.get(f"{self.url}/api/map/points?version={version}").body()
        x, y = struct.unpack_from("<ff", points, 8 * number)
        return x, y

    def wait_for_map(self) -> None:
        """Wait until the pictures on the map are drawn."""
        self.page.wait_for_load_state("networkidle")

    def overflow(self) -> int:
        """By how many pixels the page is wider than the screen."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - innerWidth"))

    def violations(self) -> list[str]:
        """What axe finds wrong for people with disabilities: rule and places."""
        found: dict[str, Any] = Axe().run(self.page).response
        return [
            f"{violation['id']}: {[node['target'] for node in violation['nodes']]}" for violation in found["violations"]
        ]

    def wait_for_pictures(self) -> None:
        """Wait until the thumbnails in sight are there."""
        # Not wait_for_function: it evaluates text, which the page forbids.
        self.page.evaluate(_PICTURES_IN_SIGHT)

    def shoot(self, name: str) -> None:
        """Keep what the page shows as `<name>.jpg`, with the mouse out of the way."""
        self.page.mouse.move(0, 0)
        self.wait_for_pictures()
        self.page.screenshot(path=self.screenshots / f"{name}.jpg", type="jpeg", quality=_JPEG_QUALITY)

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location['url']})")


def _middle(url: str) -> float:
    return float(parse_qs(urlsplit(url).query)["x"][0])
