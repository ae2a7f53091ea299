"""A sandbox that is full of pictures from the start, and whose model answers at once with made-up vectors.

The stand-in for Nova would take most of an hour for a job of 100,000 pictures; everything else, the limits of S3
Vectors included, is as ever. `python -m benchmarks.scale.instant_sandbox IMAGES PREFIX SPEED` prints its port, and ends
with its standard input.
"""

import json
import sys
from concurrent.futures import Future

import numpy as np
import orjson

from batch_assets.cli.local_world import BUCKET, ROLE
from batch_assets.sandbox.application import Sandbox
from batch_assets.sandbox.bedrock.records import EmbeddingTask
from batch_assets.sandbox.config import ACCOUNT_ID, SandboxConfig
from batch_assets.sandbox.s3_store import spool
from batch_assets.sandbox.server import serve
from batch_assets.sandbox.world import World

_TRUST = {"Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole"}


class InstantEmbedder:
    """Gives each content a vector of its own, drawn at random: a part of one long noise."""

    workers = 8

    def __init__(self) -> None:
        self._noise = np.random.default_rng(0).standard_normal(1 << 20, dtype=np.float32)

    def submit(self, task: EmbeddingTask) -> Future[bytes]:
        """The vector of a content, at once."""
        start = int.from_bytes(task.content[-8:], "big") * 3_079 % (len(self._noise) - task.dimension)
        done: Future[bytes] = Future()
        vector = self._noise[start : start + task.dimension]
        done.set_result(orjson.dumps(vector, option=orjson.OPT_SERIALIZE_NUMPY))
        return done

    def close(self) -> None:
        """There is nothing to end."""


def filled(images: int, prefix: str, *, speed: float) -> World:
    """A world with a bucket, a role, and so many pictures of distinct bytes under one prefix."""
    from moto.iam.models import iam_backends

    world = World(SandboxConfig(speed=speed), embedder=InstantEmbedder())
    iam_backends[ACCOUNT_ID]["aws"].create_role(
        role_name=ROLE,
        assume_role_policy_document=json.dumps({"Statement": [_TRUST]}),
        path="/",
        permissions_boundary=None,
        description="",
        tags=[],
        max_session_duration="3600",
    )
    world.store.backend.create_bucket(BUCKET, "us-east-1")
    for number in range(images):
        content = spool()
        content.write(b"\xff\xd8\xff" + number.to_bytes(8, "big"))
        world.store.put(BUCKET, f"{prefix}{number:08d}.jpg", content)
    return world


def main() -> None:
    """Serve until standard input ends."""
    images, prefix, speed = int(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    app = Sandbox(filled(images, prefix, speed=speed))
    serve(app=app, announce=_announce, until_stdin_ends=True)


def _announce(port: int) -> None:
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
