"""Nearest pictures page by page: one search goes as far as somebody scrolls, and is kept for who comes back."""

import threading
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from batch_assets.gallery.deployment import Deployment
from batch_assets.gallery.kept import Kept
from batch_assets.gallery.parameters import Page
from batch_assets.vectors.all_indexes import search_deployment
from batch_assets.vectors.search import MAX_TOP_K, Criteria, Match

_KEPT = 128
_DEPTHS = (1_000, MAX_TOP_K)
# S3 Vectors forgets a query several minutes after its first page (Amazon S3 user guide, "Querying vectors").
_SECONDS = 120.0


class _Ranking:
    """The results of one search, as far as they have been asked for."""

    def __init__(self, matches: Iterator[Match]) -> None:
        self._matches, self._found, self._lock = matches, list[Match](), threading.Lock()

    def upto(self, end: int) -> Sequence[Match]:
        """The first `end` results, or all if there are fewer."""
        with self._lock:
            while len(self._found) < end:
                match = next(self._matches, None)
                if match is None:
                    break
                self._found.append(match)
            return self._found[:end]


class Rankings:
    """Searches of a deployment's indexes."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._kept: Kept[tuple[bytes, Criteria], _Ranking] = Kept(_KEPT, seconds=_SECONDS)

    def nearest(
        self, vector: NDArray[np.float32], criteria: Criteria, page: Page
    ) -> tuple[Sequence[Match], int | None]:
        """A page of the pictures nearest to a vector, and where the next one begins.

        Raises `SearchError` when the index does not exist or the service refuses.
        """
        asked = (vector.tobytes(), criteria)
        found = self._kept.get_or_make(asked, lambda: _Ranking(self._each_once(vector, criteria)))
        try:
            matches = found.upto(page.end + 1)
        except Exception:
            self._kept.forget(asked)  # it cannot go on after an error
            raise
        return matches[page.offset : page.end], page.following(len(matches))

    def _each_once(self, vector: NDArray[np.float32], criteria: Criteria) -> Iterator[Match]:
        """The nearest pictures; a second search goes deeper, for the few who scroll beyond the first."""
        deployment, seen = self._deployment, set[str]()
        for depth in _DEPTHS:
            matches = search_deployment(
                deployment.s3vectors, deployment.settings, vector=vector, top_k=depth, criteria=criteria
            )
            count = 0
            for match in matches:
                count += 1
                if match.key not in seen:
                    seen.add(match.key)
                    yield match
            if count < depth:
                return
