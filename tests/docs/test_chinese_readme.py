"""README.zh-CN.md says what README.md says: the same sections, commands, table rows and links."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENGLISH, CHINESE = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md"))
HAN = re.compile(r"[\u4e00-\u9fff]")


def levels(text: str) -> list[str]:
    """Marks of the headings in their order."""
    return re.findall(r"^(#+) ", text, re.MULTILINE)


def commands(text: str) -> list[str]:
    """The shell blocks."""
    return re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def rows(text: str) -> list[list[str]]:
    """Names and defaults of the table rows; what they mean is translated."""
    cells = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in row[:-1]] for row in cells]


def code(text: str) -> list[str]:
    """Distinct names in code, sorted."""
    return sorted(set(re.findall(r"`([^`\n]+)`", text)))


def links(text: str) -> list[str]:
    """Distinct targets of the links and pictures, without the two pages themselves, sorted."""
    return sorted(set(re.findall(r"\]\(([^)]+)\)", text)) - {"README.md", "README.zh-CN.md"})


@pytest.mark.parametrize("part", [levels, commands, rows, code, links])
def test_both_have_the_same(part: Callable[[str], list[object]]) -> None:
    """In the same order where order matters."""
    assert part(ENGLISH)
    assert part(CHINESE) == part(ENGLISH)


def test_each_leads_to_the_other() -> None:
    """In its first lines."""
    assert "](README.zh-CN.md)" in ENGLISH.partition("\n## ")[0]
    assert "](README.md)" in CHINESE.partition("\n## ")[0]


def test_every_row_and_paragraph_is_translated() -> None:
    """Nothing is left in English but names and code."""
    prose = re.sub(r"^```.*?^```|<!--.*?-->", "", CHINESE, flags=re.DOTALL | re.MULTILINE)
    paragraphs = [part for part in re.split(r"\n\n|\n(?=[|-])", prose) if part.strip()]
    untranslated = [part for part in paragraphs if not HAN.search(part) and not part.lstrip().startswith("|---")]
    assert [part.strip() for part in untranslated] == ["# batch_assets"]
