"""Manifests are made by columns; here they are made row by row, and nothing differs."""

import hashlib
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_assets.bedrock.contents import Content, Contents
from batch_assets.bedrock.manifest import MANIFEST, Plan, fingerprint, plan, record_id, render
from batch_assets.spaces import MODELS, ImageSource, embedding_space, equal_wave_records
from batch_assets.storage.listing import INVENTORY

BUCKET, OWNER = "pictures", "123456789012"
START = datetime(2024, 1, 2, tzinfo=UTC)


def plain_plan(
    rows: list[dict[str, Any]],
    embedded: AbstractSet[Content],
    quarantined: AbstractSet[Content],
    keys: AbstractSet[str],
    max_records: int,
) -> Plan:
    """Choose the records of a job one picture after the other."""
    eligible = sorted((row for row in rows if row["eligible"]), key=lambda row: str(row["key"]).encode())
    first: dict[Content, dict[str, Any]] = {}
    done = refused = changed = 0
    for row in eligible:
        content = (row["etag"], row["size"])
        changed += content not in embedded and row["key"] in keys
        if content in embedded:
            done += 1
        elif content in quarantined:
            refused += 1
        elif content in first:
            first[content]["copies"] += 1
        else:
            first[content] = {**row, "record_id": record_id(BUCKET, row["key"], row["etag"]), "copies": 1}
    records = list(first.values())
    size = equal_wave_records(len(records), maximum=max_records)
    return Plan(
        records=pa.Table.from_pylist(records[:size], schema=MANIFEST),
        eligible=len(eligible),
        embedded=done,
        quarantined=refused,
        later=sum(record["copies"] for record in records[size:]),
        changed=changed,
    )


def plain_jsonl(records: pa.Table, model_id: str, dimension: int) -> bytes:
    """Write a manifest one record after the other."""
    space = embedding_space(model_id, dimension)
    images = [
        ImageSource(row["format"], uri=f"s3://{BUCKET}/{row['key']}", bucket_owner=OWNER) for row in records.to_pylist()
    ]
    return b"".join(
        orjson.dumps({"recordId": identity, "modelInput": space.index_request(image)}) + b"\n"
        for identity, image in zip(records["record_id"].to_pylist(), images, strict=True)
    )


keys = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12) | st.sampled_from(
    ['q"uote', "back\\slash", "new\nline", "\x01\x1f\x7f", "</script>", "<key>", "<record_id>", "\u2028", "\U0001f600"]
)
etags, sizes = st.sampled_from(["e1", "e2", "e3"]), st.integers(1, 3)
contents = st.frozensets(st.tuples(etags, sizes), max_size=5)
pictures = st.lists(
    st.fixed_dictionaries(
        {
            "key": keys,
            "etag": etags,
            "size": sizes,
            "last_modified": st.integers(0, 10**6).map(lambda seconds: START + timedelta(seconds=seconds)),
            "format": st.sampled_from(["jpeg", "png"]),
            "eligible": st.sampled_from([True, True, True, False]),
            "reason": st.none(),
        }
    ),
    max_size=25,
    unique_by=lambda row: row["key"],
)


@given(pictures, contents, contents, st.frozensets(keys, max_size=6), st.integers(1, 8), st.integers(1, 30))
@settings(deadline=None, max_examples=200)
def test_a_plan_is_the_same_row_by_row(  # noqa: PLR0917 - what varies
    rows: list[dict[str, Any]],
    embedded: frozenset[Content],
    quarantined: frozenset[Content],
    other_keys: frozenset[str],
    max_records: int,
    cut: int,
) -> None:
    """Order, copies, waves, and what is changed, refused or left for later; however the table is cut."""
    known_keys = other_keys | {row["key"] for row in rows[::3]}
    parts = [rows[:cut], rows[cut:]]
    planned = plan(
        pa.concat_tables([pa.Table.from_pylist(part, schema=INVENTORY) for part in parts]),
        bucket=BUCKET,
        embedded=Contents.of(embedded),
        quarantined=Contents.of(quarantined),
        embedded_keys=pa.chunked_array([pa.array(sorted(known_keys), pa.string())]),
        max_records=max_records,
    )
    expected = plain_plan(rows, embedded, quarantined, known_keys, max_records)
    assert planned == expected


@given(pictures, st.sampled_from([(model, size) for model, made in MODELS.items() for size in made.dimensions]))
@settings(deadline=None, max_examples=200)
def test_a_manifest_is_the_same_bytes_row_by_row(rows: list[dict[str, Any]], space: tuple[str, int]) -> None:
    """For every model and dimension: fingerprints of jobs that were paid for are those of these bytes."""
    inventory = pa.Table.from_pylist(rows, schema=INVENTORY)
    nothing = Contents.of(())
    records = plan(inventory, bucket=BUCKET, embedded=nothing, quarantined=nothing, max_records=100).records
    text = render(records, embedding_space(*space), bucket=BUCKET, bucket_owner=OWNER)
    assert text == plain_jsonl(records, *space)
    slug = embedding_space(*space).slug.encode()
    assert fingerprint(text, embedding_space(*space)) == hashlib.sha256(slug + b"\0" + text).hexdigest()


def test_a_manifest_of_many_records_is_the_same_bytes_row_by_row() -> None:
    """Longer than the batches it is written in."""
    number = 120_001
    names = [f"photos/{place:06}{chr(34) if place % 1000 == 0 else ''}.jpg" for place in range(number)]
    records = pa.table(
        {"record_id": [f"{place:032x}" for place in range(number)], "format": ["jpeg"] * number, "key": names}
    )
    (model_id, model), *_ = MODELS.items()
    space = embedding_space(model_id, model.dimensions[0])
    text = render(records, space, bucket=BUCKET, bucket_owner=OWNER)
    assert text.splitlines(keepends=True)[::999] == plain_jsonl(
        records.take(list(range(0, number, 999))), model_id, space.dimension
    ).splitlines(keepends=True)


@given(contents, contents, st.lists(st.tuples(etags, sizes), max_size=12))
@settings(deadline=None)
def test_what_is_missing_from_a_set_is_named_in_order(
    some: frozenset[Content], others: frozenset[Content], rows: list[Content]
) -> None:
    """By ETag and size together."""
    table = pa.Table.from_pylist([{"etag": etag, "size": size} for etag, size in rows], schema=INVENTORY_CONTENT)
    both = Contents.of(some) | Contents.of(others)
    assert set(both) == some | others
    assert both.missing(table).to_pylist() == [place for place, row in enumerate(rows) if row not in some | others]


INVENTORY_CONTENT = pa.schema([INVENTORY.field("etag"), INVENTORY.field("size")])
