"""The documentation site builds and is read without a network: links resolve, assets are its own."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
ASSET_ATTRIBUTES = {"src", "srcset", "data", "poster"}
LINKED_ASSETS = {"stylesheet", "icon", "preload", "prefetch", "modulepreload", "preconnect", "dns-prefetch", "manifest"}


@dataclass
class Page(HTMLParser):
    """What a page refers to, and what can be referred to in it."""

    path: Path
    assets: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Read the page."""
        super().__init__()
        self.feed(self.path.read_text(encoding="utf-8"))

    def __hash__(self) -> int:
        """By its file."""
        return hash(self.path)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect what the element refers to."""
        values = {name: value or "" for name, value in attrs}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        self.assets += [values[name] for name in ASSET_ATTRIBUTES if name in values]
        if tag == "link" and LINKED_ASSETS & set(values.get("rel", "").split()):
            self.assets.append(values["href"])
        elif tag == "a" and "href" in values:
            self.links.append(values["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Page]:
    """The pages of a site that was built anew, by their files."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copy(ROOT / "zensical.toml", folder)
    shutil.copytree(ROOT / "docs", folder / "docs")
    done = subprocess.run(
        [Path(sys.executable).with_name("zensical"), "build", "--strict"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    pages = [Page(path) for path in (folder / "build" / "site").rglob("*.html")]
    return {page.path: page for page in pages}


def test_every_page_of_the_documentation_is_in_it(site: dict[Path, Page]) -> None:
    """And none is left out of the navigation."""
    built = {path.with_suffix("").name for path in site} - {"404"}
    assert built == {path.stem for path in (ROOT / "docs").glob("*.md")}
    home = next(page for path, page in site.items() if path.name == "index.html")
    assert built - {"index"} <= {Path(urlsplit(link).path).stem for link in home.links}


def test_nothing_is_fetched_from_a_network(site: dict[Path, Page]) -> None:
    """Pictures, scripts, styles and fonts are files of the site."""
    foreign = [
        asset for page in site.values() for asset in page.assets if "//" in asset and not asset.startswith("data:")
    ]
    assert foreign == []
    styles = list(next(iter(site)).parent.rglob("*.css"))
    assert styles
    for style in styles:
        text = style.read_text(encoding="utf-8")
        assert "url(http" not in text
        assert "@import" not in text


def test_every_link_and_anchor_resolves(site: dict[Path, Page]) -> None:
    """Within the site; what leads out of it names a host."""
    broken = [f"{page.path.name}: {link}" for page in site.values() for link in _broken(site, page)]
    assert broken == []


def _broken(site: dict[Path, Page], page: Page) -> Iterator[str]:
    root = page.path.parent
    for link in [*page.links, *page.assets]:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc or page.path.name == "404.html":
            continue
        target = (root / unquote(parts.path)).resolve() if parts.path else page.path
        if target.is_dir():
            target /= "index.html"
        anchors = site[target].anchors if target in site else set()
        if not target.exists() or (parts.fragment and target in site and unquote(parts.fragment) not in anchors):
            yield link
