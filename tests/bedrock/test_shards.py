"""Reading a job's output in shards: the same lines, wherever it is cut."""

import io
import json
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from batch_assets.bedrock.results import OutputFile, Refused, Unreadable, output_files
from batch_assets.bedrock.shards import BLOCK_LINES, Shard, cut, lines, read_blocks, span_lines

DIMENSION = 4
RESULTS = "batch-assets/results/abcdefghij12/"


def line(record_id: str) -> bytes:
    """An output line whose vector starts with the number in the record's id."""
    embedding = [int(record_id[1:]), 1, 1, 1]
    return json.dumps({"recordId": record_id, "modelOutput": {"embeddings": [{"embedding": embedding}]}}).encode()


class Folder:
    """The two calls of S3 that reading results makes, over files in memory."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.contents = files
        self.fetched_bytes = 0
        self.bodies: list[_Body] = []

    @property
    def files(self) -> list[OutputFile]:
        return output_files(self, "results", "")

    def get_paginator(self, _operation: str) -> "Folder":
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:  # noqa: N803 names of the S3 API
        assert Bucket == "results"
        for key, content in self.contents.items():
            entry = {"Key": key, "ETag": f'"{hash(content)}"', "Size": len(content)}
            yield {"Contents": [entry]} if key.startswith(Prefix) else {}

    def get_object(self, *, Bucket: str, Key: str, Range: str, IfMatch: str) -> dict[str, Any]:  # noqa: N803 as above
        first, last = map(int, Range.removeprefix("bytes=").split("-"))
        content = self.contents[Key]
        assert (Bucket, IfMatch) == ("results", f'"{hash(content)}"')
        assert 0 <= first <= last < len(content)
        self.fetched_bytes += last + 1 - first
        self.bodies.append(_Body(content[first : last + 1]))
        return {"Body": self.bodies[-1]}


class _Body(io.BytesIO):
    def iter_chunks(self, size: int) -> Iterator[bytes]:
        # Far smaller than asked, so that every line crosses chunks.
        return iter(lambda: self.read(min(size, 7)), b"")


def lines_of(folder: Folder, shards: list[Shard]) -> list[bytes]:
    """The lines of all shards, one after the other."""
    return [text for shard in shards for span in shard for text in span_lines(folder, span)]


def outcomes_of(folder: Folder, *, shard_bytes: int = 1000) -> list[Any]:
    """What all lines say, in the form of a block."""
    shards = cut(folder.files, shard_bytes=shard_bytes)
    read = [block for shard in shards for block in read_blocks(folder, shard, dimension=DIMENSION)]
    return [outcome for block in read for outcome in block.outcomes]


texts = st.lists(st.sampled_from([b"", b"\r", b" ", b"a", b"bc\r", b"def", b"0123456789" * 3]), max_size=12).map(
    b"\n".join
)


@given(st.lists(st.binary(max_size=8)), st.lists(st.integers(0, 9)))
@settings(deadline=None)
def test_lines_do_not_depend_on_how_the_stream_is_chunked(parts: list[bytes], cuts: list[int]) -> None:
    """Every chunking gives what splitting the whole would give."""
    text = b"\n".join(parts)
    chunks, rest = [], text
    for place in cuts:
        chunks.append(rest[:place])
        rest = rest[place:]
    whole = text.split(b"\n")
    assert list(lines([*chunks, rest])) == (whole if whole[-1] else whole[:-1])


@given(st.lists(texts, max_size=4), st.integers(1, 40), st.integers(1, 8))
@example([b"a\nbb\nccc"], 2, 1)
@example([b"\n\na\n"], 1, 1)
@settings(deadline=None)
def test_lines_do_not_depend_on_where_the_files_are_cut(files: list[bytes], shard_bytes: int, overhang: int) -> None:
    """Every line is read once and in order: whole, and in the shard in which it begins, however long it is."""
    folder = Folder({f"{number}.jsonl.out": text for number, text in enumerate(files)})
    with patch("batch_assets.bedrock.shards._OVERHANG_BYTES", overhang):
        found = lines_of(folder, cut(folder.files, shard_bytes=shard_bytes))
    assert found == [part for text in files for part in text.split(b"\n") if part.strip()]


@given(st.lists(st.integers(0, 100), max_size=8), st.integers(1, 40))
@settings(deadline=None)
def test_shards_hold_every_byte_once_and_are_bounded(sizes: list[int], shard_bytes: int) -> None:
    """Large files are cut, small ones are gathered, empty ones left out."""
    files = [OutputFile("results", f"{number}", "e", size) for number, size in enumerate(sizes)]
    shards = cut(files, shard_bytes=shard_bytes)
    held = [(span.file.key, place) for shard in shards for span in shard for place in range(span.begin, span.end)]
    assert held == [(file.key, place) for file in files for place in range(file.size_bytes)]
    loads = [sum(span.end - span.begin for span in shard) for shard in shards]
    assert all(0 < load <= shard_bytes for load in loads)
    assert all(one + next_one > shard_bytes for one, next_one in pairwise(loads))


def test_little_is_fetched_twice() -> None:
    """Only the end of a line that crosses a cut."""
    text = b"\n".join([b"x" * 99] * 1000)
    folder = Folder({"a.jsonl.out": text})
    with patch("batch_assets.bedrock.shards._OVERHANG_BYTES", 128):
        assert len(lines_of(folder, cut(folder.files, shard_bytes=10_050))) == 1000
    assert len(text) <= folder.fetched_bytes <= len(text) * 1.05


def test_all_output_files_are_read_and_the_summary_is_not() -> None:
    """`manifest.json.out` holds counts, no records; another job's folder is not looked at."""
    texts = [line(f"r{number * 7 % 20}") for number in range(20)]
    folder = Folder(
        {
            f"{RESULTS}b.jsonl.out": b"\n".join(texts[:5]) + b"\n",
            f"{RESULTS}a.jsonl.out": b"\n".join(texts[5:]),
            f"{RESULTS}c.jsonl.out": b"",
            f"{RESULTS}manifest.json.out": b'{"totalRecordCount": 20}',
            "batch-assets/results/otherjob0000/a.jsonl.out": line("r77"),
        }
    )
    files = output_files(folder, "results", RESULTS)
    assert [file.key for file in files] == [f"{RESULTS}{name}.jsonl.out" for name in "abc"]
    (shard,) = cut(files)
    (block,) = read_blocks(folder, shard, dimension=DIMENSION)
    assert block.outcomes == [f"r{number * 7 % 20}" for number in [*range(5, 20), *range(5)]]
    assert [f"r{number:.0f}" for number in block.vectors[:, 0]] == block.outcomes


def test_a_cut_off_last_line_spoils_only_itself() -> None:
    """The records before it, and the files after it, are read."""
    folder = Folder({"a.jsonl.out": line("r1") + b"\n" + line("r2")[:-9], "b.jsonl.out": line("r3") + b"\n"})
    first, cut_off, last = outcomes_of(folder)
    assert (first, last) == ("r1", "r3")
    assert isinstance(cut_off, Unreadable)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\n\n", b"\n \n"])
def test_line_ends_of_other_systems_and_empty_lines_do_no_harm(end: bytes) -> None:
    """Wherever they are cut."""
    folder = Folder({"a.jsonl.out": end.join(line(f"r{number}") for number in range(5)) + end})
    for shard_bytes in range(1, 40):
        assert outcomes_of(folder, shard_bytes=shard_bytes) == [f"r{number}" for number in range(5)]


def test_a_line_far_longer_than_a_shard_is_one_record() -> None:
    """It belongs to the shard in which it begins; those that lie inside it are empty."""
    huge = json.dumps({"recordId": "r1", "modelInput": "x" * 300_000, "error": {"errorCode": 400}}).encode()
    folder = Folder({"a.jsonl.out": b"\n".join([line("r0"), huge, line("r2")])})
    first, refused, last = outcomes_of(folder)
    assert (first, refused, last) == ("r0", Refused("r1", "400", "", retryable=False), "r2")


@pytest.mark.parametrize("count", [0, 1, BLOCK_LINES, BLOCK_LINES + 1])
def test_blocks_are_bounded_and_keep_the_order(count: int) -> None:
    """Refusals stand between the vectors, where their lines stood."""
    texts = [line(f"r{number}") if number % 3 else b'{"recordId": "no", "error": "x"}' for number in range(count)]
    folder = Folder({"a.jsonl.out": b"\n".join(texts)})
    made = [block for shard in cut(folder.files) for block in read_blocks(folder, shard, dimension=DIMENSION)]
    assert all(0 < len(block.outcomes) <= BLOCK_LINES for block in made)
    told = [outcome if isinstance(outcome, str) else "-" for block in made for outcome in block.outcomes]
    assert told == [f"r{number}" if number % 3 else "-" for number in range(count)]
    for block in made:
        embedded = [outcome for outcome in block.outcomes if isinstance(outcome, str)]
        assert [f"r{number:.0f}" for number in block.vectors[:, 0]] == embedded


def test_a_connection_is_read_to_its_end() -> None:
    """So that it can be used for the next range: what was fetched beyond a shard is taken too."""
    folder = Folder({"a.jsonl.out": b"\n".join([b"x" * 99] * 100)})
    lines_of(folder, cut(folder.files, shard_bytes=1_000))
    assert len(folder.bodies) >= 10
    assert all(body.read() == b"" for body in folder.bodies)
