"""Dagster's web UI in a headless Chromium, in front of `batch-assets dev`."""

import os
import re
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import boto3
import pytest
from mypy_boto3_s3 import S3Client
from playwright.sync_api import Browser, ConsoleMessage, FloatRect, Locator, Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from tests.dev_command import DevCommand

SCREENSHOTS = "BROWSER_SCREENSHOTS"
"""Variable that names a folder for the screenshots; without it they go where pytest keeps its files."""

PAGE_SECONDS = 60
RELOAD_SECONDS = 10
PIPELINE_SECONDS = 240

_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_DECODED_WIDTHS = "images => Promise.all(images.map(image => image.decode().then(() => image.naturalWidth, () => 0)))"
_KEY = re.compile(r"^\d{4}/\d\d/\d\d$")
# As a user sets it once: narrow navigation, and descriptions on the assets.
_PREFERENCES = """
localStorage.setItem("dagster-nav-collapsed", "true");
localStorage.setItem("asset-node-facets", JSON.stringify(
    ["unsynced-tag", "description", "checks", "latest-event", "kind-tag", "automation", "partitions"]));
"""


@dataclass
class DagsterUi:
    """The web UI as a person meets it: addresses to open, things to read, buttons to press.

    Attributes:
        page: The one page of the browser.
        url: Where the web UI is served.
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

    def open(self, path: str) -> None:
        self.page.goto(f"{self.url}{path}")

    def open_partition(self, asset: str, partition: str) -> None:
        """Open an asset's page of one partition, and wait for its details."""
        self.open(f"/assets/{asset}?view=partitions&partition={quote(partition, safe='')}")
        expect(self.page.get_by_text("Latest materialization", exact=True)).to_be_visible()

    def assets_in_graph(self) -> Locator:
        """The boxes of the lineage graph; names in the list beside it are not among them."""
        return self.page.locator("foreignObject")

    def asset_in_graph(self, name: str) -> Locator:
        return self.assets_in_graph().filter(has=self.page.get_by_text(name, exact=True))

    def zoom_until_visible(self, target: Locator) -> None:
        """Zoom into the graph until the assets show their details."""
        for _ in range(10):
            if target.is_visible():
                return
            self.page.locator("button:has([aria-label=zoom_in])").click()
            # The zoom is animated; what rests for two frames has reached its size.
            self.assets_in_graph().first.element_handle().wait_for_element_state("stable")
        expect(target).to_be_visible()

    def metadata(self, name: str) -> Locator:
        """The value cell of a metadata entry."""
        entry = self.page.locator("tr").filter(has=self.page.locator("td:first-child").get_by_text(name, exact=True))
        return entry.locator("> td").nth(1)

    def number(self, name: str) -> int:
        """The value of a metadata entry that is a number."""
        return int(self.metadata(name).inner_text())

    def switch_of(self, automation: str) -> Locator:
        """The switch in the row of a sensor or schedule."""
        rows = self.page.locator("div").filter(has=self.page.get_by_text(automation, exact=True))
        return rows.filter(has=self.page.get_by_role("checkbox").nth(1)).last.get_by_role("checkbox").last

    def show_pictures(self) -> Locator:
        """Open the dialog with a materialisation's pictures, and see that the browser has decoded all of them."""
        self.metadata("pictures").get_by_text("[Show Markdown]").click()
        dialog = self.page.get_by_role("dialog")
        self.require_decoded(dialog)
        return dialog

    def require_decoded(self, part: Locator) -> None:
        """Wait until each image in a part of the page has a width of its own."""
        expect(part.locator("img").first).to_be_visible()
        widths = part.locator("img").evaluate_all(_DECODED_WIDTHS)
        assert all(widths), widths

    def launch(self, *partitions: str, screenshot: str) -> None:
        """Launch plan_and_submit for these partitions, by clicking in the job's page."""
        self.open("/locations/batch_assets/jobs/plan_and_submit")
        self.page.get_by_role("button", name="Materialize all").click()
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_placeholder("ex: ").fill(", ".join(partitions))
        dialog.get_by_placeholder("ex: ").press("Enter")
        several = len(partitions) > 1
        launch = dialog.get_by_role("button", name="Launch backfill" if several else "Launch 1 run")
        expect(launch).to_be_enabled()
        self.shoot(screenshot)
        launch.click()
        expect(dialog).to_be_hidden()

    def partition_keys(self) -> list[str]:
        """The keys of the partitions, the oldest first."""
        self.open("/assets/image_inventory?view=partitions")
        keys = self.page.get_by_text(_KEY)
        expect(keys.first).to_be_visible()
        return sorted(set(keys.all_inner_texts()))

    def reload_until_visible(self, text: str, *, exact: bool = True) -> None:
        """Wait for what the pipeline makes of a page; not every page of the web UI learns of it by itself."""
        shown = self.page.get_by_text(text, exact=exact).first
        for _ in range(PIPELINE_SECONDS // RELOAD_SECONDS):
            try:
                shown.wait_for(timeout=RELOAD_SECONDS * 1000)
            except PlaywrightTimeoutError:
                self.page.reload()
            else:
                return
        expect(shown).to_be_visible()

    def shoot(self, name: str, part: Locator | None = None) -> None:
        """Keep what the page or a part of it shows as `<name>.png`, with the mouse out of the way."""
        self.page.mouse.move(0, 0)
        (part or self.page).screenshot(path=self.screenshots / f"{name}.png", animations="disabled")

    def shoot_top(self, name: str, height: int) -> None:
        """Keep the uppermost pixels of a page that is empty below."""
        clip: FloatRect = {"x": 0, "y": 0, "width": 1440, "height": height}
        self.page.mouse.move(0, 0)
        self.page.screenshot(path=self.screenshots / f"{name}.png", clip=clip)

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location['url']})")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium, headless; without one the test is skipped."""
    executable = next(filter(None, map(shutil.which, _CHROMIUM)), None)
    if executable is None:
        pytest.skip(f"no browser: none of {', '.join(_CHROMIUM)} is installed")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=_ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go."""
    folder = Path(os.environ[SCREENSHOTS]) if SCREENSHOTS in os.environ else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevCommand]:
    """A fresh `batch-assets dev`, which Ctrl-C ends with everything that it started."""
    with DevCommand(tmp_path_factory.mktemp("dev") / "output.log") as command:
        command.wait_for_url()
        yield command
        assert command.end(signal.SIGINT) == 0, command.output()
        assert command.left_over() == {}


@pytest.fixture(scope="module")
def ui(browser: Browser, command: DevCommand, screenshots: Path) -> Iterator[DagsterUi]:
    """The web UI in a page of the browser."""
    page = browser.new_page(
        viewport={"width": 1440, "height": 900}, locale="en-US", timezone_id="UTC", color_scheme="light"
    )
    page.add_init_script(_PREFERENCES)
    page.set_default_timeout(PAGE_SECONDS * 1000)
    expect.set_options(timeout=PAGE_SECONDS * 1000)
    yield DagsterUi(page, command.wait_for_url(), screenshots)
    page.close()


@pytest.fixture(scope="module")
def launched(ui: DagsterUi) -> list[str]:
    """The partitions, of which the oldest was launched by a click, and the two after it as a backfill."""
    keys = ui.partition_keys()
    # The backfill first: its daemon looks every 30 seconds.
    ui.launch(*keys[1:3], screenshot="launch-backfill")
    ui.launch(keys[0], screenshot="launch-dialog")
    return keys


@pytest.fixture(scope="module")
def partition(ui: DagsterUi, launched: list[str]) -> str:
    """The oldest partition, loaded by the sensor."""
    ui.open_partition("vector_index", launched[0])
    ui.reload_until_visible("Materialized")
    return launched[0]


@pytest.fixture(scope="module")
def backfilled(ui: DagsterUi, launched: list[str]) -> list[str]:
    """All partitions that were launched, when the sensors have loaded the last of them."""
    ui.open("/assets/vector_index?view=partitions")
    ui.reload_until_visible("Materialized (3)")
    return launched[:3]


@pytest.fixture
def source(command: DevCommand) -> S3Client:
    """S3 of the sandbox that the command has started."""
    exports = (command.home() / "environment").read_text(encoding="utf-8")
    variables = dict(line.removeprefix("export ").split("=", 1) for line in exports.splitlines() if "=" in line)
    values = {name: value.strip("'\"") for name, value in variables.items()}
    return boto3.client(
        "s3",
        endpoint_url=values["AWS_ENDPOINT_URL"],
        aws_access_key_id=values["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=values["AWS_SECRET_ACCESS_KEY"],
        region_name="us-east-1",
    )
