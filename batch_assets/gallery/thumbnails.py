"""Thumbnails of the pictures in the source bucket: made once, kept in memory, never the originals."""

import hashlib
import os
import threading
import time
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from batch_assets.gallery.deployment import Deployment
from batch_assets.gallery.kept import Kept
from batch_assets.gallery.refusal import not_found, undecodable
from batch_assets.pictures.thumbnail import thumbnail
from batch_assets.storage.objects import explained, is_missing

EDGES = (128, 256, 512, 1024)
_KEPT_BYTES = 64 * 1024**2
_FRESH_SECONDS = 60.0
_NOT_MODIFIED = 304


@dataclass(frozen=True)
class Thumbnail:
    """A JPEG, the version of the object that it was made of (ETag with its quotes), and when that was looked up."""

    jpeg: bytes
    version: str
    edge_pixels: int
    seen: float

    @property
    def etag(self) -> str:
        """ETag of the thumbnail itself, with quotes."""
        told = f"{self.version} {self.edge_pixels}"
        return f'"{hashlib.sha256(told.encode()).hexdigest()[:32]}"'


class Thumbnails:
    """By key and edge. An object is looked at again when its thumbnail is older than a minute."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._kept: Kept[tuple[str, int], Thumbnail] = Kept(_KEPT_BYTES, weight=lambda made: len(made.jpeg))
        self._decoding = threading.Semaphore(os.cpu_count() or 1)

    def get(self, key: str, edge_pixels: int) -> Thumbnail:
        """The thumbnail of a picture. Raises `RequestError` if it is not there or cannot be decoded."""
        before = self._kept.get((key, edge_pixels))
        if before is not None and before.seen > time.monotonic() - _FRESH_SECONDS:
            return before
        return self._kept.put((key, edge_pixels), self._looked_up(key, edge_pixels, before))

    def _looked_up(self, key: str, edge_pixels: int, before: Thumbnail | None) -> Thumbnail:
        reply = self._reply(key, before)
        if reply is None and before is not None:
            return Thumbnail(before.jpeg, before.version, edge_pixels, time.monotonic())
        limit = self._deployment.settings.space.model.max_image_bytes
        if reply["ContentLength"] > limit:
            raise undecodable(f"{key!r} has {reply['ContentLength']} bytes; pictures have at most {limit}")
        with explained(self._uri(key)):
            data = reply["Body"].read()
        return Thumbnail(self.made(data, edge_pixels), reply["ETag"], edge_pixels, time.monotonic())

    def made(self, data: bytes, edge_pixels: int) -> bytes:
        """The JPEG of a picture's bytes; a few at a time, since decoding takes memory. Raises `RequestError`."""
        try:
            with self._decoding:
                return thumbnail(data, edge_pixels=edge_pixels)
        except ValueError as error:
            raise undecodable(str(error)) from error

    def _reply(self, key: str, before: Thumbnail | None) -> Any:
        """The object, or None if it is still the one that the thumbnail was made of."""
        condition = {"IfNoneMatch": before.version} if before else {}
        bucket = self._deployment.settings.source_bucket
        with explained(self._uri(key)):
            try:
                return self._deployment.s3.get_object(Bucket=bucket, Key=key, **condition)
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] == _NOT_MODIFIED:
                    return None
                if is_missing(error):
                    raise not_found(f"{key!r} is no longer in the bucket") from error
                raise

    def _uri(self, key: str) -> str:
        return f"s3://{self._deployment.settings.source_bucket}/{key}"
