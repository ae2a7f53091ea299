"""Records as JSONL, the way that Bedrock reads them.

All lines of a manifest are one text with a record id, a format and a key set in. orjson writes the text once, and of
the keys only those that JSON has to escape; Arrow puts the lines together.
"""

import re
from collections.abc import Iterator

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from batch_assets.spaces import EmbeddingSpace, ImageSource

_BATCH_ROWS = 50_000

# No bucket, account or purpose has such a character.
_MARK = re.compile(r"<(record_id|format|key)>")
_ESCAPED = r'["\\\x00-\x1f]'


def lines(records: pa.Table, space: EmbeddingSpace, *, bucket: str, bucket_owner: str) -> Iterator[memoryview]:
    """The lines of the records (`record_id`, `format`, `key`), many at a time, each with its line end."""
    template = _template(space, bucket, bucket_owner)
    for batch in records.select(["record_id", "format", "key"]).to_batches(max_chunksize=_BATCH_ROWS):
        columns = {name: batch.column(name) for name in ("record_id", "format")} | {
            "key": _escaped(batch.column("key"))
        }
        # Texts and names of columns take turns.
        parts = [columns[part] if number % 2 else part for number, part in enumerate(template)]
        joined = pc.binary_join_element_wise(*parts, "")
        yield memoryview(joined.buffers()[2])[: pc.sum(pc.binary_length(joined)).as_py()]


def _template(space: EmbeddingSpace, bucket: str, bucket_owner: str) -> list[str]:
    image = ImageSource("<format>", uri=f"s3://{bucket}/<key>", bucket_owner=bucket_owner)
    line = {"recordId": "<record_id>", "modelInput": space.index_request(image)}
    return _MARK.split(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE).decode())


def _escaped(keys: pa.Array) -> pa.Array:
    """The keys as they stand between the quotes of a JSON string."""
    odd = pc.match_substring_regex(keys, _ESCAPED)
    if not pc.any(odd).as_py():
        return keys
    texts = [orjson.dumps(key)[1:-1].decode() for key in keys.filter(odd).to_pylist()]
    return pc.replace_with_mask(keys, odd, pa.array(texts, pa.string()))
