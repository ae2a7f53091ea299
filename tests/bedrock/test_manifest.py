"""What is still to be embedded, and its JSONL."""

import dataclasses
import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from batch_assets.bedrock.contents import Content, Contents, contents, final_refusals
from batch_assets.bedrock.manifest import (
    MANIFEST,
    Plan,
    fingerprint,
    plan,
    record_id,
    render,
)
from batch_assets.bedrock.rejections import REJECTED
from batch_assets.errors import JobError
from batch_assets.spaces import NOVA_MULTIMODAL, EmbeddingSpace, embedding_space
from batch_assets.storage.listing import INVENTORY

BUCKET, OWNER = "pictures", "123456789012"
SPACE = embedding_space(NOVA_MULTIMODAL.model_id, 256)
JANUARY = datetime(2024, 1, 2, tzinfo=UTC)

# No NUL: Amazon S3 takes any other character in a key, as UTF-8.
names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=30)


def picture(key: str, *, etag: str = "e1", size: int = 10, eligible: bool = True) -> dict[str, Any]:
    reason = None if eligible else "unsupported_format"
    image_format = "jpeg" if eligible else None
    return {
        "key": key,
        "size": size,
        "etag": etag,
        "last_modified": JANUARY,
        "format": image_format,
        "eligible": eligible,
        "reason": reason,
    }


def inventory(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=INVENTORY)


def planned(
    *rows: dict[str, Any],
    embedded: frozenset[Content] = frozenset(),
    quarantined: frozenset[Content] = frozenset(),
    max_records: int = 1000,
) -> Plan:
    return plan(
        inventory(*rows),
        bucket=BUCKET,
        embedded=Contents.of(embedded),
        quarantined=Contents.of(quarantined),
        max_records=max_records,
    )


def rendered(records: pa.Table) -> bytes:
    return render(records, SPACE, bucket=BUCKET, bucket_owner=OWNER)


pictures = st.lists(
    st.builds(
        picture,
        names,
        etag=st.sampled_from(["e1", "e2", "e3", "e4"]),
        size=st.integers(1, 3),
        eligible=st.sampled_from([True, True, True, False]),
    ),
    max_size=30,
    unique_by=lambda row: row["key"],
)
some_contents = st.frozensets(st.tuples(st.sampled_from(["e1", "e2", "e3", "e4"]), st.integers(1, 3)))


@given(names, names, names, names)
@settings(deadline=None)
def test_record_ids_of_distinct_objects_are_distinct(key: str, etag: str, other_key: str, other_etag: str) -> None:
    """Bucket, key and ETag never run into each other."""
    assume((key, etag) != (other_key, other_etag))
    assert record_id(BUCKET, key, etag) != record_id(BUCKET, other_key, other_etag)


@given(names, names)
@settings(deadline=None)
def test_record_ids_are_128_bits_in_hex(key: str, etag: str) -> None:
    """32 digits, the same each time."""
    identity = record_id(BUCKET, key, etag)
    assert len(identity) == 32
    assert set(identity) <= set("0123456789abcdef")
    assert identity == record_id(BUCKET, key, etag)


def test_record_ids_never_change() -> None:
    """Tables that exist already name records by them."""
    assert record_id("pictures", "photos/2024/01/02/a.jpg", "abc") == "a35fb7237bfede1088927e402aca3d10"


@given(pictures, some_contents, some_contents, st.integers(1, 10))
@settings(deadline=None)
def test_every_eligible_picture_is_counted_once(
    rows: list[dict[str, Any]], embedded: frozenset[Content], quarantined: frozenset[Content], max_records: int
) -> None:
    """Embedded, quarantined, in this job, or in a later one."""
    result = planned(*rows, embedded=embedded, quarantined=quarantined, max_records=max_records)
    in_this_job = sum(result.records["copies"].to_pylist())
    assert result.eligible == sum(row["eligible"] for row in rows)
    assert result.eligible == result.embedded + result.quarantined + in_this_job + result.later


@given(pictures, some_contents, some_contents, st.integers(1, 10))
@settings(deadline=None)
def test_what_is_planned_is_eligible_new_and_distinct(
    rows: list[dict[str, Any]], embedded: frozenset[Content], quarantined: frozenset[Content], max_records: int
) -> None:
    """No content is paid for twice, and no more than one job's worth is planned."""
    records = planned(*rows, embedded=embedded, quarantined=quarantined, max_records=max_records).records.to_pylist()
    chosen = [(row["etag"], row["size"]) for row in records]
    assert len(records) <= max_records
    assert max(Counter(chosen).values(), default=1) == 1
    assert not set(chosen) & (embedded | quarantined)
    assert {row["key"] for row in records} <= {row["key"] for row in rows if row["eligible"]}


@given(pictures, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_plan_does_not_depend_on_the_order_of_the_listing(rows: list[dict[str, Any]], random: Any) -> None:
    """The same pictures give the same bytes, and so the same fingerprint."""
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert rendered(planned(*rows).records) == rendered(planned(*shuffled).records)


@given(pictures, st.integers(1, 5))
@settings(deadline=None)
def test_planning_and_embedding_in_turn_embeds_everything(rows: list[dict[str, Any]], max_records: int) -> None:
    """The loop ends, and each wave says rightly how many pictures stay behind it."""
    embedded: frozenset[Content] = frozenset()
    while (result := planned(*rows, embedded=embedded, max_records=max_records)).records.num_rows:
        embedded |= set(contents(result.records))
        assert planned(*rows, embedded=embedded).eligible - result.later == len(
            [row for row in rows if row["eligible"] and (row["etag"], row["size"]) in embedded]
        )
    assert result.embedded == result.eligible


def test_copies_of_the_same_bytes_stand_in_the_manifest_once() -> None:
    """The first key in order is sent, and the row says how many pictures wait for it."""
    (row,) = planned(picture("c.jpg"), picture("a.jpg"), picture("b.jpg")).records.to_pylist()
    assert (row["key"], row["copies"]) == ("a.jpg", 3)


def test_equal_etags_of_different_sizes_are_different_bytes() -> None:
    """Content is ETag and size."""
    assert planned(picture("a.jpg", size=1), picture("b.jpg", size=2)).records.num_rows == 2


def test_an_empty_inventory_gives_an_empty_manifest() -> None:
    """Nothing to do is no error."""
    result = planned()
    assert (result.records.num_rows, result.records.schema) == (0, MANIFEST)
    assert rendered(result.records) == b""


ODD_KEYS = [
    "photos/with space.jpg",
    'photos/quote".jpg',
    "photos/back\\slash.jpg",
    "photos/plus+percent%20.jpg",
    "photos/new\nline.jpg",
    "photos//double.jpg",
    "photos/./dot.jpg",
    "photos/\U0001f600é.jpg",
    "photos/line\u2028separator.jpg",
    "photos/" + "x" * 1013 + ".jpg",
]


def test_manifest_is_one_json_object_a_line() -> None:
    """Whatever stands in the keys, lines stay lines, and URIs hold the key as it is."""
    records = planned(*(picture(key, etag=f"e{number}") for number, key in enumerate(ODD_KEYS))).records
    lines = rendered(records).split(b"\n")
    assert lines.pop() == b""
    parsed = [json.loads(line) for line in lines]
    assert [line["recordId"] for line in parsed] == records["record_id"].to_pylist()
    assert [line["modelInput"]["singleEmbeddingParams"]["image"]["source"]["s3Location"]["uri"] for line in parsed] == [
        f"s3://{BUCKET}/{key}" for key in sorted(ODD_KEYS)
    ]


def test_a_manifest_above_the_file_limit_is_refused() -> None:
    """The message says which setting to lower."""
    small = EmbeddingSpace(dataclasses.replace(NOVA_MULTIMODAL, max_input_file_bytes=100), 256)
    with pytest.raises(JobError, match="BATCH_ASSETS_MAX_RECORDS_PER_JOB"):
        render(planned(picture("a.jpg")).records, small, bucket=BUCKET, bucket_owner=OWNER)


def test_fingerprint_tells_manifests_and_spaces_apart() -> None:
    """Another picture, another version of it, or another space is another job."""
    one = rendered(planned(picture("a.jpg")).records)
    other = rendered(planned(picture("a.jpg", etag="e2")).records)
    wider = embedding_space(NOVA_MULTIMODAL.model_id, 1024)
    assert len({fingerprint(one, SPACE), fingerprint(other, SPACE), fingerprint(one, wider)}) == 3


def test_only_final_refusals_of_the_model_are_quarantined() -> None:
    """What may be tried again is planned again; what is not eligible is told by the inventory itself."""
    common = {"size": 1, "code": "400", "message": "", "retryable": False, "quarantined": False}
    rejected = pa.Table.from_pylist(
        [
            {**common, "key": "final.jpg", "etag": "e1", "attempts": 1, "final": True},
            {**common, "key": "again.jpg", "etag": "e2", "attempts": 1, "final": False},
            {**common, "key": "text.txt", "etag": "e3", "attempts": 0, "final": True},
        ],
        schema=REJECTED,
    )
    assert list(final_refusals(rejected)) == [("e1", 1)]
    assert list(final_refusals(None)) == list(contents(None)) == []
