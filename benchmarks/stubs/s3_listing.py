"""A stub of S3 that answers ListObjectsV2 alone: `python -m benchmarks.stubs.s3_listing FILE SECONDS`.

It lists the objects of a parquet file (`key`, `size`, `etag`, `last_modified`; sorted by key) whatever the bucket is
called, each page so many seconds after it was asked for, and any number of pages at once. It prints its port, and ends
when its standard input is closed. Entries are written once, so that a page costs the stub some microseconds.

Source of the format: Amazon S3 API reference, "ListObjectsV2".
"""

import asyncio
import subprocess
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlsplit
from xml.sax.saxutils import escape

import pyarrow.parquet as pq

MAX_KEYS = 1000
_HEAD_END = b"\r\n\r\n"
_AFTER_ALL = chr(0x10FFFF)
_YOUNGER_THAN_CHECKSUMS = 7  # one object in so many was written before S3 kept checksums


class Listing:
    """The objects of one bucket, written as the entries of a page."""

    def __init__(self, keys: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
        """Take objects sorted by key; `rows` hold their `size`, `etag` and `last_modified`."""
        self._keys, self._rows = keys, rows

    def page(self, query: dict[str, str]) -> bytes:
        """Answer one call as S3 does; `delimiter` and `fetch-owner` are not known."""
        prefix, is_encoded = query.get("prefix", ""), query.get("encoding-type") == "url"
        start = max(bisect_left(self._keys, prefix), bisect_right(self._keys, query.get("start-after", "")))
        start = int(query.get("continuation-token", start))
        end = bisect_right(self._keys, prefix + _AFTER_ALL)
        stop = min(start + min(int(query.get("max-keys", MAX_KEYS)), MAX_KEYS), end)
        body, offsets = self._encoded if is_encoded else self._escaped
        entries = body[offsets[start] : offsets[stop]] if stop > start else b""
        return _HEAD.format(
            prefix=_encoded(prefix) if is_encoded else escape(prefix),
            count=max(stop - start, 0),
            encoding="<EncodingType>url</EncodingType>" if is_encoded else "",
            is_truncated="true" if stop < end else "false",
            token=f"<NextContinuationToken>{stop}</NextContinuationToken>" if stop < end else "",
        ).encode() + entries + b"</ListBucketResult>"  # fmt: skip

    @cached_property
    def _encoded(self) -> tuple[bytes, list[int]]:
        return self._written([_encoded(key) for key in self._keys])

    @cached_property
    def _escaped(self) -> tuple[bytes, list[int]]:
        return self._written([escape(key) for key in self._keys])

    def _written(self, keys: Sequence[str]) -> tuple[bytes, list[int]]:
        entries = [_entry(number, key, row) for number, (key, row) in enumerate(zip(keys, self._rows, strict=True))]
        return b"".join(entries), list(accumulate((len(entry) for entry in entries), initial=0))


_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    "<Name>pictures</Name><Prefix>{prefix}</Prefix>{token}<KeyCount>{count}</KeyCount><MaxKeys>1000</MaxKeys>"
    "{encoding}<IsTruncated>{is_truncated}</IsTruncated>"
)


def _entry(number: int, key: str, row: dict[str, Any]) -> bytes:
    written: datetime = row["last_modified"]
    checksum = "<ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType>"
    return (
        f"<Contents><Key>{key}</Key><LastModified>{written:%Y-%m-%dT%H:%M:%S}.000Z</LastModified>"
        f"<ETag>&quot;{row['etag']}&quot;</ETag>{checksum if number % _YOUNGER_THAN_CHECKSUMS else ''}"
        f"<Size>{row['size']}</Size><StorageClass>STANDARD</StorageClass></Contents>"
    ).encode()


def _encoded(key: str) -> str:
    return quote_plus(key, safe="/*")


class _Connection(asyncio.Protocol):
    """Answers the requests of one kept-alive connection, one after the other."""

    def __init__(self, listing: Listing, latency_seconds: float) -> None:
        self._listing, self._latency_seconds = listing, latency_seconds
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what a TCP server is given
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while _HEAD_END in self._received:
            head, _, self._received = self._received.partition(_HEAD_END)
            answer = self._answer(head.decode("latin-1"))
            asyncio.get_running_loop().call_later(self._latency_seconds, self._transport.write, answer)

    def _answer(self, head: str) -> bytes:
        method, target, _ = head.split(" ", 2)
        query = {name: values[-1] for name, values in parse_qs(urlsplit(target).query).items()}
        if method != "GET" or query.get("list-type") != "2":
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        body = self._listing.page(query)
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


async def _serve(listing: Listing, latency_seconds: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(listing, latency_seconds), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


@contextmanager
def running(file: Path, *, latency_seconds: float) -> Iterator[str]:
    """Run the stub in a process of its own, and give its URL."""
    command = [sys.executable, "-m", "benchmarks.stubs.s3_listing", str(file), str(latency_seconds)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdin is not None  # noqa: S101 - both are pipes
        assert process.stdout is not None  # noqa: S101
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.stdin.close()


def main(file: str, latency_seconds: str) -> None:
    """Serve until standard input is closed."""
    table = pq.read_table(file)
    listing = Listing(table["key"].to_pylist(), table.select(["size", "etag", "last_modified"]).to_pylist())
    # Both forms are written before the first call is answered.
    listing.page({})
    listing.page({"encoding-type": "url"})
    asyncio.run(_serve(listing, float(latency_seconds)))


if __name__ == "__main__":
    main(*sys.argv[1:])
