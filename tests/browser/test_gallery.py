"""The gallery in a browser, used by people of all kinds: with a mouse, by keyboard alone, on a phone, in the dark."""

import importlib.resources
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from batch_assets.cli.clients import Clients
from batch_assets.cli.gallery_server import GalleryServer
from batch_assets.sandbox.demo_pictures import demo_objects
from tests.browser.gallery_page import GalleryPage
from tests.conftest import Aws
from tests.world import KEY, NEXT_KEY, World, new_world, still_sandbox

pytestmark = pytest.mark.slow

PHOTOGRAPHS = 112
PAGE = 48
SCRIPT = '<img src=x onerror="document.title=1">.jpg'
COPIES = ("coffee-saved-again.jpg", "coffee-from-a-mail.jpg")
EXTRA = len(COPIES) + 2
DAGSTER_URL = "http://127.0.0.1:3000"
NOTE = "A colour and texture descriptor stands in for the model: it understands colour words, not meaning."
EXPECT_SECONDS = 15


def photograph(name: str) -> bytes:
    """A photograph of the package."""
    return (importlib.resources.files("batch_assets.sandbox") / "pictures" / name).read_bytes()


def saved(data: bytes, file_format: str, *, edge_pixels: int = 640, **options: int) -> bytes:
    """A picture as another file."""
    with Image.open(io.BytesIO(data)) as image:
        image.thumbnail((edge_pixels, edge_pixels))
        file = io.BytesIO()
        image.convert("RGB").save(file, file_format, **options)
        return file.getvalue()


@pytest.fixture(scope="module")
def world(aws: Aws) -> Iterator[World]:
    """A day of photographs, and the next with a few: near-duplicates, a PNG, and a name with script in it."""
    coffee = photograph("coffee.jpg")
    with still_sandbox(aws), new_world(aws) as world:
        prefix = world.settings.template.prefix(KEY)
        world.put_objects({item.key: item.data for item in demo_objects([prefix], images=PHOTOGRAPHS)})
        world.put(
            {
                COPIES[0]: saved(coffee, "JPEG", quality=90),
                COPIES[1]: saved(coffee, "JPEG", quality=60, edge_pixels=400),
                "flower.png": saved(photograph("flower.jpg"), "PNG", edge_pixels=200),
                SCRIPT: photograph("chelsea.jpg"),
            },
            NEXT_KEY,
        )
        for key in (KEY, NEXT_KEY):
            world.embed(key)
        yield world


@pytest.fixture(scope="module")
def url(world: World) -> Iterator[str]:
    """Where the gallery of that world is served.

    To be asked for before the browser: Dagster runs event loops of its own, which a thread with Playwright's cannot.
    """
    with GalleryServer.of(Clients(world.settings), port=0, dagster_url=DAGSTER_URL, note=NOTE) as server:
        server.start()
        yield server.url.rstrip("/")


@pytest.fixture
def gallery(url: str, browser: Browser, screenshots: Path) -> Iterator[GalleryPage]:
    """A fresh page on a desk; what it reports as an error and nobody has looked at fails the test."""
    with opened(browser, url, screenshots) as page:
        yield page


@pytest.fixture
def phone(url: str, browser: Browser, screenshots: Path) -> Iterator[GalleryPage]:
    """A fresh page on a phone, in the dark."""
    with opened(
        browser, url, screenshots, viewport={"width": 390, "height": 844}, has_touch=True, color_scheme="dark"
    ) as page:
        yield page


@contextmanager
def opened(browser: Browser, url: str, screenshots: Path, **options: Any) -> Iterator[GalleryPage]:
    """A page of its own."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce", **options})
    context.set_default_timeout(EXPECT_SECONDS * 1000)
    expect.set_options(timeout=EXPECT_SECONDS * 1000)
    gallery = GalleryPage(context.new_page(), url, screenshots)
    yield gallery
    context.close()
    assert gallery.errors == []


def distances(gallery: GalleryPage) -> list[float]:
    """What stands under the pictures."""
    return [float(text) for text in gallery.tiles.locator(".tile-facts span:first-child").all_inner_texts()]


def test_newest_pictures_come_first(gallery: GalleryPage) -> None:
    """Without a search the page shows what came last, and what it is a page of."""
    gallery.open()

    expect(gallery.heading).to_have_text("Newest pictures")
    expect(gallery.status).to_contain_text("newest first")
    expect(gallery.page.get_by_text(NOTE)).to_be_visible()
    expect(gallery.page.get_by_role("contentinfo")).to_contain_text(f"{PHOTOGRAPHS + EXTRA} vectors")


def test_words_find_pictures_nearest_first(gallery: GalleryPage) -> None:
    """The address holds the search, and the title says it."""
    gallery.open()
    gallery.search("orange")

    expect(gallery.heading).to_have_text("Pictures that match “orange”")
    expect(gallery.status).to_contain_text("nearest first")
    expect(gallery.tiles.first).to_contain_text("coffee")
    assert distances(gallery) == sorted(distances(gallery))
    assert gallery.state == {"text": ["orange"]}
    expect(gallery.page).to_have_title("Pictures that match “orange” · Gallery")
    gallery.shoot("gallery-results")


def test_own_picture_finds_its_like_and_the_link_can_be_shared(gallery: GalleryPage, browser: Browser) -> None:
    """A picked file is searched by; the address alone shows the same to somebody else."""
    gallery.open()
    gallery.pick(name="cup.jpg", data=photograph("coffee.jpg"))

    expect(gallery.heading).to_have_text("Pictures like the one you gave")
    expect(gallery.tiles.first).to_contain_text("coffee")
    assert distances(gallery)[0] == pytest.approx(0, abs=0.01)
    expect(gallery.page.locator("#query-picture img")).to_be_visible()
    found = [gallery.key_of(tile) for tile in gallery.tiles.all()[:5]]
    gallery.shoot("gallery-similar")
    with opened(browser, gallery.url, gallery.screenshots) as other:
        other.page.goto(gallery.page.url)
        expect(other.tiles.first).to_contain_text("coffee")
        assert [other.key_of(tile) for tile in other.tiles.all()[:5]] == found


@pytest.mark.parametrize("how", ["drop", "paste"])
def test_picture_can_be_dropped_and_pasted(gallery: GalleryPage, how: str) -> None:
    """Anywhere on the page, in any view."""
    gallery.open(view="near-duplicates")
    gallery.give(how, name="flower.jpg", data=photograph("flower.jpg"))

    expect(gallery.heading).to_have_text("Pictures like the one you gave")
    expect(gallery.tiles.first).to_contain_text("flower")
    expect(gallery.page.locator("#drop-target")).to_be_hidden()


def test_any_result_finds_more_like_it(gallery: GalleryPage) -> None:
    """By a click on what the picture offers; the search box shows the picture, and lets it be removed."""
    gallery.open(text="red")
    tile = gallery.page.locator("#results .tile").nth(2)
    key = gallery.key_of(tile.locator(".tile-link"))
    tile.hover()
    tile.get_by_role("link", name="More like it").click()

    expect(gallery.heading).to_contain_text(key.rsplit("/", 1)[-1])
    expect(gallery.heading).to_be_focused()
    assert gallery.state == {"key": [key]}
    assert gallery.key_of(gallery.tiles.first) == key
    assert distances(gallery)[0] == pytest.approx(0, abs=1e-3)
    gallery.page.get_by_role("button", name="Remove this picture").click()
    expect(gallery.heading).to_have_text("Newest pictures")
    assert gallery.state == {}


def test_filters_narrow_and_are_cleared(gallery: GalleryPage) -> None:
    """Date, format and size; the address holds them, so reloading keeps them."""
    gallery.open(text="red")
    gallery.page.get_by_label("From", exact=True).fill(NEXT_KEY.replace("/", "-"))
    expect(gallery.tiles).to_have_count(EXTRA)
    gallery.page.get_by_role("checkbox", name="png").check()
    expect(gallery.tiles).to_have_count(1)
    expect(gallery.tiles).to_contain_text("flower.png")
    gallery.page.reload()
    expect(gallery.tiles).to_have_count(1)
    expect(gallery.page.get_by_role("checkbox", name="png")).to_be_checked()
    gallery.page.get_by_label("Largest size in kB").fill("1")
    gallery.page.get_by_label("Largest size in kB").press("Enter")
    expect(gallery.page.get_by_text("Nothing found")).to_be_visible()
    assert gallery.state["max_size_bytes"] == ["1000"]

    gallery.page.get_by_role("link", name="Clear filters").click()
    expect(gallery.tiles).to_have_count(PAGE)
    assert gallery.state == {"text": ["red"]}


def test_filters_that_contradict_each_other_are_told(gallery: GalleryPage) -> None:
    """At the fields, without a search; what a hand-written address has wrong is told by the server."""
    gallery.open(until=KEY.replace("/", "-"))
    gallery.page.get_by_label("From", exact=True).fill(NEXT_KEY.replace("/", "-"))
    expect(gallery.page.get_by_text("The first date is after the last.")).to_be_visible()
    assert gallery.state == {"until": [KEY.replace("/", "-")]}

    gallery.open(since="yesterday")
    expect(gallery.page.get_by_role("alert").filter(has_text="yesterday")).to_be_visible()
    gallery.errors.clear()
    gallery.page.get_by_role("link", name="Clear filters").click()
    expect(gallery.tiles).to_have_count(PAGE)


def test_more_pictures_come_while_scrolling(gallery: GalleryPage) -> None:
    """Each picture once, until all have been shown."""
    gallery.open()
    expect(gallery.status).to_contain_text(f"{PAGE} pictures so far")
    for shown in (f"{2 * PAGE} pictures so far", f"{PHOTOGRAPHS + EXTRA} pictures, newest first"):
        gallery.tiles.last.scroll_into_view_if_needed()
        gallery.page.mouse.wheel(0, 10_000)
        expect(gallery.status).to_contain_text(shown)

    keys = gallery.tiles.evaluate_all("links => links.map(link => link.dataset.key)")
    assert len(keys) == len(set(keys)) == PHOTOGRAPHS + EXTRA
    expect(gallery.page.get_by_role("button", name="Load more pictures")).to_be_hidden()


def test_details_say_what_is_known_and_lead_to_dagster(gallery: GalleryPage, world: World) -> None:
    """Beside the pictures; Escape closes them, and the focus is where it was."""
    gallery.open(text="red")
    gallery.tiles.nth(1).click()
    key = gallery.key_of(gallery.tiles.nth(1))

    expect(gallery.fact("Key")).to_have_text(key)
    expect(gallery.fact("Partition")).to_have_text(KEY)
    expect(gallery.fact("ETag")).not_to_be_empty()
    expect(gallery.fact("Address")).to_have_text(f"s3://{world.settings.source_bucket}/{key}")
    expect(gallery.fact("Batch job")).not_to_be_empty()
    link = gallery.details.get_by_role("link", name="Materialisation in Dagster")
    expect(link).to_have_attribute("href", re.compile(f"^{DAGSTER_URL}/assets/.*{quote(KEY, safe='')}"))
    gallery.shoot("gallery-details")
    gallery.page.keyboard.press("Escape")
    expect(gallery.details).to_be_hidden()
    expect(gallery.tiles.nth(1)).to_be_focused()
    gallery.open(open="photos/2026/11/18/no-such.jpg")
    expect(gallery.details.get_by_role("alert")).to_contain_text("no-such.jpg")
    gallery.errors.clear()


def test_back_and_forward_walk_through_what_was_seen(gallery: GalleryPage) -> None:
    """Searches, details and views are steps; where one had scrolled to is found again."""
    gallery.open(text="red")
    expect(gallery.tiles).to_have_count(PAGE)
    gallery.tiles.nth(30).scroll_into_view_if_needed()
    scrolled = gallery.page.evaluate("scrollY")
    gallery.tiles.nth(30).click()
    expect(gallery.details).to_be_visible()
    gallery.details.get_by_role("link", name="Find more like it").click()
    expect(gallery.heading).to_contain_text("Pictures like")
    expect(gallery.details).to_be_hidden()
    gallery.page.get_by_role("link", name="Map").click()
    expect(gallery.heading).to_have_text("Map")

    gallery.page.go_back()
    expect(gallery.heading).to_contain_text("Pictures like")
    gallery.page.go_back()
    expect(gallery.details).to_be_visible()
    gallery.page.go_back()
    expect(gallery.heading).to_have_text("Pictures that match “red”")
    expect(gallery.details).to_be_hidden()
    assert gallery.page.evaluate("scrollY") == pytest.approx(scrolled, abs=400) != 0
    gallery.page.go_forward()
    expect(gallery.details).to_be_visible()


def test_near_duplicates_stand_together(gallery: GalleryPage) -> None:
    """The cup of coffee that was saved again is in one group with the photograph."""
    gallery.open(view="near-duplicates")
    group = gallery.page.locator(".group").filter(has_text=COPIES[0])

    expect(group.get_by_text(COPIES[1])).to_be_visible()
    expect(group.get_by_role("heading")).to_contain_text("pictures up to 0.0")
    expect(gallery.status).to_contain_text("within 0.020 of another")
    gallery.shoot("gallery-near-duplicates")
    group.get_by_role("link", name=COPIES[0]).first.click()
    expect(gallery.fact("Partition")).to_have_text(NEXT_KEY)
    gallery.page.keyboard.press("Escape")
    gallery.page.get_by_label("From", exact=True).fill(NEXT_KEY.replace("/", "-"))
    expect(gallery.page.locator(".group")).to_have_count(1)


def test_map_is_explored_with_the_mouse(gallery: GalleryPage) -> None:
    """Wheel and drag move it, the address follows; a picture shows under the pointer and opens on a click."""
    gallery.open(view="map")
    canvas = gallery.page.get_by_role("application", name="Map of all pictures")
    expect(gallery.status).to_contain_text(f"{PHOTOGRAPHS + EXTRA} pictures")
    gallery.wait_for_map()
    gallery.shoot("gallery-map")
    middle = gallery.middle_of(canvas)
    gallery.page.mouse.move(*middle)
    gallery.page.mouse.wheel(0, -400)
    expect(gallery.page).to_have_url(re.compile(r"zoom=2\.4"))
    gallery.page.mouse.down()
    gallery.page.mouse.move(middle[0] + 60, middle[1] + 30, steps=3)
    gallery.page.mouse.up()
    expect(gallery.details).to_be_hidden()

    x, y = gallery.place_of_point(0)
    gallery.open(view="map", x=str(x), y=str(y), zoom="40")
    gallery.page.mouse.move(*gallery.middle_of(canvas))
    expect(gallery.page.locator(".map-card img")).to_be_visible()
    name = gallery.page.locator(".map-card p").inner_text()
    gallery.page.mouse.down()
    gallery.page.mouse.up()
    expect(gallery.details.get_by_role("heading")).to_have_text(name)
    expect(gallery.page.get_by_role("list", name="In the middle of the map").get_by_text(name)).to_be_visible()


def test_map_is_explored_with_fingers(phone: GalleryPage) -> None:
    """One finger moves it and the page stays; two that part zoom in where they are; a tap opens a picture."""
    x, y = phone.place_of_point(0)
    phone.open(view="map", x=str(x), y=str(y), zoom="4")
    canvas = phone.page.get_by_role("application", name="Map of all pictures")
    expect(phone.status).to_contain_text(f"{PHOTOGRAPHS + EXTRA} pictures")
    canvas.scroll_into_view_if_needed()
    scrolled = phone.page.evaluate("scrollY")
    across, down = phone.middle_of(canvas)

    phone.touch([(across, down)], [(across + 30, down)], [(across + 60, down + 40)])
    phone.wait_until_away_from(x)
    assert phone.state["zoom"] == ["4"]
    phone.touch([(across + 60, down + 40)], [(across + 30, down)], [(across, down)])
    phone.wait_until_at(x)

    apart = [[(across - width, down), (across + width, down)] for width in (20, 40, 60, 80, 120, 160)]
    phone.touch(*apart)
    expect(phone.page).to_have_url(re.compile("zoom=32"))
    phone.wait_until_at(x)
    assert phone.page.evaluate("scrollY") == scrolled
    assert phone.page.evaluate("visualViewport.scale") == 1
    expect(phone.details).to_be_hidden()

    phone.touch([(across, down)])
    expect(phone.details.get_by_role("heading")).to_be_visible()


def test_map_is_explored_by_keyboard(gallery: GalleryPage) -> None:
    """Arrows, plus and zero; what is in the middle is shown, said, and opened by Enter."""
    gallery.open(view="map")
    canvas = gallery.page.get_by_role("application", name="Map of all pictures")
    expect(canvas).to_be_visible()
    gallery.tab_to(canvas)
    for key in ("+", "+", "ArrowRight", "ArrowUp"):
        gallery.page.keyboard.press(key)
    expect(gallery.page).to_have_url(re.compile(r"zoom=2\.56"))
    card = gallery.page.locator(".map-card p")
    expect(card).to_be_visible()
    expect(gallery.page.locator("#map [data-announcer]")).to_contain_text(card.inner_text())
    gallery.page.keyboard.press("Enter")
    expect(gallery.details.get_by_role("heading")).to_have_text(card.inner_text())
    gallery.page.keyboard.press("Escape")
    expect(canvas).to_be_focused()
    gallery.page.keyboard.press("0")
    expect(gallery.page).to_have_url(re.compile(r"zoom=1$"))


def test_everything_can_be_done_by_keyboard(gallery: GalleryPage) -> None:
    """From the first Tab: skip link, search, arrows over the pictures, details, more like it, more pictures."""
    gallery.open()
    expect(gallery.tiles).to_have_count(PAGE)
    gallery.page.keyboard.press("Tab")
    expect(gallery.page.get_by_role("link", name="Skip to the pictures")).to_be_focused()
    gallery.tab_to(gallery.page.get_by_role("searchbox"))
    gallery.page.keyboard.type("blue")
    gallery.page.keyboard.press("Enter")
    expect(gallery.heading).to_have_text("Pictures that match “blue”")
    expect(gallery.tiles).to_have_count(PAGE)
    gallery.tab_to(gallery.tiles.first)
    gallery.page.keyboard.press("ArrowRight")
    expect(gallery.tiles.nth(1)).to_be_focused()
    columns = gallery.columns()
    gallery.page.keyboard.press("ArrowDown")
    expect(gallery.tiles.nth(1 + columns)).to_be_focused()
    gallery.page.keyboard.press("ArrowUp")
    gallery.page.keyboard.press("Enter")
    expect(gallery.details.get_by_role("link", name="Find more like it")).to_be_focused()
    gallery.page.keyboard.press("Enter")
    expect(gallery.heading).to_contain_text("Pictures like")
    expect(gallery.heading).to_be_focused()
    expect(gallery.tiles).to_have_count(PAGE)
    gallery.page.get_by_role("button", name="Load more pictures").press("Enter")
    expect(gallery.tiles).to_have_count(2 * PAGE)
    expect(gallery.tiles.nth(PAGE)).to_be_focused()


def test_phone_shows_everything_within_its_width(phone: GalleryPage) -> None:
    """Filters fold away, details cover the page, and nothing is wider than the screen."""
    phone.open(text="orange")
    expect(phone.tiles.first).to_be_visible()
    phone.shoot("gallery-phone-dark")
    expect(phone.page.get_by_label("From", exact=True)).to_be_hidden()
    phone.page.get_by_role("button", name="Filters").click()
    expect(phone.page.get_by_label("From", exact=True)).to_be_visible()
    assert phone.overflow() == 0
    phone.page.get_by_role("button", name="Filters").click()

    phone.tiles.first.click()
    expect(phone.details.get_by_role("heading")).to_be_in_viewport()
    assert phone.details.evaluate("panel => panel.matches(':modal')")
    assert phone.details.bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 844}
    phone.page.keyboard.press("Escape")
    expect(phone.details).to_be_hidden()
    for view in ("near-duplicates", "map"):
        phone.page.locator(f".tabs [data-view={view}]").click()
        expect(phone.page.locator(f"#{view} img:visible").first).to_be_visible()
        assert phone.overflow() == 0


@pytest.mark.parametrize("view", ["results", "near-duplicates", "map"])
def test_nothing_stands_in_the_way_of_people_with_disabilities(gallery: GalleryPage, view: str) -> None:
    """Axe finds no violation in the view with the details of a picture beside it, in light and dark."""
    gallery.open(view=view, text="red", since=NEXT_KEY.replace("/", "-"))
    gallery.page.locator(f"#{view} .tile-link").first.click()
    expect(gallery.fact("ETag")).to_be_visible()
    for scheme in ("light", "dark"):
        gallery.page.emulate_media(color_scheme=scheme)
        assert gallery.violations() == []


def test_broken_and_huge_uploads_are_explained(gallery: GalleryPage, world: World) -> None:
    """In the page's own words before the bytes are sent, or in the server's; the search before stays."""
    gallery.open(text="red")
    expect(gallery.tiles).to_have_count(PAGE)
    alert = gallery.page.get_by_role("alert").filter(has_text="This picture cannot be searched by")
    gallery.give("drop", name="huge.jpg", zeros=world.settings.space.model.max_inline_image_bytes + 1)
    expect(alert).to_contain_text("huge.jpg has")
    gallery.page.get_by_role("button", name="Dismiss").click()
    expect(alert).to_be_hidden()
    gallery.pick(name="notes.jpg", data=b"no picture")
    expect(alert).to_be_visible()
    gallery.pick(name="torn.jpg", data=photograph("coffee.jpg")[:3000])
    expect(alert).to_be_visible()

    assert gallery.state == {"text": ["red"]}
    expect(gallery.tiles).to_have_count(PAGE)
    gallery.errors.clear()


def test_script_in_names_and_words_is_only_text(gallery: GalleryPage, world: World) -> None:
    """It is shown as it is written, everywhere, and never runs."""
    key = world.settings.template.prefix(NEXT_KEY) + SCRIPT
    gallery.open(key=key, open=key)
    expect(gallery.fact("ETag")).to_be_visible()
    expect(gallery.tiles.first).to_contain_text(SCRIPT)
    expect(gallery.details.get_by_role("heading")).to_have_text(SCRIPT)
    expect(gallery.page.locator("#query-picture")).to_contain_text(SCRIPT)
    gallery.search('"><script>document.title = 1</script><img src=x onerror=document.title=1>')
    expect(gallery.heading).to_contain_text("<script>")

    expect(gallery.page).to_have_title(re.compile("· Gallery$"))
    assert gallery.page.locator("main script, img[src=x]").count() == 0


def test_lost_connection_is_told_and_tried_again(gallery: GalleryPage) -> None:
    """The message says what to see to; what was shown is back after a click."""
    gallery.open()
    expect(gallery.tiles).to_have_count(PAGE)
    gallery.page.context.set_offline(True)
    gallery.search("red")
    expect(gallery.page.get_by_role("alert").filter(has_text="does not answer")).to_be_visible()
    gallery.page.context.set_offline(False)
    gallery.page.get_by_role("button", name="Try again").click()
    expect(gallery.tiles).to_have_count(PAGE)
    gallery.errors.clear()
