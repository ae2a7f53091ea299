"""The one question that the page asks most: which pictures, by words, by a picture, by a vector, or just the newest."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
from botocore.exceptions import ClientError
from numpy.typing import NDArray

from batch_assets.bedrock.on_demand import embed_text
from batch_assets.errors import SearchError
from batch_assets.gallery.deployment import Deployment
from batch_assets.gallery.indexed_partitions import IndexedPartitions
from batch_assets.gallery.kept import Kept
from batch_assets.gallery.newest import Newest
from batch_assets.gallery.parameters import Filters, Page, filters, page
from batch_assets.gallery.query_vector import decoded
from batch_assets.gallery.rankings import Rankings
from batch_assets.gallery.refusal import not_found, wrong_input
from batch_assets.vectors.search import Criteria, Match

_QUERIES = ("text", "key", "vector")
_KEPT_TEXTS = 1024
_KEPT_KEYS = 1024
_KEY_SECONDS = 120.0

Vector = NDArray[np.float32]


class Searching:
    """Answers searches; what was embedded once is not paid for again."""

    def __init__(self, deployment: Deployment, partitions: IndexedPartitions) -> None:
        self._deployment, self._partitions = deployment, partitions
        self._rankings, self._newest = Rankings(deployment), Newest(deployment)
        self._texts: Kept[str, Vector] = Kept(_KEPT_TEXTS)
        self._keys: Kept[str, Vector] = Kept(_KEPT_KEYS, seconds=_KEY_SECONDS)

    def answer(self, query: Any) -> Mapping[str, Any]:
        """The results of a query string. Raises `RequestError`, or what the services refuse."""
        begun = time.perf_counter()
        asked = {name: query[name] for name in _QUERIES if query.get(name)}
        if len(asked) > 1:
            raise wrong_input(f"{' and '.join(asked)} were given: search with one of {', '.join(_QUERIES)}")
        wanted, chosen = page(query), filters(query, formats=formats(self._deployment))
        if asked:
            results, following = self._nearest(self._vector(asked), chosen, wanted)
        else:
            results, following = self._browsed(chosen, wanted)
        milliseconds = round(1000 * (time.perf_counter() - begun), 1)
        return {"results": results, "next_offset": following, "milliseconds": milliseconds}

    def _vector(self, asked: Mapping[str, str]) -> Vector:
        ((name, value),) = asked.items()
        if name == "vector":
            return decoded(value, dimension=self._deployment.settings.dimension)
        if name == "key":
            return self._keys.get_or_make(value, lambda: self._vector_of_key(value))
        return self._texts.get_or_make(value, lambda: self._vector_of_text(value))

    def _vector_of_text(self, text: str) -> Vector:
        return embed_text(self._deployment.bedrock_runtime, self._deployment.settings.space, text)

    def _vector_of_key(self, key: str) -> Vector:
        found = vector_of(self._deployment, self._deployment.shown_key(key), returnData=True)
        return np.array(found["data"]["float32"], np.float32)

    def _nearest(self, vector: Vector, chosen: Filters, wanted: Page) -> tuple[list[dict[str, Any]], int | None]:
        criteria = Criteria(
            partitions=self._partitions.keys(chosen.since, chosen.until),
            formats=chosen.formats,
            min_size_bytes=chosen.min_size_bytes,
            max_size_bytes=chosen.max_size_bytes,
        )
        matches, following = self._rankings.nearest(vector, criteria, wanted)
        return [_as_result(match) for match in matches], following

    def _browsed(self, chosen: Filters, wanted: Page) -> tuple[list[dict[str, Any]], int | None]:
        partitions = self._partitions.chosen(chosen.since, chosen.until)
        rows, following = self._newest.page(partitions, chosen, wanted)
        return [{"distance": None, **described(row)} for row in rows], following


def formats(deployment: Deployment) -> frozenset[str]:
    """The model's names of the formats that pictures of a deployment have."""
    return frozenset(deployment.settings.space.model.formats.values())


def described(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of a table, with its partition, as the page is told of a picture."""
    return {
        "key": row["key"],
        "partition": row["partition"],
        "format": row["format"],
        "size_bytes": row["size"],
        "last_modified": row["last_modified"].astimezone(UTC).isoformat(),
    }


def described_by_index(key: str, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What the index knows of a picture, as the page is told of it."""
    modified = datetime.fromtimestamp(metadata["last_modified"], UTC)
    return described({**metadata, "key": key, "last_modified": modified})


def vector_of(deployment: Deployment, key: str, **parts: bool) -> Mapping[str, Any]:
    """The vector of a key, with its data or metadata as they are asked for. Raises `RequestError` if there is none.

    Needs s3vectors:GetVectors. Raises `SearchError` when the service refuses.
    """
    settings, client = deployment.settings, deployment.s3vectors
    index = settings.index_names.name_of_object(key)
    if index is None:
        raise not_found(f"{key!r} lies under no partition of {settings.prefix_template}")
    where = f"index {index!r} of vector bucket {settings.vector_bucket!r}"
    try:
        found = client.get_vectors(vectorBucketName=settings.vector_bucket, indexName=index, keys=[key], **parts)[
            "vectors"
        ]
    except client.exceptions.NotFoundException as error:
        raise SearchError(f"{where} does not exist: load a partition first") from error
    except ClientError as error:
        raise SearchError(f"cannot read {where}: {error}") from error
    if not found:
        raise not_found(f"{key!r} is not in {where}")
    (vector,) = found
    return dict(vector)


def _as_result(match: Match) -> dict[str, Any]:
    return {"distance": match.distance, **described_by_index(match.key, match.metadata)}
