"""`deploy/compose.yaml`, its instance and its image, as far as they can be checked without a container engine."""

import fnmatch
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # ships no types
from dagster._core.instance.config import dagster_instance_config

from tests.deploy.composition import DEPLOY, SERVICES, compose

ROOT = DEPLOY.parent
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
NEWEST_IMAGE = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]


def checked(file: Path) -> subprocess.CompletedProcess[str]:
    """A file held against the compose specification's own schema, which the package check-jsonschema carries."""
    program = Path(sys.executable).with_name("check-jsonschema")
    command = [str(program), "--builtin-schema", "vendor.compose-spec", str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_it_follows_the_compose_specification() -> None:
    """By the specification's own schema."""
    ended = checked(DEPLOY / "compose.yaml")
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.slow
def test_the_schema_sees_a_misspelt_key(tmp_path: Path) -> None:
    """A check that accepts anything would prove nothing."""
    misspelt = compose()
    misspelt["services"]["daemon"]["restarts"] = misspelt["services"]["daemon"].pop("restart")
    file = tmp_path / "compose.yaml"
    file.write_text(yaml.safe_dump(misspelt), encoding="utf-8")
    ended = checked(file)
    assert ended.returncode == 1
    assert "restarts" in ended.stdout


@pytest.mark.parametrize("name", ["postgres", *SERVICES])
def test_every_service_has_a_health_check_and_comes_back(name: str) -> None:
    """Also the database."""
    service = compose()["services"][name]
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] == "CMD"


def named_variables(value: Any) -> Iterator[str]:
    """The environment variables that a Dagster file reads: `env: NAME`, anywhere."""
    if isinstance(value, dict):
        if set(value) == {"env"}:
            yield value["env"]
        for part in value.values():
            yield from named_variables(part)
    elif isinstance(value, list):
        for part in value:
            yield from named_variables(part)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_every_variable_that_its_files_read(service: str) -> None:
    """Those of the instance for all, those of the workspace for all that have one."""
    definition = compose()["services"][service]
    files = ["dagster.yaml", *(["workspace.yaml"] if "workspace.yaml" in definition["command"] else [])]
    contents = [yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8")) for name in files]
    set_in_image = set(re.findall(r"^(?:ENV| {3}) ?(\w+)=", NEWEST_IMAGE, re.MULTILINE))
    assert set(named_variables(contents)) <= {*definition["environment"], *set_in_image}


def test_no_password_is_in_a_file() -> None:
    """It comes from the environment, and compose refuses to start without it."""
    for name, service in compose()["services"].items():
        for variable, value in service["environment"].items():
            if "PASSWORD" in variable:
                assert value.startswith("${DAGSTER_POSTGRES_PASSWORD:?"), f"{variable} of {name}"


def test_the_settings_reach_the_code_server_alone() -> None:
    """The others load no definitions and speak to no account."""
    readers = [name for name, service in compose()["services"].items() if "env_file" in service]
    assert readers == ["code-server"]


@pytest.mark.parametrize("service", SERVICES)
def test_the_programs_of_commands_and_health_checks_are_installed(service: str) -> None:
    """In the environment that the package installs into, as in the image's."""
    definition = compose()["services"][service]
    for program in (definition["command"][0], definition["healthcheck"]["test"][1]):
        assert Path(sys.executable).with_name(program).exists(), program


def test_the_instance_loads(tmp_path: Path) -> None:
    """Dagster accepts every key."""
    shutil.copy(DEPLOY / "dagster.yaml", tmp_path)
    loaded, _ = dagster_instance_config(str(tmp_path))
    assert loaded["run_launcher"]["class"] == "MonitoredRunLauncher"


def test_the_image_copies_what_there_is_and_what_the_context_lets_in() -> None:
    """Every source of a COPY from the context."""
    let_in = [line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line[:1] == "!"]
    copies = re.findall(r"^COPY (?!--from)(?:--\S+ )?(.+) \S+$", DOCKERFILE, re.MULTILINE)
    sources = [source for line in copies for source in line.split()]
    assert {"batch_assets", "constraints.txt", "deploy/dagster.yaml", "deploy/workspace.yaml"} <= set(sources)
    for source in sources:
        assert (ROOT / source).exists(), source
        assert any(fnmatch.fnmatch(source, pattern) for pattern in let_in), source


def test_the_image_installs_extras_that_there_are_with_the_exact_versions() -> None:
    """What the services need besides, pinned."""
    (extras,) = re.findall(r"pip install --no-cache-dir -c constraints.txt '\.\[([\w,]+)\]'", DOCKERFILE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *(name for extra in extras.split(",") for name in project["optional-dependencies"][extra]),
    ]
    pinned = re.findall(r"^([\w.-]+)==", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)
    names = {re.split(r"[<>=\[]", requirement)[0].lower() for requirement in wanted}
    assert names <= {name.lower() for name in pinned}


def test_the_image_runs_as_nobody_special() -> None:
    """By number, so that Kubernetes can tell that it is not root."""
    assert re.findall(r"^USER (.+)$", NEWEST_IMAGE, re.MULTILINE) == ["1000:1000"]
