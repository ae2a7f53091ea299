"""Some pictures of a bucket, for people to look at: read side by side, bounded, and never a reason to fail."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from batch_assets.errors import SourceError
from batch_assets.storage.objects import S3Address, explained

MAX_PICTURE_BYTES = 8 * 1024**2
_AT_ONCE = 8


@dataclass(frozen=True)
class PictureBytes:
    """What was read of a picture: its bytes, or None and why."""

    key: str
    data: bytes | None = field(repr=False)
    problem: str = ""


def read_pictures(client: Any, bucket: str, keys: Sequence[str]) -> Iterator[PictureBytes]:
    """The pictures in the order of their keys, a few at once and a few in memory.

    One that is larger than `MAX_PICTURE_BYTES`, or cannot be read, comes with the reason.
    """
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for start in range(0, len(keys), _AT_ONCE):
            yield from pool.map(partial(_read, client, bucket), keys[start : start + _AT_ONCE])


def _read(client: Any, bucket: str, key: str) -> PictureBytes:
    address = S3Address(bucket, key)
    try:
        with explained(address.uri):
            reply = client.get_object(Bucket=bucket, Key=key)
            if reply["ContentLength"] > MAX_PICTURE_BYTES:
                reply["Body"].close()
                return PictureBytes(key, None, "too large to be shown here")
            return PictureBytes(key, reply["Body"].read())
    except SourceError as error:
        return PictureBytes(key, None, str(error).removeprefix(f"{address.uri}: "))
