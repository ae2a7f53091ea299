"""`batch-assets doctor`: what the checks found, for people and for scripts."""

import json
from itertools import islice

import pytest

from batch_assets.cli.local_world import LocalWorld, complete_days
from batch_assets.doctor.examination import CHECKS
from batch_assets.sandbox.demo_pictures import demo_objects
from tests.cli.conftest import Command
from tests.conftest import ADMINISTRATOR, Aws
from tests.world import World, pictures


@pytest.fixture
def doctor(command: Command, world: World) -> Command:
    """The command for this test's deployment, in which pictures lie."""
    world.put(pictures(3))
    command.monkeypatch.setenv("AWS_ACCESS_KEY_ID", ADMINISTRATOR)
    return command.use(world.settings)


def test_a_line_a_check_and_exit_code_0(doctor: Command) -> None:
    """Level, name, and what was found; the sum at the end."""
    ended = doctor("doctor")
    assert (ended.code, ended.errors) == (0, "")
    assert [line.split()[:2] for line in ended.lines[:-2]] == [["ok", name] for name in CHECKS]
    assert ended.lines[-1] == f"{len(CHECKS)} ok"


def test_what_is_wrong_has_its_cure_below_and_exit_code_1(doctor: Command, world: World) -> None:
    """Warnings alone are no failure."""
    settings = world.settings.model_copy(update={"first_partition": "2026/11/20"})
    assert doctor.use(settings)("doctor").code == 0
    settings = settings.model_copy(update={"role_arn": "arn:aws:iam::123456789012:role/nobody"})
    ended = doctor.use(settings)("doctor")
    assert ended.code == 1
    number = next(number for number, line in enumerate(ended.lines) if line.startswith("wrong"))
    assert ended.lines[number].split()[1:] == ["role", "arn:aws:iam::123456789012:role/nobody", "does", "not", "exist"]
    assert ended.lines[number + 1].split()[0] == "→"
    assert ended.lines[-1] == f"{len(CHECKS) - 1} ok, 1 warning, 1 wrong"


def test_json_for_scripts(doctor: Command, world: World) -> None:
    """All findings, and whether nothing is wrong."""
    told = json.loads(doctor("doctor", "--json").output)
    assert told["ok"] is True
    assert [finding["check"] for finding in told["findings"]] == list(CHECKS)
    assert set(told["findings"][0]) == {"check", "level", "message", "cure"}
    world.fault(service="iam", operation="GetRole", error={"code": "AccessDenied", "status": 403})
    ended = doctor("doctor", "--json", "--check", "role", "--check", "quota")
    told = json.loads(ended.output)
    assert (ended.code, told["ok"]) == (1, False)
    assert [(finding["check"], finding["level"]) for finding in told["findings"]] == [
        ("role", "wrong"),
        ("quota", "ok"),
    ]


def test_without_settings_it_says_what_is_missing(command: Command) -> None:
    """As a finding, not as an error: the list of checks is whole."""
    for name in ("SOURCE_BUCKET", "FIRST_PARTITION", "ACCOUNT_ID", "ROLE_ARN", "VECTOR_BUCKET"):
        command.monkeypatch.delenv(f"BATCH_ASSETS_{name}", raising=False)
    ended = command("doctor")
    assert ended.code == 1
    assert "BATCH_ASSETS_SOURCE_BUCKET is not set" in ended.output
    assert ended.lines[-1] == f"1 wrong, {len(CHECKS) - 1} skipped"


def test_a_check_that_is_not_there_is_wrong_usage(command: Command) -> None:
    """With the names that are."""
    assert "there is no check 'bucket': choose of settings, credentials" in command.refused(
        "doctor", "--check", "bucket", code=2
    )


def test_all_is_well_in_the_world_of_demo_and_dev(still: Aws, command: Command) -> None:
    """Their role, buckets and settings are as they should be in an account."""
    environment = {**still.sandbox.environment(), "AWS_ACCESS_KEY_ID": ADMINISTRATOR}
    command.monkeypatch.setattr(still.sandbox, "environment", lambda: environment)
    world = LocalWorld(still.sandbox, complete_days(2))
    world.seed(islice(demo_objects(world.prefixes), 5))
    for name, value in world.environment().items():
        command.monkeypatch.setenv(name, value)
    assert {finding["level"] for finding in json.loads(command("doctor", "--json").output)["findings"]} == {"ok"}
