"""Finding the newest complete report, and refusing one that is damaged."""

import hashlib
from datetime import UTC, datetime

import pytest

from batch_assets.errors import SourceError
from tests.storage.inventory_report.conftest import CREATED, Reports, objects

YESTERDAY = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


def test_the_newest_report_is_taken(reports: Reports) -> None:
    """With when it was begun, its files, and where they are."""
    reports.publish(objects("a.jpg"), created=CREATED)
    reports.publish(objects("b.jpg"), created=YESTERDAY)
    report = reports.newest()
    assert (report.name, report.created, report.file_format) == ("2026-11-24T01-00Z", CREATED, "Parquet")
    (file,) = report.files
    assert file.address.uri == f"{reports.folder.uri}data/2026-11-24T01-00Z-0000.parquet"
    assert file.size_bytes == len(reports.content("data/2026-11-24T01-00Z-0000.parquet"))


@pytest.mark.parametrize("missing", ["manifest.json", "manifest.checksum"])
def test_a_report_that_is_being_delivered_is_passed_over(reports: Reports, missing: str) -> None:
    """Manifest and checksum come last."""
    reports.publish(objects("a.jpg"), created=YESTERDAY)
    newer = reports.publish(objects("b.jpg"), created=CREATED)
    reports.delete(f"{newer}/{missing}")
    assert reports.newest().created == YESTERDAY


def test_other_folders_are_no_reports(reports: Reports) -> None:
    """S3 keeps the files in `data/` and manifests for Hive in `hive/`."""
    name = reports.publish(objects("a.jpg"))
    reports.replace("hive/dt=2026-11-25-01-00/symlink.txt", b"s3://")
    assert reports.newest().name == name


def test_no_report_at_all_is_told_with_the_cure(reports: Reports) -> None:
    """The first one takes two days."""
    with pytest.raises(SourceError, match=r"daily/: no complete S3 Inventory report .* takes up to 48 hours"):
        reports.newest()


def test_a_damaged_manifest_is_refused(reports: Reports) -> None:
    """Both sums are named."""
    name = reports.publish(objects("a.jpg"))
    reports.replace(f"{name}/manifest.json", reports.content(f"{name}/manifest.json") + b" ")
    with pytest.raises(SourceError, match=r"manifest\.json: its MD5 is \w{32}, but manifest\.checksum says"):
        reports.newest()


def test_a_report_of_another_bucket_is_refused(reports: Reports) -> None:
    """A folder may be mistaken."""
    reports.publish(objects("a.jpg"))
    mine, reports.source = reports.source, "another-bucket"
    with pytest.raises(SourceError, match=rf"is a report of bucket '{mine}', not of 'another-bucket'"):
        reports.newest()


@pytest.mark.parametrize(
    ("manifest", "message"),
    [(b"{}", "is no manifest of an S3 Inventory report: KeyError"), (b"[", "is no manifest"), (b"3", "is no manifest")],
)
def test_a_manifest_of_another_form_is_refused(reports: Reports, manifest: bytes, message: str) -> None:
    """Also one whose checksum is right."""
    name = reports.publish(objects("a.jpg"))
    reports.replace(f"{name}/manifest.json", manifest)
    reports.replace(f"{name}/manifest.checksum", hashlib.md5(manifest).hexdigest().encode() + b"\n")  # noqa: S324
    with pytest.raises(SourceError, match=message):
        reports.newest()
