"""The objects in moto's S3, reached in the process: locks, reads and writes without HTTP."""

import hashlib
import os
import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from moto.s3.models import FakeKey, S3Backend, s3_backends

from batch_assets.sandbox.config import ACCOUNT_ID

_STRIPES = 64
_CHUNK_BYTES = 1 << 20
_SPOOL_BYTES = 4 << 20


def spool() -> "SpooledTemporaryFile[bytes]":
    """Return a new temporary file, in memory while it is small."""
    return SpooledTemporaryFile(max_size=_SPOOL_BYTES)


class ObjectStore:
    """Moto's buckets, made safe to use from several threads.

    Every change to a key and every read of its bytes holds that key's lock (one of a fixed
    number), because moto closes the bytes of an object the moment it is overwritten.
    """

    def __init__(self) -> None:
        """Attach to moto's backend for the sandbox's account."""
        self._stripes = [threading.RLock() for _ in range(_STRIPES)]
        self._generations: defaultdict[str, int] = defaultdict(int)
        self._sorted_keys: dict[str, tuple[int, list[str]]] = {}

    @property
    def backend(self) -> S3Backend:
        """Moto's S3, shared by all Regions."""
        return s3_backends[ACCOUNT_ID]["aws"]

    @contextmanager
    def holding(self, *names: tuple[str, str]) -> Iterator[None]:
        """Hold the locks of some (bucket, key) pairs."""
        stripes = sorted({hash(name) % _STRIPES for name in names})
        with ExitStack() as stack:
            for stripe in stripes:
                stack.enter_context(self._stripes[stripe])
            yield

    @contextmanager
    def holding_all(self) -> Iterator[None]:
        """Hold the locks of all keys."""
        with ExitStack() as stack:
            for stripe in self._stripes:
                stack.enter_context(stripe)
            yield

    def bucket_names(self) -> list[str]:
        """Name every bucket."""
        return list(self.backend.buckets)

    def has_bucket(self, bucket: str) -> bool:
        """Tell whether a bucket exists."""
        return bucket in self.backend.buckets

    def find(self, bucket: str, key: str) -> FakeKey | None:
        """Return the current version of an object; hold its lock while using its bytes."""
        if not self.has_bucket(bucket):
            return None
        found = self.backend.buckets[bucket].keys.get(key)
        return found if isinstance(found, FakeKey) else None

    def size_bytes(self, bucket: str, key: str) -> int | None:
        """Return an object's size, or None when there is no such object."""
        found = self.find(bucket, key)
        return None if found is None else int(found.size)

    def read(self, bucket: str, key: str) -> bytes | None:
        """Return an object's bytes, or None when there is no such object."""
        with self.holding((bucket, key)):
            found = self.find(bucket, key)
            return None if found is None else bytes(found.value)

    def open(self, bucket: str, key: str) -> IO[bytes] | None:
        """Copy an object to a temporary file that lives as long as the caller needs it."""
        with self.holding((bucket, key)):
            found = self.find(bucket, key)
            if found is None:
                return None
            chunks = stream_range(found, 0, found.size)
        copied = spool()
        copied.writelines(chunks)
        copied.seek(0)
        return copied

    def put(self, bucket: str, key: str, content: "SpooledTemporaryFile[bytes]") -> None:
        """Store what was written to a ``spool()``, which now belongs to the store."""
        content.seek(0)
        digest = hashlib.file_digest(content, "md5").hexdigest()
        size_bytes = content.seek(0, os.SEEK_END)
        with self.holding((bucket, key)):
            stored = self.backend.put_object(bucket, key, b"", etag=digest)
            stored._value_buffer.close()  # noqa: SLF001 - moto only takes whole bytes objects
            stored._value_buffer = content  # noqa: SLF001
            stored.contentsize = size_bytes
        self.changed(bucket)

    def changed(self, bucket: str) -> None:
        """Tell that keys of a bucket may have come or gone."""
        self._generations[bucket] += 1

    def keys(self, bucket: str, *, prefix: str = "", after: str = "") -> Iterator[str]:
        """Yield the keys under a prefix and after a key, in UTF-8 order, deleted ones included."""
        names = self._sorted(bucket)
        # Code point order, which Python compares by, is the order of UTF-8 bytes.
        start = bisect_left(names, max(prefix, after))
        for index in range(start, len(names)):
            name = names[index]
            if not name.startswith(prefix):
                return
            if name > after:
                yield name

    def _sorted(self, bucket: str) -> list[str]:
        generation = self._generations[bucket]
        cached = self._sorted_keys.get(bucket)
        if cached is not None and cached[0] == generation:
            return cached[1]
        # One call in C: other threads may add keys meanwhile.
        names = sorted(self.backend.buckets[bucket].keys.keys())
        self._sorted_keys[bucket] = (generation, names)
        return names


def stream_range(stored: FakeKey, start: int, size_bytes: int) -> Iterator[bytes]:
    """Return an iterator over a part of an object, safe after the object is overwritten.

    The caller holds the key's lock until this returns, not while it reads on. Moto offers the
    bytes only as a whole, so this reaches for the temporary file they are in.
    """
    buffer: Any = stored._value_buffer  # noqa: SLF001 - see above
    if getattr(buffer, "_rolled", True):
        buffer.flush()
        return _stream_descriptor(os.dup(buffer.fileno()), start, size_bytes)
    buffer.seek(start)
    return iter([buffer.read(size_bytes)])


def _stream_descriptor(descriptor: int, start: int, size_bytes: int) -> Iterator[bytes]:
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        position, end = start, start + size_bytes
        while position < end:
            chunk = os.pread(file.fileno(), min(_CHUNK_BYTES, end - position), position)
            if not chunk:
                raise EOFError(f"object ended at {position} of {end} bytes")
            position += len(chunk)
            yield chunk
