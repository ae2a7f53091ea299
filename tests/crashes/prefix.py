"""The pictures of a deployment as its owner knows them, and what is owed for them."""

import hashlib
import io
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from batch_assets.bedrock.manifest import record_id
from batch_assets.sandbox import descriptor
from tests.conftest import wait_for
from tests.world import World

DIMENSION = 256
Content = str
"""The ETag of what was put in one piece: the MD5 of its bytes."""


@lru_cache(maxsize=2000)
def noise(number: int) -> bytes:
    """A tiny picture whose vector no other number's comes near to."""
    file = io.BytesIO()
    pixels = np.random.default_rng(number).integers(0, 256, size=(8, 8, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@lru_cache(maxsize=2000)
def vector_of(data: bytes) -> NDArray[np.float32]:
    """The vector that belongs to these bytes."""
    return descriptor.embed_image(data, DIMENSION)


def etag(data: bytes) -> Content:
    """What S3 calls these bytes."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


@dataclass
class Prefix:
    """The objects of one partition, and how often each content may have been paid for by now.

    A picture is owed one embedding. It may be paid for once more when it was overwritten or deleted: its vector is then
    given up, or its result dropped if its job ran at that time.
    """

    world: World
    key: str
    objects: dict[str, bytes] = field(default_factory=dict)
    past: dict[str, bytes] = field(default_factory=dict)
    may_be_paid: Counter[Content] = field(default_factory=Counter)
    versions: dict[str, Content] = field(default_factory=dict)

    def put(self, files: dict[str, bytes]) -> None:
        """Add objects, or overwrite them."""
        for name, data in files.items():
            if name in self.objects:
                self._gives_up(name)
            self.may_be_paid.setdefault(etag(data), 1)
            self.versions[self.record_id(name, data)] = etag(data)
        self.world.put(files, self.key)
        self.objects |= files

    def restore(self, name: str) -> None:
        """Give an object the bytes that it had before, not within the second in which it had them."""
        second = int(time.time())
        wait_for(lambda: int(time.time()) > second, what="S3, which tells times in whole seconds")
        self.put({name: self.past[name]})

    def delete(self, names: list[str]) -> None:
        """Delete objects."""
        for name in names:
            self._gives_up(name)
            del self.objects[name]
        self.world.delete(*names, key=self.key)

    def restorable(self) -> list[str]:
        """Names that held other bytes before."""
        return sorted(name for name, data in self.past.items() if self.objects.get(name) != data)

    def record_id(self, name: str, data: bytes) -> str:
        """The id of a picture's record."""
        return record_id(self.world.settings.source_bucket, self.prefix + name, etag(data))

    @property
    def prefix(self) -> str:
        """The partition's prefix."""
        return self.world.settings.template.prefix(self.key)

    @property
    def eligible(self) -> dict[str, bytes]:
        """Objects that may be sent to the model, by their whole keys."""
        return {self.prefix + name: data for name, data in self.objects.items() if name.endswith(".png")}

    def _gives_up(self, name: str) -> None:
        self.may_be_paid[etag(self.objects[name])] += 1
        self.past[name] = self.objects[name]
