"""A report divided into partitions, compared with a listing of the bucket."""

from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_assets.errors import SourceError
from batch_assets.partitions import PrefixTemplate
from batch_assets.storage.inventory_report import spill
from batch_assets.storage.inventory_report.files import decoded
from batch_assets.storage.inventory_report.partitions import DividedReport
from batch_assets.storage.inventory_report.report import FORMATS
from batch_assets.storage.inventory_report.spill import Spill
from batch_assets.storage.object_listing import list_objects
from batch_assets.storage.objects import S3Address
from batch_assets.storage.page_parser import ENTRIES
from batch_assets.storage.tables import Tables
from tests.conftest import Aws
from tests.storage.inventory_report.conftest import Reports, objects

DAY, NEXT_DAY = "2024/01/02", "2024/01/03"
TEMPLATE = PrefixTemplate("photos/%Y/%m/%d/")
NAMES = ["b c.jpg", "a+b%.jpg", "\U0001f600.jpg", "é.jpg", "Z.jpg", "a/a.jpg", "new\nline.jpg", '"q",.png', "a.jsonl"]


def divided(reports: Reports, tables: Tables, template: PrefixTemplate = TEMPLATE) -> DividedReport:
    """The newest report, divided."""
    found = DividedReport(tables, reports.newest(), template)
    found.divide(reports.aws.s3)
    return found


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_report_says_what_a_listing_says(aws: Aws, reports: Reports, tables: Tables, file_format: str) -> None:
    """Odd keys included, in the order of the keys, whichever file of the report they are in."""
    keys = [f"photos/{day}/{name}" for day in (DAY, NEXT_DAY) for name in NAMES]
    for key in [*keys, "photos/2024/01/02", "photos/2024/13/01/a.jpg", "other/a.jpg", "photos/2024/01/é"]:
        aws.s3.put_object(Bucket=reports.source, Key=key, Body=key.encode())
    there = list_objects(aws.s3, S3Address(reports.source, ""))
    shuffled = there.take(list(reversed(range(there.num_rows))))
    reports.publish(shuffled.slice(0, 5), shuffled.slice(5), file_format=file_format)
    report = divided(reports, tables)
    for day in (DAY, NEXT_DAY):
        assert report.objects(day).equals(list_objects(aws.s3, S3Address(reports.source, f"photos/{day}/")))
    assert report.objects("2024/01/04").equals(ENTRIES.empty_table())


@pytest.mark.parametrize("file_format", FORMATS)
def test_only_current_versions_are_objects(reports: Reports, tables: Tables, file_format: str) -> None:
    """A report of all versions has older ones and delete markers."""
    rows = objects(*(f"photos/{DAY}/{name}.jpg" for name in ("kept", "kept", "deleted", "deleted")))
    rows = rows.append_column("version_id", pa.array(["2", "1", "2", "1"]))
    rows = rows.append_column("is_latest", pa.array([True, False, True, False]))
    rows = rows.append_column("is_delete_marker", pa.array([False, False, True, False]))
    sizes, etags = pa.array([5, 4, None, 4], pa.int64()), pa.array(["new", "old", None, "old"])
    rows = rows.set_column(1, "size", sizes).set_column(2, "etag", etags)
    reports.publish(rows, file_format=file_format)
    (row,) = divided(reports, tables).objects(DAY).to_pylist()
    assert (row["key"], row["size"], row["etag"]) == (f"photos/{DAY}/kept.jpg", 5, "new")


def test_versions_without_a_mark_of_the_latest_are_refused(reports: Reports, tables: Tables) -> None:
    """Nobody could tell which version a picture has."""
    reports.publish(objects(f"photos/{DAY}/a.jpg").append_column("version_id", pa.array(["1"])))
    with pytest.raises(SourceError, match=r"parquet has versions but lacks the column 'islatest': add it"):
        divided(reports, tables)


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_missing_column_is_named(reports: Reports, tables: Tables, file_format: str) -> None:
    """ETag, size and time are optional fields of a report."""
    reports.publish(objects(f"photos/{DAY}/a.jpg").drop_columns(["etag"]), file_format=file_format)
    with pytest.raises(SourceError, match=r"lacks the column 'etag': add it to the report's optional fields"):
        divided(reports, tables)


@pytest.mark.parametrize(
    ("body", "message"), [(b"", "has 0 bytes with MD5"), (None, "with MD5 .* was replaced or is damaged")]
)
def test_a_damaged_file_is_refused(reports: Reports, tables: Tables, body: bytes | None, message: str) -> None:
    """Its size and MD5 stand in the manifest; nothing is divided."""
    name = f"data/{reports.publish(objects(f'photos/{DAY}/a.jpg'))}-0000.parquet"
    content = reports.content(name)
    reports.replace(name, bytes([content[0] ^ 1]) + content[1:] if body is None else body)
    with pytest.raises(SourceError, match=message):
        divided(reports, tables)
    assert not DividedReport(tables, reports.newest(), TEMPLATE).is_complete


def test_a_file_of_another_form_is_refused(reports: Reports, tables: Tables) -> None:
    """The manifest may err."""
    reports.publish(objects(f"photos/{DAY}/a.jpg"), file_format="CSV")
    report = replace(reports.newest(), file_format="ORC")
    with pytest.raises(SourceError, match=r"0000\.csv\.gz is no ORC file of a report"):
        DividedReport(tables, report, TEMPLATE).divide(reports.aws.s3)


def test_an_object_that_is_twice_in_a_report_is_taken_once(reports: Reports, tables: Tables) -> None:
    """The newest, for reports are eventually consistent."""
    older, newer = objects(f"photos/{DAY}/a.jpg", etag="older"), objects(f"photos/{DAY}/a.jpg", etag="newer")
    times = pa.chunked_array([pa.array([1_000_000], ENTRIES.field("last_modified").type)])
    older = older.set_column(3, ENTRIES.field("last_modified"), times)
    reports.publish(newer, older)
    assert divided(reports, tables).objects(DAY)["etag"].to_pylist() == ["newer"]


def test_a_report_is_complete_when_it_is_divided(reports: Reports, tables: Tables) -> None:
    """And only for its template: others have other partitions."""
    reports.publish(objects(f"photos/{DAY}/a.jpg"))
    assert not DividedReport(tables, reports.newest(), TEMPLATE).is_complete
    assert divided(reports, tables).is_complete
    assert not DividedReport(tables, reports.newest(), PrefixTemplate("photos/%Y/%m/")).is_complete


def test_a_report_without_a_picture_is_divided_too(reports: Reports, tables: Tables) -> None:
    """Into nothing."""
    reports.publish(objects("other/a.jpg"))
    assert divided(reports, tables).objects(DAY).num_rows == 0


@given(st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=5))
@settings(deadline=None, max_examples=50)
def test_encoded_keys_come_back_as_they_were(keys: list[str]) -> None:
    """With a blank as `%20` or as `+`."""
    for encode in (quote, quote_plus):
        assert decoded(pa.array([encode(key) for key in keys], pa.string())).to_pylist() == keys


@given(st.lists(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 99)), max_size=8), max_size=8))
@settings(deadline=None, max_examples=50)
def test_what_is_spilled_comes_back_whole(tmp_path_factory: pytest.TempPathFactory, batches: Any) -> None:
    """Every prefix in one part, whatever the batches were."""
    folder: Path = tmp_path_factory.mktemp("spill")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spill, "_GATHERED_ROWS", 5)
        spilled = Spill(folder, prefix_bytes=1, is_wanted=lambda prefix: prefix != b"c")
        for batch in batches:
            for row in objects(*(f"{letter}{number}" for letter, number in batch)).to_batches():
                spilled.add(row)
        parts = [part["key"].to_pylist() for part in spilled.parts()]
    wanted = {f"{letter}{number}" for batch in batches for letter, number in batch if letter != "c"}
    assert sorted(key for part in parts for key in part) == sorted(wanted)
    assert all(part == sorted(part) for part in parts)
    assert not list(folder.iterdir())
