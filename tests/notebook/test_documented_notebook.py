"""The code of docs/notebook.md, run as the cells of a notebook."""

import html
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from playwright.sync_api import Browser

from tests.browser.conftest import browser, screenshots  # noqa: F401 fixtures
from tests.notebook.conftest import NEXT_DAY
from tests.world import KEY, NEXT_KEY

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[2] / "docs" / "notebook.md"
CELLS = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The executed notebook; its kernel, a process of its own, knows the deployment by its environment."""
    make: Any = nbformat.v4  # it has no types
    document = make.new_notebook(cells=[make.new_code_cell(code.rstrip()) for code in CELLS])
    folder = tmp_path_factory.mktemp("notebook")
    NotebookClient(document, timeout=60, resources={"metadata": {"path": str(folder)}}).execute()
    return document


def shown(notebook: Any, last_line: str, kind: str = "text/html") -> str:
    """What the cell that ends in this line has returned."""
    (cell,) = [cell for cell in notebook.cells if cell.source.splitlines()[-1].startswith(last_line)]
    (output,) = [output for output in cell.outputs if output.output_type == "execute_result"]
    return str(output.data[kind])


def test_no_cell_prints_or_warns(notebook: Any) -> None:
    """What cells return is all that they show."""
    assert [
        output for cell in notebook.cells for output in cell.outputs if output.output_type != "execute_result"
    ] == []


def test_a_dataset_and_a_search_show_pictures(notebook: Any) -> None:
    """As cells that end in them."""
    assert shown(notebook, "dataset").count("<img ") == len(NEXT_DAY)
    assert shown(notebook, "red").count("<img ") == 6
    assert "pictures nearest to 'red'" in shown(notebook, "red", "text/plain")


def test_duckdb_and_pandas_show_tables(notebook: Any) -> None:
    """With what the deployment holds."""
    assert all(key in shown(notebook, "duckdb.sql", "text/plain") for key in (KEY, NEXT_KEY))
    assert f"photos/{NEXT_KEY}/" in shown(notebook, "alike.to_pandas")


def test_the_picture_of_the_page_is_what_cells_show(notebook: Any, browser: Browser, screenshots: Path) -> None:  # noqa: F811 a fixture
    """Every picture is drawn, also where scripts and the network are forbidden."""
    page = browser.new_page(viewport={"width": 1040, "height": 600}, java_script_enabled=True)
    page.set_content(_page(notebook, ["dataset", "red"]), wait_until="load")
    drawn = page.evaluate("[...document.images].map(image => image.complete && image.naturalWidth > 0)")
    page.screenshot(path=screenshots / "notebook.png", full_page=True)
    page.close()
    assert drawn == [True] * (len(NEXT_DAY) + 6)


def _page(notebook: Any, last_lines: list[str]) -> str:
    """Cells and what they show, below each other."""
    parts = [
        f"<pre>{html.escape(cell.source)}</pre>{shown(notebook, line)}"
        for line in last_lines
        for cell in notebook.cells
        if cell.source.splitlines()[-1] == line
    ]
    style = "body{font:14px system-ui,sans-serif;margin:24px}pre{background:#f3f4f6;padding:10px;border-radius:4px}"
    style += "table{border-collapse:collapse;font-size:12px}td,th{padding:4px 12px;text-align:right}"
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    head = f'<meta http-equiv="Content-Security-Policy" content="{policy}"><style>{style}</style>'
    return f"<!DOCTYPE html><html><head>{head}</head><body>{''.join(parts)}</body></html>"
