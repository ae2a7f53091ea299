"""Hashes of rows: the same as those that stand in tables already."""

import hashlib
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_assets.storage.content_hash import content_hash

SCHEMA = pa.schema([("key", pa.string()), ("etag", pa.string()), ("size", pa.int64()), ("eligible", pa.bool_())])


def plain_hash(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> str:
    """Hash the rows one by one, as the first release did."""
    digest = hashlib.sha256()
    for row in sorted(rows, key=lambda row: str(row[columns[0]]).encode()):
        digest.update(repr(tuple(row[name] for name in columns)).encode())
    return digest.hexdigest()


texts = st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(
    ["it's", '"', "'\"", "back\\slash", "new\nline", "\x7f", "\xa0", "\u2028", "\U0001f600", "\ue000", "plain/a b.jpg"]
)
rows = st.lists(
    st.fixed_dictionaries(
        {
            "key": texts,
            "etag": texts | st.none(),
            "size": st.integers(-(2**63), 2**63 - 1),
            "eligible": st.booleans(),
        }
    ),
    max_size=12,
    unique_by=lambda row: row["key"],
)


@given(rows, st.sampled_from([("key",), ("key", "etag"), ("key", "etag", "size"), ("key", "size", "eligible")]))
@settings(deadline=None, max_examples=300)
def test_rows_are_hashed_as_ever(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> None:
    """Quotes, backslashes, what cannot be printed, other alphabets, nothing at all."""
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    assert content_hash(table, columns) == plain_hash(rows, columns)


def test_a_long_table_of_several_chunks_is_hashed_as_ever() -> None:
    """However it is cut."""
    listed = [{"key": f"{number:06}", "etag": "e", "size": number, "eligible": True} for number in range(120_000)]
    table = pa.concat_tables([pa.Table.from_pylist(part, schema=SCHEMA) for part in (listed[:7], listed[7:])])
    assert content_hash(table, ("key", "etag", "size")) == plain_hash(listed, ("key", "etag", "size"))


def test_hashes_never_change() -> None:
    """Tables that exist already are compared by them."""
    table = pa.table({"key": ["b", "it's é"], "etag": ["1", "2"], "size": [3, 4]})
    assert content_hash(table, ["key", "etag", "size"]) == plain_hash(table.to_pylist(), ["key", "etag", "size"])
    assert content_hash(table, ["key"]) == hashlib.sha256(b"('b',)" + '("it\'s é",)'.encode()).hexdigest()
