"""What is built from the project: a wheel with everything that it needs at run time."""

import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "batch_assets")

pytestmark = pytest.mark.skipif(find_spec("setuptools") is None, reason="setuptools, the build backend, is not here")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources: building leaves its traces there."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture(scope="module")
def wheel(checkout: Path) -> zipfile.ZipFile:
    """The wheel, built as an installer builds it."""
    options = ["--no-deps", "--disable-pip-version-check", "-w", "wheels"]
    built = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", ".", *options],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert built.returncode == 0, built.stderr
    (file,) = (checkout / "wheels").glob("batch_assets-*.whl")
    return zipfile.ZipFile(file)


@pytest.mark.slow
def test_the_wheel_has_every_module_and_file(wheel: zipfile.ZipFile) -> None:
    """Pictures and their credits, the demo's instance, the mark of a typed package; no tests."""
    names = set(wheel.namelist())
    kept = {path.relative_to(ROOT).as_posix() for path in (ROOT / "batch_assets").rglob("*") if path.is_file()}
    assert {name for name in kept if "__pycache__" not in name} <= names
    assert {
        "batch_assets/py.typed",
        "batch_assets/cli/instance.yaml",
        "batch_assets/sandbox/pictures/CREDITS.md",
        "batch_assets/sandbox/pictures/coffee.jpg",
    } <= names
    assert not any(name.startswith(("tests/", "docs/")) for name in names)


@pytest.mark.slow
def test_the_wheel_names_its_command_and_licences(wheel: zipfile.ZipFile) -> None:
    """In its metadata, where installers look."""
    (folder,) = {name.partition("/")[0] for name in wheel.namelist() if ".dist-info/" in name}
    assert b"batch-assets = batch_assets.cli.main:app" in wheel.read(f"{folder}/entry_points.txt")
    metadata = wheel.read(f"{folder}/METADATA").decode()
    for line in ("License: Apache-2.0", "License-File: LICENSE", "Requires-Python: <3.14,>=3.11"):
        assert line in metadata
    assert any(name.startswith(folder) and name.endswith("/LICENSE") for name in wheel.namelist())


@pytest.mark.slow
def test_the_shim_knows_the_project(checkout: Path) -> None:
    """`setup.py` reads everything from `pyproject.toml`."""
    project = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    told = subprocess.run(
        [sys.executable, "-W", "ignore", "setup.py", "--name", "--version"],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert told.stdout.split() == [project["name"], project["version"]]
