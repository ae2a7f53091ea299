"""Reading a job's output in shards: byte ranges of its files, each the lines that begin in it.

A shard is read alike in every process, so that what comes of a job does not depend on how many of them share the work.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batch_assets.bedrock.results import Embedded, Outcome, OutputFile, Refused, Unreadable, outcome_parser

SHARD_BYTES = 32 * 1024**2
BLOCK_LINES = 256

_CHUNK_BYTES = 1024**2
_OVERHANG_BYTES = 128 * 1024  # one line more than fits: a vector of 3,072 numbers in full precision is some 70 kB


@dataclass(frozen=True)
class Span:
    """The lines of an output file that begin at bytes `begin` to `end` (exclusive)."""

    file: OutputFile
    begin: int
    end: int


Shard = tuple[Span, ...]
"""What is read in one go: a part of one large file, or several small files."""


@dataclass(frozen=True)
class Block:
    """Outcomes of consecutive lines; those that are a text are the ids of the records whose vectors are the rows."""

    outcomes: list[str | Refused | Unreadable]
    vectors: NDArray[np.float32]


def cut(files: Iterable[OutputFile], *, shard_bytes: int = SHARD_BYTES) -> list[Shard]:
    """Shards of at most `shard_bytes` that hold every byte once, in the order of the files."""
    shards: list[Shard] = []
    gathered: list[Span] = []
    room = shard_bytes
    for file in files:
        for begin in range(0, file.size_bytes, shard_bytes):
            span = Span(file, begin, min(begin + shard_bytes, file.size_bytes))
            if gathered and span.end - span.begin > room:
                shards.append(tuple(gathered))
                gathered, room = [], shard_bytes
            gathered.append(span)
            room -= span.end - span.begin
    return [*shards, tuple(gathered)] if gathered else shards


def read_blocks(s3: Any, shard: Shard, *, dimension: int) -> Iterator[Block]:
    """The outcomes of a shard in blocks of at most `BLOCK_LINES`, never more than a block of them in memory."""
    parse = outcome_parser(dimension)
    lines_left = (line for span in shard for line in span_lines(s3, span))
    while block := _next_block(lines_left, parse, dimension):
        yield block


def _next_block(lines_left: Iterator[bytes], parse: Callable[..., Outcome], dimension: int) -> Block | None:
    told: list[str | Refused | Unreadable] = []
    vectors, rows = np.empty((BLOCK_LINES, dimension), np.float32), 0
    for line in islice(lines_left, BLOCK_LINES):
        outcome = parse(line, vectors[rows])
        if isinstance(outcome, Embedded):
            rows += 1
            told.append(outcome.record_id)
        else:
            told.append(outcome)
    return Block(told, vectors[:rows]) if told else None


def span_lines(s3: Any, span: Span) -> Iterator[bytes]:
    """The lines that begin in a span, without line ends and empty lines; the last line of a file may lack its end."""
    # The byte before a span tells whether a line begins with it: if so, it is an empty line that belongs to nobody.
    position = max(span.begin - 1, 0)
    for line in lines(_chunks(s3, span, position)):
        if position >= span.begin and line.strip():
            yield line
        position += len(line) + 1
        if position >= span.end:
            return


def lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """All lines of a stream of chunks, without their line ends, also empty ones; the last may lack its newline."""
    begun: list[bytes] = []
    for chunk in chunks:
        start, end = 0, chunk.find(b"\n")
        while end >= 0:
            if begun:
                yield b"".join([*begun, chunk[:end]])
                begun = []
            else:
                yield chunk[start:end]
            start, end = end + 1, chunk.find(b"\n", end + 1)
        if start < len(chunk):
            begun.append(chunk[start:])
    if begun:
        yield b"".join(begun)


def _chunks(s3: Any, span: Span, position: int) -> Iterator[bytes]:
    """The bytes of a span from a position on, and as many after its end as are asked for."""
    end, more = span.end, _OVERHANG_BYTES
    while position < span.file.size_bytes:
        end = min(end + more, span.file.size_bytes)
        yield from _range(s3, span.file, position, end)
        position, more = end, 2 * more


def _range(s3: Any, file: OutputFile, begin: int, end: int) -> Iterator[bytes]:
    wanted = f"bytes={begin}-{end - 1}"
    reply = s3.get_object(Bucket=file.bucket, Key=file.key, Range=wanted, IfMatch=file.etag)
    body = reply["Body"]
    try:
        yield from body.iter_chunks(_CHUNK_BYTES)
    except GeneratorExit:
        body.read()  # what is left of the overhang: a connection that is read to its end can be used again
        raise
