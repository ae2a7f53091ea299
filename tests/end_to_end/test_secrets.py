"""Credentials that are planted in the environment turn up nowhere: not in logs, metadata, tables, vectors or output."""

import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from batch_assets.alerts.alert import Alert
from batch_assets.automation import alerts
from batch_assets.automation.completion import ASSETS
from batch_assets.automation.event_log import Verdicts
from batch_assets.automation.troubles import ALERTED, standing
from batch_assets.storage.objects import S3Address
from tests.cli.conftest import Command
from tests.conftest import Aws
from tests.world import NEXT_KEY, World, new_world, pictures, still_sandbox

PLANTED = {
    "AWS_ACCESS_KEY_ID": "AKIAPLANTEDPLANTED01",
    "AWS_SECRET_ACCESS_KEY": "planted/secret+key/0123456789abcdefghijk",
    "AWS_SESSION_TOKEN": "planted-session-token-0123456789abcdef",
}
BEARER = {"AWS_BEARER_TOKEN_BEDROCK": "bedrock-api-key-planted0123456789abcdef"}
OTHERS = {
    "DATABASE_PASSWORD": "planted-database-password",
    "PICTURE_LINK": "https://pictures.s3.amazonaws.com/a.png?X-Amz-Credential=PLANTEDCREDENTIAL&X-Amz-Signature=5ec7e7f00d",
}
NEEDLES = [*PLANTED.values(), *BEARER.values(), OTHERS["DATABASE_PASSWORD"], "PLANTEDCREDENTIAL", "5ec7e7f00d"]
SQLITE = b"SQLite format 3\0"
DENIED = {"code": "AccessDenied", "status": 403, "message": "not yours"}


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    """The command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    return Command(monkeypatch, capsys)


def test_planted_credentials_turn_up_nowhere(
    aws: Aws, command: Command, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """A partition goes through, others fail at each service, people are told, commands print; then all is searched."""
    home = tmp_path / "home"
    home.mkdir()
    with still_sandbox(aws):
        for name, value in (PLANTED | OTHERS).items():
            monkeypatch.setenv(name, value)
        with dg.DagsterInstance.from_config(str(home)) as instance, new_world(aws) as ephemeral:
            world = replace(ephemeral, instance=instance)
            live(world, monkeypatch)
            printed = "".join(commands(world, command))
            stored = [*in_the_home(home), *in_s3(world), *in_the_index(world)]
    texts = [("output", printed.encode()), ("log", caplog.text.encode()), *stored]
    assert sum(len(text) for _, text in texts) > 100_000
    assert found_in(texts, b"manifest_is_with_bedrock")
    assert {needle: found_in(texts, needle.encode()) for needle in NEEDLES} == {needle: [] for needle in NEEDLES}


def live(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a deployment goes through, good and bad."""
    world.put(pictures(100))
    world.embed()
    world.put(pictures(101, first=200), NEXT_KEY)
    for service, job in (("s3", "plan_and_submit"), ("bedrock", "plan_and_submit")):
        world.fault(service=service, error=DENIED)
        world.run(job, NEXT_KEY, fails=True)
        world.forget_faults()
    with monkeypatch.context() as patch:
        for name, value in BEARER.items():
            patch.setenv(name, value)
        world.run("plan_and_submit", NEXT_KEY, fails=True)
    world.plan(NEXT_KEY)
    world.finish_jobs()
    world.fault(service="s3vectors", error={"code": "ValidationException", "status": 400, "message": "injected"})
    tick = world.tick("completion_sensor")
    world.launch(tick, fails=True)
    world.forget_faults()
    world.tick("submission_sensor")
    world.instance.report_runless_asset_event(
        dg.AssetMaterialization(
            "batch_job", partition="2026/11/20", metadata={"state": "held", "token": "held:1", "reason": "no reason"}
        )
    )
    told: list[Alert] = []
    standings = Verdicts(ASSETS, standing, observed=(ALERTED,)).current(world.instance)
    for event in alerts.Look(world.settings, world.instance, [told.append], standings).result().asset_events:
        world.instance.report_runless_asset_event(event)
    assert told


def commands(world: World, command: Command) -> Iterator[str]:
    """What the commands print of this deployment, and of wrong settings."""
    command.use(world.settings)
    for arguments in (("settings",), ("status",), ("status", "--json"), ("jobs",), ("search", "--text", "red")):
        ended = command(*arguments)
        yield ended.output + ended.errors
    command.monkeypatch.setenv("BATCH_ASSETS_DIMENSION", "7")
    yield command("status").errors


def in_the_home(home: Path) -> Iterator[tuple[str, bytes]]:
    """Every file of a Dagster home; of a database each cell, unpacked."""
    for path in home.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            yield str(path), content
            if content.startswith(SQLITE):
                yield from _cells(path)


def _cells(path: Path) -> Iterator[tuple[str, bytes]]:
    with closing(sqlite3.connect(path)) as database:
        tables = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
        for table in tables:
            rows = database.execute(f'select * from "{table}"').fetchall()  # noqa: S608 names from the database itself
            for cell in (cell for row in rows for cell in row):
                yield f"{path}: {table}", _unpacked(cell)


def _unpacked(cell: Any) -> bytes:
    if not isinstance(cell, bytes):
        return str(cell).encode()
    try:
        return zlib.decompress(cell)
    except zlib.error:
        return cell


def in_s3(world: World) -> Iterator[tuple[str, bytes]]:
    """Every object that is no picture, with its metadata; of a table its rows and what is in its footer."""
    bucket = world.settings.source_bucket
    pages = world.aws.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    for key in (entry["Key"] for page in pages for entry in page.get("Contents", [])):
        if key.endswith(".png"):
            continue
        reply = world.aws.s3.get_object(Bucket=bucket, Key=key)
        body = reply["Body"].read()
        yield key, body + str(reply["Metadata"]).encode()
        if key.endswith(".parquet"):
            yield key, _table_text(S3Address(bucket, key), body)
    yield "jobs", str(world.jobs()).encode()


def _table_text(address: S3Address, body: bytes) -> bytes:
    table = pq.read_table(pa.BufferReader(body))
    names = [name for name in table.column_names if name != "embedding"]
    return f"{address} {table.schema.metadata} {table.select(names).to_pylist()}".encode()


def in_the_index(world: World) -> Iterator[tuple[str, bytes]]:
    """Keys and metadata of all vectors."""
    vectors: Mapping[str, Any] = world.vectors()
    assert vectors
    yield "vectors", str(vectors).encode()


def found_in(texts: list[tuple[str, bytes]], needle: bytes) -> list[str]:
    """Where something stands."""
    return [place for place, text in texts if needle in text]
