"""Every command in the README and in docs/ does what it says: run as a reader would, from the top of the repository."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from batch_assets.cli.settings_reference import reference
from tests.conftest import Aws
from tests.world import new_world, pictures, still_sandbox

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PARTITION = "2024/01/02"
PICTURE = "0007.png"
_SHELL_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
_RULES = re.compile(r"^```yaml\n(# faults.yaml.*?)^```", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\(([^)#]+)\)")

# Commands that run until Ctrl-C, and the line that shows that they have come up.
SERVING = {
    "batch-assets sandbox --port 4566 --env": "export AWS_ENDPOINT_URL=http://127.0.0.1:4566",
    "batch-assets sandbox --port 4567 --faults faults.yaml": "http://127.0.0.1:4567",
}
# Commands that a test of its own runs whole.
RUN_ELSEWHERE = {
    "make demo": "tests/end_to_end/test_demo.py runs what the target runs",
    "make test": "this is a part of it",
    "make bench": "it takes twenty-five minutes; tests/benchmarks/ runs its parts",
    "make dev": "tests/browser/ runs what the target runs",
    "dagster dev -w workspace.yaml": "tests/browser/ runs it, tests/test_loading.py loads the same workspace",
}


def commands() -> list[str]:
    """The commands of all shell blocks, each once."""
    blocks = [block for page in PAGES for block in _SHELL_BLOCK.findall(page.read_text(encoding="utf-8"))]
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    return [line for line in dict.fromkeys(lines) if line and not line.startswith("#")]


@dataclass(frozen=True)
class Shell:
    """A reader's shell, in a copy of the repository's top, with the sandbox's exports."""

    folder: Path
    environment: dict[str, str]

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture(scope="module")
def shell(aws: Aws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A shell over a world in which one partition is loaded."""
    folder = tmp_path_factory.mktemp("reader")
    for name in ("Makefile", "dagster.yaml", "workspace.yaml", ".env.example"):
        shutil.copy(ROOT / name, folder)
    (rules,) = _RULES.findall((ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8"))
    (folder / "faults.yaml").write_text(rules, encoding="utf-8")
    with still_sandbox(aws), new_world(aws, first_partition=PARTITION, dimension=1024) as world:
        world.put(pictures(100), PARTITION)
        world.embed(PARTITION)
        settings = world.settings
        yield Shell(
            folder,
            {
                **os.environ,
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "HOME": str(folder),
                "DAGSTER_HOME": str(folder),
                "BATCH_ASSETS_SOURCE_BUCKET": settings.source_bucket,
                "BATCH_ASSETS_FIRST_PARTITION": settings.first_partition,
                "BATCH_ASSETS_ACCOUNT_ID": settings.account_id,
                "BATCH_ASSETS_ROLE_ARN": settings.role_arn,
                "BATCH_ASSETS_VECTOR_BUCKET": settings.vector_bucket,
            },
        )


def test_there_are_commands_to_run() -> None:
    """The pages are found and their blocks are read."""
    assert len(PAGES) > 3
    assert set(RUN_ELSEWHERE) | set(SERVING) < set(commands())


@pytest.mark.parametrize("command", [line for line in commands() if line not in {*RUN_ELSEWHERE, *SERVING}])
def test_command_succeeds(shell: Shell, command: str) -> None:
    """A documented command ends with exit code 0, without a traceback."""
    bucket = shell.environment["BATCH_ASSETS_SOURCE_BUCKET"]
    command = command.replace("demo-pictures", bucket).replace("PARTITION/PICTURE.jpg", f"{PARTITION}/{PICTURE}")
    command = command.replace("PARTITION", PARTITION)
    done = shell.run(command)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", SERVING)
def test_serving_command_comes_up_and_ends_with_ctrl_c(shell: Shell, command: str) -> None:
    """A command that serves shows what is promised, and Ctrl-C ends it."""
    with subprocess.Popen(
        command.split(), cwd=shell.folder, env=shell.environment, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        assert process.stdout is not None
        shown = ""
        for line in process.stdout:
            shown = line.strip()
            if shown == SERVING[command]:
                process.send_signal(signal.SIGINT)
                break
        assert shown == SERVING[command]
        process.communicate(timeout=30)
        assert process.returncode in {0, 130, -signal.SIGINT}


@pytest.mark.parametrize("target", ["demo", "dev", "test"])
def test_make_target_exists(target: str) -> None:
    """The targets that the README names are in the Makefile."""
    make = shutil.which("make")
    assert make is not None
    assert subprocess.run([make, "-n", target], cwd=ROOT, capture_output=True, check=False).returncode == 0


def test_readme_lists_the_settings_as_they_are() -> None:
    """The table of settings is what `batch-assets settings` prints."""
    assert reference() in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Links between pages, and to pictures, name files that exist."""
    targets = [link for link in _LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]
    assert [link for link in targets if not (page.parent / link).exists()] == []
